package lodge.devices;

/** What a keyboard or mouse has not sent yet: bytes in a ring of fixed size, oldest first. */
final class Ps2Queue {
  private final byte[] ring;
  private int head;
  private int count;

  Ps2Queue(int capacity) {
    ring = new byte[capacity];
  }

  boolean empty() {
    return count == 0;
  }

  int space() {
    return ring.length - count;
  }

  /** A byte that finds no room is lost. */
  void put(int... bytes) {
    for (int b : bytes) {
      if (count < ring.length) {
        ring[(head + count++) % ring.length] = (byte) b;
      }
    }
  }

  /** There must be one. */
  int take() {
    int b = ring[head] & 0xFF;
    head = (head + 1) % ring.length;
    count--;
    return b;
  }

  void clear() {
    count = 0;
  }

  byte[] content() {
    byte[] content = new byte[count];
    for (int i = 0; i < count; i++) {
      content[i] = ring[(head + i) % ring.length];
    }
    return content;
  }

  /**
   * @param content no more than the ring has room for
   */
  void restore(byte[] content) {
    head = 0;
    count = content.length;
    System.arraycopy(content, 0, ring, 0, count);
  }
}
