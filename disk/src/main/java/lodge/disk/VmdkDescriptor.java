package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lodge.disk.DiskException.Kind;

/**
 * The text that describes a VMDK disk (VMware Virtual Disk Format 5.0), in a file of its own or
 * inside of a sparse extent.
 *
 * @param type such as monolithicSparse
 */
record VmdkDescriptor(String type, List<ExtentLine> extents) {
  static final String START = "# Disk DescriptorFile";
  static final int MAX_LENGTH = 1 << 16;

  private static final String NO_PARENT = "ffffffff";
  private static final int MAX_EXTENTS = 4096;
  private static final Pattern SETTING =
      Pattern.compile("\\s*(\\w+)\\s*=\\s*+\"?([^\"]*+)\"?\\s*+");
  private static final Pattern EXTENT =
      Pattern.compile(
          "\\s*(RW|RDONLY|NOACCESS)\\s+(\\d{1,15})\\s+(\\w+)(?:\\s+\"([^\"]*)\"(?:\\s+(\\d{1,15}))?)?.*");

  /**
   * A part of the disk.
   *
   * @param size in bytes
   * @param type such as FLAT or SPARSE
   * @param name of its file
   * @param start where it is in that file, in bytes
   */
  record ExtentLine(long size, String type, String name, long start) {}

  static VmdkDescriptor read(ImageFile file, long offset, int length) throws DiskException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    file.read(offset, bytes);
    String text = new String(bytes.array(), StandardCharsets.UTF_8);
    int end = text.indexOf('\0');
    String type = "";
    String parent = NO_PARENT;
    List<ExtentLine> extents = new ArrayList<>();
    for (String line : (end < 0 ? text : text.substring(0, end)).split("\\R")) {
      Matcher extent = EXTENT.matcher(line);
      Matcher setting = SETTING.matcher(line);
      if (extent.matches()) {
        String start = extent.group(5) == null ? "0" : extent.group(5);
        extents.add(
            new ExtentLine(
                Long.parseLong(extent.group(2)) * 512,
                extent.group(3),
                extent.group(4) == null ? "" : extent.group(4),
                Long.parseLong(start) * 512));
      } else if (setting.matches()) {
        switch (setting.group(1).toLowerCase(Locale.ROOT)) {
          case "createtype" -> type = setting.group(2).strip();
          case "parentcid" -> parent = setting.group(2).strip();
          default -> {}
        }
      }
    }
    if (!parent.equalsIgnoreCase(NO_PARENT)) {
      throw file.error(
          Kind.UNSUPPORTED,
          "open",
          DiskException.NOWHERE,
          "it needs what Lodge lacks: a parent image");
    }
    if (extents.size() > MAX_EXTENTS) {
      throw file.error(Kind.CORRUPT, "open", DiskException.NOWHERE, extents.size() + " extents");
    }
    long size = 0;
    for (ExtentLine extent : extents) {
      size += extent.size();
      if (size < 0) {
        throw file.error(Kind.CORRUPT, "open", DiskException.NOWHERE, "a size of 2^63 bytes");
      }
    }
    return new VmdkDescriptor(type, extents);
  }
}
