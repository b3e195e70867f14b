package lodge.disk;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Gives parts of a file back to the file system, with Linux's fallocate. The JDK has no way to it,
 * and does not tell a channel's file descriptor either, so the file is opened once more.
 */
final class HolePunch implements AutoCloseable {
  private static final int O_RDWR_CLOEXEC = 0x8_0002;
  private static final int KEEP_SIZE_PUNCH_HOLE = 3;

  static final boolean AVAILABLE =
      System.getProperty("os.name").equals("Linux")
          && System.getProperty("os.arch").toLowerCase(Locale.ROOT).matches("amd64|x86_64|aarch64")
          && HolePunch.class.getModule().isNativeAccessEnabled();

  /** Only touched where native access is enabled: without it the JVM would print a warning. */
  private static final class Libc {
    static final MethodHandle OPEN =
        handle(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    static final MethodHandle CLOSE =
        handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    static final MethodHandle FALLOCATE =
        handle(
            "fallocate",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));

    private static MethodHandle handle(
        String name, FunctionDescriptor type, Linker.Option... options) {
      Linker linker = Linker.nativeLinker();
      SymbolLookup libc = linker.defaultLookup();
      return linker.downcallHandle(libc.findOrThrow(name), type, options);
    }
  }

  /** Negative where holes cannot be punched. */
  private final int descriptor;

  HolePunch(Path path) {
    descriptor = AVAILABLE ? open(path) : -1;
  }

  private static int open(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name =
          arena.allocateFrom(path.toAbsolutePath().toString(), StandardCharsets.UTF_8);
      return (int) Libc.OPEN.invokeExact(name, O_RDWR_CLOEXEC);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Zeroes are read there afterwards; false when the file system cannot do it. */
  boolean punch(long offset, long length) {
    if (descriptor < 0) {
      return false;
    }
    try {
      return 0
          == (int) Libc.FALLOCATE.invokeExact(descriptor, KEEP_SIZE_PUNCH_HOLE, offset, length);
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
