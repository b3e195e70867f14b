package lodge.disk;

import java.util.Objects;
import lodge.disk.DiskException.Kind;

/** What every image asks of its callers. */
final class Requests {
  private Requests() {}

  /** Callers never ask for what is outside of the image. */
  static void checkInside(long offset, long length, long size) {
    try {
      Objects.checkFromIndexSize(offset, length, size);
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  static void checkWritable(ImageFile file, long offset) throws DiskException {
    if (file.readOnly()) {
      throw file.error(Kind.READ_ONLY, "write", offset, "the image was opened for reading");
    }
  }

  static void checkResize(ImageFile file, long before, long size, boolean mayShrink)
      throws DiskException {
    checkWritable(file, DiskException.NOWHERE);
    if (size < 0 || size % 512 != 0) {
      throw new IllegalArgumentException("a size that is no multiple of 512");
    }
    if (size < before && !mayShrink) {
      throw file.error(
          Kind.REFUSED, "resize", DiskException.NOWHERE, "the end of the disk would be lost");
    }
  }
}
