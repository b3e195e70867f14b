package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** How a file holds a disk. */
public enum ImageFormat {
  /** Byte by byte. */
  RAW("raw"),
  /** QEMU's copy-on-write format, versions 2 and 3. */
  QCOW2("qcow2"),
  /** VirtualBox's; only read. */
  VDI("vdi"),
  /** VMware's; only read. */
  VMDK("vmdk"),
  /** Microsoft's VHD, by QEMU's name; only read. */
  VPC("vpc"),
  /** Microsoft's VHDX; only read. */
  VHDX("vhdx");

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
    return open(path, Access.of(readOnly));
  }

  /** Opens an image of this format. */
  public DiskImage open(Path path, Access access) throws DiskException {
    return switch (this) {
      case RAW -> RawImage.open(path, access);
      case QCOW2 -> Qcow2Image.open(path, access);
      case VDI -> BlockImage.open(path, access, VdiLayout::read);
      case VMDK -> VmdkImage.open(path, access);
      case VPC -> BlockImage.open(path, access, VhdLayout::read);
      case VHDX -> BlockImage.open(path, access, VhdxLayout::read);
    };
  }

  /**
   * The format by the file's first bytes. A guest can write such bytes to its raw disk, so this is
   * for files whose content is trusted. A VHD of fixed size is taken for raw: it begins with what
   * the guest wrote.
   */
  public static ImageFormat probe(Path path) throws DiskException {
    try (ImageFile file = ImageFile.open(path, Access.READ_UNLOCKED)) {
      ByteBuffer first = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
      file.read(0, first);
      if (Integer.reverseBytes(first.getInt(0)) == QCOW_MAGIC) {
        return QCOW2;
      } else if (first.getInt(VdiLayout.SIGNATURE_AT) == VdiLayout.SIGNATURE) {
        return VDI;
      } else if (first.getInt(0) == VmdkExtentLayout.MAGIC || VmdkImage.isDescriptor(first)) {
        return VMDK;
      } else if (Long.reverseBytes(first.getLong(0)) == VhdLayout.COOKIE) {
        return VPC;
      }
      return first.getLong(0) == VhdxLayout.SIGNATURE ? VHDX : RAW;
    }
  }
}
