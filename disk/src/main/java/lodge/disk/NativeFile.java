package lodge.disk;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What Linux can do with a file and the JDK cannot: give parts of it back to the file system, tell
 * which parts take space, and lock bytes for one opened file. The JDK does not tell a channel's
 * file descriptor, so the file is opened once more.
 */
final class NativeFile implements AutoCloseable {
  private static final int O_CLOEXEC = 0x8_0000;
  private static final int O_RDWR = 2;
  private static final int KEEP_SIZE_PUNCH_HOLE = 3;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  /** {@code struct stat} and where its number of blocks of 512 bytes is. */
  private static final int STAT_BYTES = 144;

  private static final int STAT_BLOCKS = 64;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;
  private static final short F_UNLCK = 2;
  private static final int EAGAIN = 11;
  private static final int EACCES = 13;

  private static final boolean AVAILABLE =
      System.getProperty("os.name").equals("Linux")
          && System.getProperty("os.arch").toLowerCase(Locale.ROOT).matches("amd64|x86_64|aarch64")
          && NativeFile.class.getModule().isNativeAccessEnabled();

  /** {@code struct flock}: type, whence, start, length, process. */
  private static final StructLayout FLOCK =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_SHORT,
          ValueLayout.JAVA_SHORT,
          MemoryLayout.paddingLayout(4),
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT,
          MemoryLayout.paddingLayout(4));

  private static final long FLOCK_START = 8;
  private static final long FLOCK_LENGTH = 16;

  /** Only touched where native access is enabled: without it the JVM would print a warning. */
  private static final class Libc {
    static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    static final VarHandle ERRNO =
        CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /**
     * Linux's two processors pass integers, pointers and what is variadic alike, so one shape of
     * calls is enough. Each takes the JVM tens of milliseconds.
     */
    private static final FunctionDescriptor SHAPE =
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);

    private static final MethodHandle CALL =
        Linker.nativeLinker().downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));

    static final MemorySegment OPEN = find("open");
    static final MemorySegment CLOSE = find("close");
    static final MemorySegment FALLOCATE = find("fallocate");
    static final MemorySegment FCNTL = find("fcntl");
    static final MemorySegment LSEEK = find("lseek");
    static final MemorySegment FSTAT = find("fstat");

    private static MemorySegment find(String name) {
      return Linker.nativeLinker().defaultLookup().findOrThrow(name);
    }

    /** What a function returns; of an {@code int} the lower half counts. */
    static long call(MemorySegment function, MemorySegment state, long a, long b, long c, long d) {
      try {
        return (long) CALL.invokeExact(function, state, a, b, c, d);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    /** The same when it does not matter why it failed. */
    static long call(MemorySegment function, long a, long b, long c, long d) {
      try (Arena arena = Arena.ofConfined()) {
        return call(function, arena.allocate(CALL_STATE), a, b, c, d);
      }
    }
  }

  /** Negative where nothing of this is possible. */
  private int descriptor;

  NativeFile(Path path, boolean readOnly) {
    descriptor = AVAILABLE ? open(path, readOnly) : -1;
  }

  private static int open(Path path, boolean readOnly) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name =
          arena.allocateFrom(path.toAbsolutePath().toString(), StandardCharsets.UTF_8);
      return (int) Libc.call(Libc.OPEN, name.address(), O_CLOEXEC | (readOnly ? 0 : O_RDWR), 0, 0);
    }
  }

  /** Zeroes are read there afterwards; false when the file system cannot do it. */
  boolean punch(long offset, long length) {
    return descriptor >= 0
        && (int) Libc.call(Libc.FALLOCATE, descriptor, KEEP_SIZE_PUNCH_HOLE, offset, length) == 0;
  }

  /** The first offset from this one on that is in no hole; negative when there is none. */
  long data(long offset) {
    return seek(offset, SEEK_DATA);
  }

  /** The first offset from this one on that is in a hole; negative when that is not known. */
  long hole(long offset) {
    return seek(offset, SEEK_HOLE);
  }

  private long seek(long offset, int whence) {
    return descriptor < 0 ? -1 : Libc.call(Libc.LSEEK, descriptor, offset, whence, 0);
  }

  /** The space that the file takes, in bytes; negative when that is not known. */
  long allocated() {
    if (descriptor < 0) {
      return -1;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(STAT_BYTES, Long.BYTES);
      boolean known = (int) Libc.call(Libc.FSTAT, descriptor, stat.address(), 0, 0) == 0;
      return known ? stat.get(ValueLayout.JAVA_LONG, STAT_BLOCKS) * 512 : -1;
    }
  }

  /** Locks a byte together with others; false when somebody has it alone. */
  boolean lock(long offset) {
    return fcntl(F_OFD_SETLK, F_RDLCK, offset, 1);
  }

  void unlock(long offset, long length) {
    fcntl(F_OFD_SETLK, F_UNLCK, offset, length);
  }

  /** Whether others have locked a byte. */
  boolean isLockedByOthers(long offset) {
    return !fcntl(F_OFD_GETLK, F_WRLCK, offset, 1);
  }

  /** False when another lock is in the way; file systems without locks have none. */
  private boolean fcntl(int command, short type, long start, long length) {
    if (descriptor < 0) {
      return true;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment lock = arena.allocate(FLOCK);
      lock.set(ValueLayout.JAVA_SHORT, 0, type);
      lock.set(ValueLayout.JAVA_LONG, FLOCK_START, start);
      lock.set(ValueLayout.JAVA_LONG, FLOCK_LENGTH, length);
      MemorySegment state = arena.allocate(Libc.CALL_STATE);
      if ((int) Libc.call(Libc.FCNTL, state, descriptor, command, lock.address(), 0) < 0) {
        int error = (int) Libc.ERRNO.get(state, 0L);
        return error != EAGAIN && error != EACCES;
      }
      return command != F_OFD_GETLK || lock.get(ValueLayout.JAVA_SHORT, 0) == F_UNLCK;
    }
  }

  /** Its locks go as well. The second time nothing happens: the number may be another file's. */
  @Override
  public synchronized void close() {
    if (descriptor >= 0) {
      Libc.call(Libc.CLOSE, descriptor, 0, 0, 0);
      descriptor = -1;
    }
  }
}
