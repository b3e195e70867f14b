package lodge.disk;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;

/**
 * The files that are open on the way from an image to the last one behind it.
 *
 * @param access to those behind, which nobody writes meanwhile unless the first was opened so
 */
record BackingChain(List<Path> above, Access access) {
  private static final int MAX_LENGTH = 200;

  static final BackingChain EMPTY = new BackingChain(List.of(), Access.READ);

  BackingChain with(Access above) {
    return new BackingChain(
        this.above, above == Access.READ_UNLOCKED ? Access.READ_UNLOCKED : access);
  }

  /** The file whose name an image at a path gives: relative to the image, not to the process. */
  static Path resolve(Path image, String name) throws DiskException {
    if (name.matches("[A-Za-z0-9+.-]+:.*")) {
      throw error(image, Kind.UNSUPPORTED, "'" + name + "' names no file");
    }
    try {
      return image.resolveSibling(name);
    } catch (InvalidPathException e) {
      throw error(image, Kind.BACKING, "'" + name + "' is no file's name");
    }
  }

  /** The format that an image names: content that a guest may have written says nothing. */
  static ImageFormat format(Path image, String label) throws DiskException {
    if (label == null) {
      throw error(image, Kind.BACKING, "the image does not say its format");
    }
    ImageFormat format = ImageFormat.of(label);
    if (format == null) {
      throw error(image, Kind.UNSUPPORTED, "its format is '" + label + "'");
    }
    return format;
  }

  /** What stands behind an image, for reading; null when nothing does. */
  DiskImage open(Path image, Qcow2Header header) throws DiskException {
    if (header.backingFile() == null) {
      return null;
    }
    Path path = resolve(image, header.backingFile());
    ImageFormat format = format(image, header.backingFormat());
    List<Path> chain = new ArrayList<>(above);
    try {
      chain.add(image.toRealPath());
      if (chain.contains(path.toRealPath())) {
        throw error(image, Kind.BACKING, "'" + path + "' is in front of it already");
      }
    } catch (DiskException e) {
      throw e;
    } catch (IOException e) {
      throw error(image, Kind.BACKING, "'" + path + "' cannot be found");
    }
    if (chain.size() > MAX_LENGTH) {
      throw error(image, Kind.BACKING, "more than " + MAX_LENGTH + " are behind each other");
    }
    return format == ImageFormat.QCOW2
        ? Qcow2Image.open(path, access, TableMemory.share(), new BackingChain(chain, access))
        : format.open(path, access);
  }

  private static DiskException error(Path image, Kind kind, String reason) {
    return new DiskException(
        kind, image, "open the backing file", DiskException.NOWHERE, reason, null);
  }
}
