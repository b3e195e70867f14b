package lodge.core;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Host address space that is resident only where it was touched. On Linux an anonymous {@code
 * MAP_NORESERVE} mapping; elsewhere a mapping of a sparse temporary file that is deleted at once.
 */
final class Reservation implements AutoCloseable {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;

  /** Where a huge page can begin. */
  private static final long HUGE_PAGE = 2 << 20;

  /** Looked up when it is needed for the first time, and only where it is. */
  private static final class Advice {
    static final MethodHandle MADVISE =
        handle(
            "madvise",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));
  }

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final boolean anonymous;

  private Reservation(long length) {
    this.anonymous = System.getProperty("os.name").equals("Linux");
    this.segment = anonymous ? anonymous(length) : sparseFile(length);
  }

  static Reservation of(long length) {
    return new Reservation(length);
  }

  MemorySegment segment() {
    return segment;
  }

  private MemorySegment anonymous(long length) {
    MethodHandle mmap =
        handle(
            "mmap",
            FunctionDescriptor.of(
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
    MethodHandle munmap =
        handle(
            "munmap",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    try {
      MemorySegment address =
          (MemorySegment)
              mmap.invokeExact(
                  MemorySegment.NULL,
                  length + HUGE_PAGE,
                  PROT_READ_WRITE,
                  MAP_PRIVATE_ANONYMOUS_NORESERVE,
                  -1,
                  0L);
      if (address.address() == -1) {
        throw new OutOfMemoryError(
            "the host refuses to reserve " + length + " bytes of guest memory");
      }
      long whole = length + HUGE_PAGE;
      return address
          .reinterpret(whole, arena, mapping -> unmap(munmap, mapping, whole))
          .asSlice(-address.address() & HUGE_PAGE - 1, length);
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void unmap(MethodHandle munmap, MemorySegment mapping, long length) {
    try {
      int ignored = (int) munmap.invokeExact(mapping, length);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), descriptor);
  }

  private MemorySegment sparseFile(long length) {
    try {
      Path file = Files.createTempFile("lodge-ram", null);
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.SPARSE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, length, arena);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("reserving " + length + " bytes of guest memory", e);
    }
  }

  /**
   * Asks for huge pages where the memory is touched from now on. What is resident then grows by
   * whole ones.
   *
   * @return false when the host has none
   */
  boolean hugePages() {
    return anonymous && advise(segment, MADV_HUGEPAGE);
  }

  /** Makes bytes zero, by giving their pages back to the host where that is possible. */
  void discard(long offset, long length) {
    MemorySegment range = segment.asSlice(offset, length);
    if (!anonymous || !advise(range, MADV_DONTNEED)) {
      range.fill((byte) 0);
    }
  }

  /** False when the host refuses, as when its pages are larger than the range. */
  private static boolean advise(MemorySegment range, int advice) {
    try {
      return (int) Advice.MADVISE.invokeExact(range, range.byteSize(), advice) == 0;
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
