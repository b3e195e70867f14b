package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;

/** The first cluster of an image, to be written with another backing file's name. */
final class HeaderCluster {
  /** Written as a whole by the host's disk. */
  private static final int SECTOR = 512;

  private static final int EXTENSION_HEAD = 8;

  private record Extension(int type, byte[] data) {
    int length() {
      return EXTENSION_HEAD + (data.length + 7 & ~7);
    }
  }

  private final ImageFile file;
  private final ByteBuffer bytes;
  private final int headerLength;

  private HeaderCluster(ImageFile file, ByteBuffer bytes) {
    this.file = file;
    this.bytes = bytes;
    headerLength = bytes.getInt(4) == 2 ? Qcow2Header.LENGTH_2 : bytes.getInt(100);
  }

  /** Of an image whose header was found to be sound. */
  static HeaderCluster read(ImageFile file) throws DiskException {
    ByteBuffer bits = ByteBuffer.allocate(Integer.BYTES);
    file.read(20, bits);
    ByteBuffer bytes = ByteBuffer.allocate(1 << bits.getInt(0));
    file.read(0, bytes);
    return new HeaderCluster(file, bytes.clear());
  }

  /**
   * Names another backing file. All but the name is in the first sector, which is written last and
   * makes it valid; until then, what the one before points to stays as it is.
   *
   * @param name null for none
   */
  void putBacking(String name, ImageFormat format) throws DiskException {
    byte[] text = name == null ? new byte[0] : name.getBytes(StandardCharsets.UTF_8);
    List<Extension> before = extensions();
    List<Extension> extensions = new ArrayList<>(before);
    extensions.removeIf(extension -> extension.type == Qcow2Header.BACKING_FORMAT_EXTENSION);
    if (name != null) {
      extensions.addFirst(
          new Extension(
              Qcow2Header.BACKING_FORMAT_EXTENSION,
              format.label().getBytes(StandardCharsets.UTF_8)));
    }
    if (end(extensions) > SECTOR) { // names of features only explain
      extensions.removeIf(extension -> extension.type == Qcow2Header.FEATURE_NAMES_EXTENSION);
    }
    int place = place(end(extensions), text.length, end(before));
    if (end(extensions) > SECTOR
        || text.length > Qcow2Header.MAX_BACKING_NAME
        || place + text.length > bytes.capacity()) {
      throw file.error(
          Kind.FULL, "rebase", DiskException.NOWHERE, "the backing file's name is too long");
    }

    ByteBuffer after = ByteBuffer.allocate(bytes.capacity());
    after.put(0, bytes, 0, headerLength).position(headerLength);
    for (Extension extension : extensions) {
      int next = after.position() + extension.length();
      after.putInt(extension.type).putInt(extension.data.length).put(extension.data);
      after.position(next);
    }
    after.put(place, text).putLong(8, name == null ? 0 : place).putInt(16, text.length);
    int rest = Math.max(place, SECTOR);
    if (place + text.length > rest) {
      file.write(rest, after.slice(rest, place + text.length - rest));
      file.force();
    }
    file.commit(0, after.slice(0, SECTOR));
  }

  private int end(List<Extension> extensions) {
    return headerLength
        + extensions.stream().mapToInt(Extension::length).sum()
        + EXTENSION_HEAD; // of the last, which is empty
  }

  /** For a name: after the extensions, or where nothing outside of the first sector is lost. */
  private int place(int end, int length, int endBefore) {
    int nameBefore = (int) bytes.getLong(8);
    int nameEnd = nameBefore + bytes.getInt(16);
    int from = Math.max(end, SECTOR);
    boolean isFree =
        end + length <= SECTOR
            || (from >= endBefore && (end + length <= nameBefore || from >= nameEnd));
    return isFree ? end : Math.max(endBefore, nameEnd);
  }

  private List<Extension> extensions() {
    List<Extension> extensions = new ArrayList<>();
    long nameOffset = bytes.getLong(8);
    int end =
        nameOffset > headerLength ? (int) Math.min(nameOffset, bytes.capacity()) : bytes.capacity();
    int at = headerLength;
    while (at + EXTENSION_HEAD <= end && bytes.getInt(at) != 0) {
      byte[] data = new byte[bytes.getInt(at + 4)];
      bytes.get(at + EXTENSION_HEAD, data);
      Extension extension = new Extension(bytes.getInt(at), data);
      extensions.add(extension);
      at += extension.length();
    }
    return extensions;
  }
}
