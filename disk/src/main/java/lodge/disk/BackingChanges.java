package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import lodge.core.BlockBackend;
import lodge.disk.DiskException.Kind;

/** Moves data between an image and what is behind it: QEMU's commit and rebase. */
final class BackingChanges {
  private BackingChanges() {}

  /**
   * Writes what an image has into what is behind it, and empties the image when it is durable
   * there.
   */
  static void commit(Path path, boolean empties) throws IOException {
    try (ImageFile file = ImageFile.open(path, empties ? Access.WRITE : Access.READ)) {
      Qcow2Header header = Qcow2Header.read(file);
      if (header.backingFile() == null) {
        throw file.error(Kind.REFUSED, "commit", DiskException.NOWHERE, "nothing is behind it");
      }
      Path behind = BackingChain.resolve(path, header.backingFile());
      ImageFormat format = BackingChain.format(path, header.backingFormat());
      try (BlockBackend base = format.open(behind, false)) {
        commit(file, header, base, empties);
      }
    }
  }

  static void commit(ImageFile file, Qcow2Header header, BlockBackend base, boolean empties)
      throws IOException {
    try (Qcow2Content content = new Qcow2Content(file, header, TableMemory.of(TableMemory.MOST))) {
      if (empties) {
        content.metadata().prepareForWriting();
      }
      long size = content.metadata().size();
      if (base.size() < size) {
        resize(base, size);
      }
      copy(content, base);
      base.flush();
      if (empties) {
        content.exclusively(new Qcow2Resize(content)::empty);
      }
    }
  }

  private static void resize(BlockBackend image, long size) throws IOException {
    switch (image) {
      case RawImage raw -> raw.resize(size, false);
      case Qcow2Image qcow2 -> qcow2.resize(size, false);
      default -> throw new IllegalStateException(image.getClass().getName());
    }
  }

  private static void copy(Qcow2Content content, BlockBackend base) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(content.clusterSize());
    content.forEachOwn(
        (at, end, zeroes) -> {
          if (zeroes) {
            base.writeZeroes(at, end - at, true);
          } else {
            content.read(at, buffer.clear().limit((int) (end - at)));
            base.write(at, buffer.flip());
          }
        });
  }

  /**
   * Puts another image behind one.
   *
   * @param name null for nothing
   * @param safe what the image shows stays as it is
   */
  static void rebase(Path path, String name, ImageFormat format, boolean safe) throws IOException {
    if (safe) {
      try (Qcow2Image image = Qcow2Image.open(path, false);
          BlockBackend behind =
              name == null ? null : format.open(BackingChain.resolve(path, name), true)) {
        keepDifferences(image, behind);
      }
    }
    try (ImageFile file = ImageFile.open(path, Access.WRITE)) {
      putBacking(file, name, format);
    }
  }

  static void putBacking(ImageFile file, String name, ImageFormat format) throws DiskException {
    Qcow2Header.read(file);
    HeaderCluster.read(file).putBacking(name, format);
  }

  /** What shows through now and would be something else then becomes the image's own. */
  static void keepDifferences(Qcow2Image image, BlockBackend behind) throws IOException {
    ByteBuffer now = ByteBuffer.allocate(image.content().clusterSize());
    ByteBuffer then = ByteBuffer.allocate(now.capacity());
    image
        .content()
        .forEachShownThrough(
            (at, end) -> {
              image.read(at, now.clear().limit((int) (end - at)));
              then.clear().limit((int) (end - at));
              int there = behind == null ? 0 : Math.clamp(behind.size() - at, 0, then.remaining());
              if (there > 0) {
                behind.read(at, then.slice(0, there));
              }
              Arrays.fill(then.array(), there, then.limit(), (byte) 0);
              now.flip();
              if (now.mismatch(then.position(0)) >= 0) {
                image.write(at, now);
              }
            });
    image.flush();
  }
}
