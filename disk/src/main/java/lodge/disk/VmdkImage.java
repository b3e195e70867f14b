package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;
import lodge.disk.VmdkDescriptor.ExtentLine;

/** Opens VMware's disks: one sparse extent, or a text that names files with extents. */
final class VmdkImage {
  private static final byte[] START = VmdkDescriptor.START.getBytes(StandardCharsets.UTF_8);

  private VmdkImage() {}

  static boolean isDescriptor(ByteBuffer first) {
    return first.slice(0, START.length).equals(ByteBuffer.wrap(START));
  }

  static DiskImage open(Path path, Access access) throws DiskException {
    if (access.isReadOnly()) {
      try (ImageFile file = ImageFile.open(path, access)) {
        ByteBuffer first = ByteBuffer.allocate(START.length);
        file.read(0, first);
        if (isDescriptor(first)) {
          int length = (int) Math.min(file.end(), VmdkDescriptor.MAX_LENGTH);
          return open(file, VmdkDescriptor.read(file, 0, length), access);
        }
      }
    }
    return BlockImage.open(path, access, VmdkExtentLayout::read);
  }

  private static DiskImage open(ImageFile descriptorFile, VmdkDescriptor descriptor, Access access)
      throws DiskException {
    List<DiskImage> parts = new ArrayList<>();
    try {
      for (ExtentLine extent : descriptor.extents()) {
        parts.add(openExtent(descriptorFile, extent, access));
      }
      if (parts.isEmpty()) {
        throw error(descriptorFile, Kind.CORRUPT, "it names no extents");
      }
      return new JoinedImage(descriptorFile.path(), parts);
    } catch (DiskException e) {
      for (DiskImage part : parts) {
        try {
          part.close();
        } catch (IOException suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw e;
    }
  }

  private static DiskImage openExtent(ImageFile descriptorFile, ExtentLine extent, Access access)
      throws DiskException {
    String name = extent.name();
    // Somebody else's disk does not say which of this host's files are read.
    if (name.isEmpty() || name.matches(".*[/\\\\\\p{Cntrl}].*") || name.equals("..")) {
      throw error(
          descriptorFile,
          Kind.UNSUPPORTED,
          "it names an extent that is no file in its folder: '"
              + name.replaceAll("\\p{Cntrl}", "")
              + "'");
    }
    Path path = resolve(descriptorFile, name);
    BlockImage image =
        switch (extent.type()) {
          case "FLAT" ->
              BlockImage.open(path, access, _ -> new LinearLayout(extent.size(), extent.start()));
          case "SPARSE" -> BlockImage.open(path, access, VmdkExtentLayout::read);
          default ->
              throw error(
                  descriptorFile,
                  Kind.UNSUPPORTED,
                  "it needs what Lodge lacks: extents of type " + extent.type());
        };
    if (image.size() != extent.size()) {
      image.close();
      throw error(descriptorFile, Kind.CORRUPT, "extent '" + name + "' has another size");
    }
    return image;
  }

  private static Path resolve(ImageFile descriptorFile, String name) throws DiskException {
    try {
      return descriptorFile.path().resolveSibling(name);
    } catch (InvalidPathException e) {
      throw error(descriptorFile, Kind.UNSUPPORTED, "'" + name + "' is no file's name");
    }
  }

  private static DiskException error(ImageFile file, Kind kind, String reason) {
    return file.error(kind, "open", DiskException.NOWHERE, reason);
  }
}
