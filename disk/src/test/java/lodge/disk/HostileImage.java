package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

/**
 * What Jazzer gives bytes to. Whatever they are, an image that consists of them is read or refused
 * in one line, without much work, a change of the file or a file that stays open.
 */
public final class HostileImage {
  /** Bits of the first byte. */
  private static final int KEEPS_CHECKSUMS = 1;

  static final long MAX_NANOSECONDS = 10_000_000_000L;
  private static final int MOST_READ = 4 << 20;
  private static final int PIECE = 100_000;
  private static final int MAX_EXTENTS = 200;
  private static final int MAX_SNAPSHOTS = 4;
  private static final FileTime LONG_AGO = FileTime.fromMillis(0);
  private static final Path SCHEDULER_STATISTICS = Path.of("/proc/thread-self/schedstat");
  private static final Path OPEN_FILES = Path.of("/proc/self/fd");

  private static ImageFormat format;
  private static Path folder;

  private HostileImage() {}

  /** The name of a format, and of a folder of its own. */
  public static void fuzzerInitialize(String[] arguments) {
    format = ImageFormat.of(arguments[0]);
    folder = Path.of(arguments[1]);
  }

  /** One byte of flags, and the runs of a file. */
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    if (input.length == 0) {
      return;
    }
    Path path = folder.resolve("disk");
    FileRuns.write(ByteBuffer.wrap(input, 1, input.length - 1), path);
    if ((input[0] & KEEPS_CHECKSUMS) == 0) {
      Checksums.correct(format, path);
    }
    Files.setLastModifiedTime(path, LONG_AGO);
    long start = processorTime();
    orRefused(() -> ImageFormat.probe(path));
    orRefused(() -> ImageInfo.read(path, format, Access.READ));
    orRefused(() -> readAll(format.open(path, true)));
    if (format == ImageFormat.QCOW2) {
      orRefused(() -> Qcow2Image.check(path, Repair.NOTHING));
      orRefused(() -> readSnapshots(path));
    }
    assertThat(processorTime() - start).isLessThan(MAX_NANOSECONDS);
    assertThat(Files.getLastModifiedTime(path)).isEqualTo(LONG_AGO);
    assertThat(openFiles()).isEmpty();
  }

  private interface Use {
    void use() throws IOException;
  }

  private static void orRefused(Use use) throws IOException {
    try {
      use.use();
    } catch (DiskException e) {
      assertThat(e.getMessage().lines()).hasSize(1);
    }
  }

  private static void readAll(DiskImage opened) throws IOException {
    try (DiskImage image = opened) {
      long size = image.size();
      assertThat(size).isNotNegative();
      orRefused(() -> walk(image));
      for (long at = 0; at < Math.min(size, MOST_READ); at += PIECE) {
        read(image, at);
      }
      read(image, Math.max(0, size - PIECE));
    }
  }

  private static void walk(DiskImage image) throws IOException {
    long at = 0;
    for (int i = 0; i < MAX_EXTENTS && at < image.size(); i++) {
      Extent extent = image.extent(at);
      assertThat(extent.offset()).isEqualTo(at);
      assertThat(extent.length()).isBetween(1L, image.size() - at);
      at = extent.end();
    }
  }

  /** One place that is damaged does not keep others from being read. */
  private static void read(DiskImage image, long at) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, image.size() - at));
    orRefused(() -> image.read(at, piece));
  }

  private static void readSnapshots(Path path) throws IOException {
    List<Snapshot> snapshots;
    try (Qcow2Image image = Qcow2Image.open(path, true)) {
      snapshots = image.snapshots();
    }
    for (Snapshot each : snapshots.subList(0, Math.min(MAX_SNAPSHOTS, snapshots.size()))) {
      orRefused(() -> readAll(Qcow2Image.openSnapshot(path, Access.READ, each.id())));
    }
  }

  /** Of this thread: the machine may be slow. */
  static long processorTime() throws IOException {
    return Long.parseLong(Files.readString(SCHEDULER_STATISTICS).split(" ")[0]);
  }

  /** Those of the folder. */
  private static List<Path> openFiles() throws IOException {
    List<Path> open = new ArrayList<>();
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(OPEN_FILES)) {
      for (Path descriptor : descriptors) {
        if (Files.isSymbolicLink(descriptor)) { // not the stream's own, which may be gone
          Path file = Files.readSymbolicLink(descriptor);
          if (file.startsWith(folder)) {
            open.add(file);
          }
        }
      }
    }
    return open;
  }
}
