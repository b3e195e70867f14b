package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A counter of the kernel's that can be waited for ({@code eventfd(2)}); reading it clears it. */
final class EventFd implements AutoCloseable {
  private final int number;
  private final MemorySegment counter = Arena.ofAuto().allocate(JAVA_LONG);
  private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_LONG, 1);

  private EventFd(int number) {
    this.number = number;
  }

  /** Empty when the host gives no more files. */
  static Optional<EventFd> open() {
    int number = SystemCalls.eventfd();
    return number < 0 ? Optional.empty() : Optional.of(new EventFd(number));
  }

  int number() {
    return number;
  }

  /** From any thread. */
  void add() {
    SystemCalls.write(number, one);
  }

  /** Whether anything has been added since the last time. */
  boolean take() {
    return SystemCalls.read(number, counter) > 0;
  }

  @Override
  public void close() {
    SystemCalls.close(number);
  }
}
