package lodge.disk;

/**
 * Lets through so many units a second on average, and a number of them at once after a pause. Who
 * takes more than there is goes into debt, and waits until that is paid: requests larger than the
 * bucket pass as well, and none overtakes another.
 */
final class TokenBucket {
  private static final double NANOS = 1e9;

  private final double rate;
  private final double capacity;
  private double tokens;
  private long filledAt;

  /**
   * @param rate units a second
   * @param burst units at once
   */
  TokenBucket(long rate, long burst, long now) {
    this.rate = rate;
    capacity = burst;
    tokens = burst;
    filledAt = now;
  }

  /** Takes units; tells for how many nanoseconds to wait before they may be used. */
  synchronized long take(long units, long now) {
    tokens = Math.min(capacity, tokens + Math.max(0, now - filledAt) * rate / NANOS);
    filledAt = Math.max(filledAt, now);
    tokens -= units;
    return tokens >= 0 ? 0 : (long) Math.ceil(-tokens * NANOS / rate);
  }
}
