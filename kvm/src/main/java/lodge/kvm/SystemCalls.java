package lodge.kvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The C library's functions that KVM takes. Those that can fail get a segment of {@link #STATE} to
 * leave {@code errno} in.
 */
final class SystemCalls {
  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EINTR = 4;
  static final int ENXIO = 6;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EBUSY = 16;
  static final int EEXIST = 17;
  static final int ENODEV = 19;
  static final int ENOTTY = 25;

  static final StructLayout STATE = Linker.Option.captureStateLayout();

  private static final int O_RDWR = 2;
  private static final int O_CLOEXEC = 0x8_0000;
  private static final int EFD_CLOEXEC_NONBLOCK = O_CLOEXEC | 0x800;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_SHARED = 1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final Linker.Option VARIADIC = Linker.Option.firstVariadicArg(2);

  private static final MethodHandle OPEN =
      handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), CAPTURE, VARIADIC);
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle IOCTL =
      handle(
          "ioctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
          CAPTURE,
          VARIADIC);
  private static final MethodHandle MMAP =
      handle(
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG),
          CAPTURE);
  private static final MethodHandle MUNMAP =
      handle("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle STRERROR =
      handle("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  private static final MethodHandle SIGNAL =
      handle("signal", FunctionDescriptor.of(ADDRESS, JAVA_INT, ADDRESS));
  private static final MethodHandle PTHREAD_SELF =
      handle("pthread_self", FunctionDescriptor.of(JAVA_LONG));
  private static final MethodHandle PTHREAD_KILL =
      handle("pthread_kill", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));

  private static final MethodHandle EVENTFD =
      handle("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final FunctionDescriptor TRANSFER =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle READ = handle("read", TRANSFER);
  private static final MethodHandle WRITE = handle("write", TRANSFER);
  private static final MethodHandle POLL =
      handle("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private SystemCalls() {}

  private static MethodHandle handle(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, options);
  }

  static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  /** Opens a device for reading and writing; negative when that fails. */
  static int open(MemorySegment state, MemorySegment path) {
    try {
      return (int) OPEN.invokeExact(state, path, O_RDWR | O_CLOEXEC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void close(int fd) {
    try {
      int ignored = (int) CLOSE.invokeExact(fd);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Negative when it fails. */
  static int ioctl(MemorySegment state, int fd, long request, long argument) {
    try {
      return (int) IOCTL.invokeExact(state, fd, request, argument);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Maps a device's memory; -1 is the address when that fails. */
  static MemorySegment map(MemorySegment state, int fd, long length) {
    try {
      MemorySegment address =
          (MemorySegment)
              MMAP.invokeExact(
                  state, MemorySegment.NULL, length, PROT_READ_WRITE, MAP_SHARED, fd, 0L);
      return address.address() == -1 ? address : address.reinterpret(length);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void unmap(MemorySegment mapping) {
    try {
      int ignored = (int) MUNMAP.invokeExact(mapping, mapping.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** What an error number means, in the C library's words. */
  static String message(int errno) {
    try {
      MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
      return text.reinterpret(256).getString(0);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Has a signal do nothing but break off the system call that it comes upon. The handler is a
   * function of the C library that takes a number and has no effect.
   */
  static void ignore(int signal) {
    try {
      MemorySegment handler = LINKER.defaultLookup().findOrThrow("abs");
      MemorySegment ignored = (MemorySegment) SIGNAL.invokeExact(signal, handler);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The calling thread, for {@link #signal}. It must be a platform thread. */
  static long self() {
    try {
      return (long) PTHREAD_SELF.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Sends a signal to a thread that has not ended. */
  static void signal(long thread, int signal) {
    try {
      int ignored = (int) PTHREAD_KILL.invokeExact(thread, signal);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** A new event counter, whose reads and writes do not block; negative when there is none. */
  static int eventfd() {
    try {
      return (int) EVENTFD.invokeExact(0, EFD_CLOEXEC_NONBLOCK);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** How many bytes there were; negative when there are none now. */
  static long read(int fd, MemorySegment to) {
    try {
      return (long) READ.invokeExact(fd, to, to.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void write(int fd, MemorySegment from) {
    try {
      long ignored = (long) WRITE.invokeExact(fd, from, from.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Waits until one of the files has something, or a signal comes. */
  static void poll(MemorySegment files, int count) {
    try {
      int ignored = (int) POLL.invokeExact(files, (long) count, -1);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static RuntimeException unexpected(Throwable e) {
    return switch (e) {
      case Error error -> throw error;
      case RuntimeException exception -> exception;
      default -> throw new AssertionError(e);
    };
  }
}
