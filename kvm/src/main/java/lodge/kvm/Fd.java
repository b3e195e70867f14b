package lodge.kvm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.EngineException;

/** An open file of KVM: the system's, a VM's or a vCPU's. One thread at a time uses it. */
final class Fd implements AutoCloseable {
  private final int number;
  private final MemorySegment state;
  private boolean closed;

  private Fd(int number, MemorySegment state) {
    this.number = number;
    this.state = state;
  }

  /**
   * Opens a device.
   *
   * @throws EngineException when that fails
   */
  static Fd open(String device) {
    MemorySegment state = Arena.ofAuto().allocate(SystemCalls.STATE);
    int number;
    try (Arena arena = Arena.ofConfined()) {
      number = SystemCalls.open(state, arena.allocateFrom(device));
    }
    if (number < 0) {
      throw Obstacles.opening(device, SystemCalls.errno(state));
    }
    return new Fd(number, state);
  }

  /** An ioctl; negative when it fails: {@link #errno} says why. */
  int attempt(Ioctl request, long argument) {
    return SystemCalls.ioctl(state, number, request.number(), argument);
  }

  /** Of the last call that failed. */
  int errno() {
    return SystemCalls.errno(state);
  }

  /**
   * An ioctl.
   *
   * @return what it gives, not negative
   * @throws EngineException when it fails
   */
  int call(Ioctl request, long argument) {
    int result;
    do {
      result = attempt(request, argument);
    } while (result < 0 && errno() == SystemCalls.EINTR);
    if (result < 0) {
      throw Obstacles.refused(request, errno());
    }
    return result;
  }

  /** An ioctl whose argument is a structure. */
  int call(Ioctl request, MemorySegment argument) {
    return call(request, argument.address());
  }

  /** An ioctl that gives a new file. */
  Fd create(Ioctl request, long argument) {
    int made = call(request, argument);
    return new Fd(made, Arena.ofAuto().allocate(SystemCalls.STATE));
  }

  /** The same file, not to be closed, for a thread that uses it beside another one. */
  Fd forAnotherThread() {
    return new Fd(number, Arena.ofAuto().allocate(SystemCalls.STATE));
  }

  /** Maps what the file shares with its user; to be unmapped. */
  MemorySegment map(long length) {
    MemorySegment mapping = SystemCalls.map(state, number, length);
    if (mapping.address() == -1) {
      throw Obstacles.refused(Ioctl.GET_VCPU_MMAP_SIZE, errno());
    }
    return mapping;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      SystemCalls.close(number);
    }
  }
}
