package lodge.disk;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Finds the parts of a file that take no space, with Linux's lseek. Where that is not available the
 * file has none.
 */
final class HoleSearch implements AutoCloseable {
  private static final int O_RDONLY_CLOEXEC = 0x8_0000;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  /** Only touched where native access is enabled: without it the JVM would print a warning. */
  private static final class Libc {
    static final MethodHandle OPEN =
        handle(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    static final MethodHandle CLOSE =
        handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    static final MethodHandle LSEEK =
        handle(
            "lseek",
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));

    private static MethodHandle handle(
        String name, FunctionDescriptor type, Linker.Option... options) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, options);
    }
  }

  private final long size;

  /** Negative where holes cannot be found. */
  private final int descriptor;

  /**
   * @param size of the file
   */
  HoleSearch(Path path, long size) {
    this.size = size;
    descriptor = HolePunch.AVAILABLE ? open(path) : -1;
  }

  private static int open(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name =
          arena.allocateFrom(path.toAbsolutePath().toString(), StandardCharsets.UTF_8);
      return (int) Libc.OPEN.invokeExact(name, O_RDONLY_CLOEXEC);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** The first offset from this one on that is in a hole; the size when there is none. */
  long hole(long offset) {
    long found = seek(offset, SEEK_HOLE);
    return found < offset ? size : Math.min(found, size);
  }

  /** The first offset from this one on that is in no hole; the size when there is none. */
  long data(long offset) {
    long found = seek(offset, SEEK_DATA);
    if (found >= offset) {
      return Math.min(found, size);
    }
    // No data, or no answer: a file system that answers finds the hole.
    return seek(offset, SEEK_HOLE) == offset ? size : offset;
  }

  private long seek(long offset, int whence) {
    if (descriptor < 0) {
      return -1;
    }
    try {
      return (long) Libc.LSEEK.invokeExact(descriptor, offset, whence);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    if (descriptor >= 0) {
      try {
        int ignored = (int) Libc.CLOSE.invokeExact(descriptor);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }
}
