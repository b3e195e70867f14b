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
}
