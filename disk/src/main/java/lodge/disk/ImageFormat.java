package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** How a file holds a disk. */
public enum ImageFormat {
  /** Byte by byte. */
  RAW("raw"),
  /** QEMU's copy-on-write format, versions 2 and 3. */
  QCOW2("qcow2");

  /** What a file of QEMU's copy-on-write formats begins with. */
  static final int QCOW_MAGIC = 'Q' << 24 | 'F' << 16 | 'I' << 8 | 0xFB;

  private final String label;

  ImageFormat(String label) {
    this.label = label;
  }

  /** As images and command lines write it. */
  public String label() {
    return label;
  }

  /** Null when there is none of this name. */
  static ImageFormat of(String label) {
    for (ImageFormat format : values()) {
      if (format.label.equals(label)) {
        return format;
      }
    }
    return null;
  }

  /** Opens an image of this format. */
  public DiskImage open(Path path, boolean readOnly) throws DiskException {
    return switch (this) {
      case RAW -> RawImage.open(path, readOnly);
      case QCOW2 -> Qcow2Image.open(path, readOnly);
    };
  }

  /**
   * The format by the file's first bytes. A guest can write such bytes to its raw disk, so this is
   * for files whose content is trusted.
   */
  public static ImageFormat probe(Path path) throws DiskException {
    try (ImageFile file = ImageFile.open(path, true)) {
      ByteBuffer magic = ByteBuffer.allocate(Integer.BYTES);
      file.read(0, magic);
      return magic.getInt(0) == QCOW_MAGIC ? QCOW2 : RAW;
    }
  }
}
