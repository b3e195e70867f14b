package lodge.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an image's header says. Neither a backing file nor the disk's tables are looked at.
 *
 * @param file of the image
 * @param size of the disk, in bytes
 * @param allocated what the file takes on the host, in bytes
 * @param clusterSize in which the disk is allocated, in bytes, where there is such a thing
 * @param backing what stands behind the image
 * @param snapshots kept in the image, in the order in which they were made
 * @param dirty whether it was not closed the last time
 * @param details what is particular to the format: booleans, numbers and strings by QEMU's names
 */
public record ImageInfo(
    Path file,
    ImageFormat format,
    long size,
    long allocated,
    OptionalInt clusterSize,
    Optional<Backing> backing,
    List<Snapshot> snapshots,
    boolean dirty,
    Map<String, Object> details) {
  /**
   * A backing file.
   *
   * @param name as the image gives it
   * @param file which that is
   * @param format as the image gives it, if it does
   */
  public record Backing(String name, Path file, Optional<String> format) {
    /** The format, where it is one that Lodge knows. */
    public ImageFormat known() throws DiskException {
      return BackingChain.format(file, format.orElse(null));
    }
  }

  /**
   * @param access to the image, for reading
   */
  public static ImageInfo read(Path path, ImageFormat format, Access access) throws IOException {
    try (ImageFile file = ImageFile.open(path, access);
        FileSpace space = new FileSpace(path, file.end())) {
      if (format == ImageFormat.QCOW2) {
        return qcow2(file, space.allocated(), Qcow2Header.read(file));
      }
      try (DiskImage image = format.open(path, access)) {
        OptionalInt blockSize =
            image instanceof BlockImage blocks ? blocks.blockSize() : OptionalInt.empty();
        return new ImageInfo(
            path,
            format,
            Math.ceilDiv(image.size(), 512) * 512,
            space.allocated(),
            blockSize,
            Optional.empty(),
            List.of(),
            false,
            Map.of());
      }
    }
  }

  private static ImageInfo qcow2(ImageFile file, long allocated, Qcow2Header header)
      throws DiskException {
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("compat", header.version() == 2 ? "0.10" : "1.1");
    details.put("compression-type", header.compression().name().toLowerCase(Locale.ROOT));
    if (header.version() > 2) {
      details.put("lazy-refcounts", (header.compatible() & Qcow2Header.LAZY_REFCOUNTS) != 0);
    }
    details.put("refcount-bits", 1 << header.refcountOrder());
    if (header.version() > 2) {
      details.put("corrupt", (header.incompatible() & Qcow2Header.CORRUPT) != 0);
      details.put("extended-l2", header.hasSubclusters());
    }
    if (header.hasDataFile()) {
      details.put("data-file", header.dataFile());
      details.put("data-file-raw", (header.autoclear() & Qcow2Header.DATA_FILE_RAW) != 0);
    }
    Optional<Backing> backing = Optional.empty();
    if (header.backingFile() != null) {
      backing =
          Optional.of(
              new Backing(
                  header.backingFile(),
                  BackingChain.resolve(file.path(), header.backingFile()),
                  Optional.ofNullable(header.backingFormat())));
    }
    return new ImageInfo(
        file.path(),
        ImageFormat.QCOW2,
        header.size(),
        allocated,
        OptionalInt.of(header.clusterSize()),
        backing,
        SnapshotTable.read(file, header).stream().map(SnapshotTable.Entry::snapshot).toList(),
        (header.incompatible() & Qcow2Header.DIRTY) != 0,
        details);
  }
}
