package lodge.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import lodge.disk.DiskException;
import lodge.disk.ImageFormat;
import lodge.machine.Drive;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What stands after {@code --disk}: a file and what is to be known of it.
 *
 * @param format empty for what the file's first bytes say
 */
record DiskDescription(
    Path file, Optional<ImageFormat> format, Drive.Kind kind, boolean readOnly, String serial) {

  /** A disk of which only the file is known. */
  static DiskDescription of(Path file) {
    return new DiskDescription(file, Optional.empty(), Drive.Kind.VIRTIO_DISK, false, "");
  }

  /**
   * @throws IllegalArgumentException when it is wrong
   */
  static DiskDescription parse(String text) {
    String[] parts = text.split(",", -1);
    Optional<ImageFormat> format = Optional.empty();
    Drive.Kind kind = Drive.Kind.VIRTIO_DISK;
    boolean readOnly = false;
    String serial = "";
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      int equals = part.indexOf('=');
      String value = part.substring(equals + 1);
      switch (equals < 0 ? part : part.substring(0, equals)) {
        case "format" -> format = Optional.of(format(value));
        case "bus" -> kind = bus(value);
        case "readonly" -> readOnly = equals < 0 || onOrOff(value);
        case "serial" -> serial = value;
        default ->
            throw new IllegalArgumentException(
                "'" + part + "' is unknown; there are format=, bus=, readonly and serial=");
      }
    }
    return new DiskDescription(Path.of(parts[0]), format, kind, readOnly, serial);
  }

  /**
   * The format that was named, or that of the file. A raw disk has to be named as one: its first
   * bytes are the guest's, who could make it look like another and name any file of the host as
   * what is behind it.
   */
  ImageFormat knownFormat() throws DiskException {
    if (format.isPresent()) {
      return format.get();
    }
    ImageFormat probed = ImageFormat.probe(file);
    if (probed == ImageFormat.RAW && !readOnly) {
      throw new BadInput(
          file
              + " is an image of no known format; if it is a raw disk: --disk "
              + file
              + ",format=raw");
    }
    return probed;
  }

  private static ImageFormat format(String label) {
    return Arrays.stream(ImageFormat.values())
        .filter(format -> format.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "format '"
                        + label
                        + "' is unknown; there are "
                        + Arrays.stream(ImageFormat.values())
                            .map(ImageFormat::label)
                            .collect(Collectors.joining(", "))));
  }

  private static Drive.Kind bus(String name) {
    return switch (name) {
      case "virtio" -> Drive.Kind.VIRTIO_DISK;
      case "ide" -> Drive.Kind.IDE_DISK;
      default ->
          throw new IllegalArgumentException(
              "bus '" + name + "' is unknown; there are virtio and ide");
    };
  }

  private static boolean onOrOff(String value) {
    return switch (value) {
      case "on" -> true;
      case "off" -> false;
      default -> throw new IllegalArgumentException("readonly=" + value + ": it is on or off");
    };
  }

  /** For the command line. */
  static final class Converter implements ITypeConverter<DiskDescription> {
    @Override
    public DiskDescription convert(String text) {
      try {
        return parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
