package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import lodge.disk.DiskException.Kind;

/** What every reader of a header asks. */
record HeaderChecks(ImageFile file) {
  /** What is at an offset, which the file must have. */
  ByteBuffer read(long offset, int length, ByteOrder order, String what) throws DiskException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(order);
    file.readAll(offset, bytes, what);
    return bytes.flip();
  }

  void isFormat(boolean condition, String format) throws DiskException {
    if (!condition) {
      throw file.error(Kind.WRONG_FORMAT, "open", DiskException.NOWHERE, "it is no " + format);
    }
  }

  void isSound(boolean condition, String otherwise) throws DiskException {
    if (!condition) {
      throw file.error(Kind.CORRUPT, "open", DiskException.NOWHERE, otherwise);
    }
  }

  void isKnown(boolean condition, String otherwise) throws DiskException {
    if (!condition) {
      throw file.error(
          Kind.UNSUPPORTED,
          "open",
          DiskException.NOWHERE,
          "it needs what Lodge lacks: " + otherwise);
    }
  }

  /** Whether something can be a block's size: a power of two within limits. */
  static boolean isBlockSize(long size, int least, int most) {
    return size >= least && size <= most && Long.bitCount(size) == 1;
  }
}
