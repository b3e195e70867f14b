package lodge.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import lodge.core.BlockBackend;
import lodge.disk.CacheMode;
import lodge.disk.DiskException;
import lodge.disk.ImageFormat;
import lodge.disk.IoLimits;
import lodge.disk.KeptSpace;
import lodge.disk.Throttled;
import lodge.machine.Drive;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What stands after {@code --disk}: a file and what is to be known of it.
 *
 * @param format empty for what the file's first bytes say
 * @param discards whether space that the guest discards goes back to the host
 */
record DiskDescription(
    Path file,
    Optional<ImageFormat> format,
    Drive.Kind kind,
    boolean readOnly,
    String serial,
    CacheMode cache,
    boolean discards,
    IoLimits limits) {
  private static final List<String> PROPERTIES =
      List.of(
          "format",
          "bus",
          "readonly",
          "serial",
          "cache",
          "discard",
          "bps",
          "bps-max",
          "iops",
          "iops-max");
  private static final Map<String, Drive.Kind> BUSES =
      Map.of("virtio", Drive.Kind.VIRTIO_DISK, "ide", Drive.Kind.IDE_DISK);
  private static final Map<String, Boolean> SWITCH = Map.of("on", true, "off", false);
  private static final Map<String, Boolean> DISCARDS = Map.of("unmap", true, "ignore", false);
  private static final Map<String, CacheMode> CACHES =
      Arrays.stream(CacheMode.values())
          .collect(Collectors.toMap(mode -> mode.name().toLowerCase(Locale.ROOT), mode -> mode));

  /** A disk of which only the file is known. */
  static DiskDescription of(Path file) {
    return new DiskDescription(
        file,
        Optional.empty(),
        Drive.Kind.VIRTIO_DISK,
        false,
        "",
        CacheMode.WRITEBACK,
        true,
        IoLimits.NONE);
  }

  /**
   * @throws BadInput when it is wrong
   */
  static DiskDescription parse(String text) {
    String[] parts = text.split(",", -1);
    Map<String, String> given = new HashMap<>();
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      String[] property = (part.equals("readonly") ? "readonly=on" : part).split("=", 2);
      if (!PROPERTIES.contains(property[0]) || property.length < 2) {
        throw new BadInput(
            "'"
                + part
                + "' is unknown; there are readonly and "
                + String.join("=, ", PROPERTIES)
                + "=");
      }
      given.put(property[0], property[1]);
    }
    return new DiskDescription(
        Path.of(parts[0]),
        Optional.ofNullable(given.get("format")).map(ImageFormatName::parse),
        choice("bus", given.getOrDefault("bus", "virtio"), BUSES),
        choice("readonly", given.getOrDefault("readonly", "off"), SWITCH),
        given.getOrDefault("serial", ""),
        choice("cache", given.getOrDefault("cache", "writeback"), CACHES),
        choice("discard", given.getOrDefault("discard", "unmap"), DISCARDS),
        limits(given));
  }

  private static <T> T choice(String property, String value, Map<String, T> choices) {
    T chosen = choices.get(value);
    if (chosen == null) {
      throw new BadInput(
          "%s '%s' is unknown; there are %s"
              .formatted(
                  property,
                  value,
                  choices.keySet().stream().sorted().collect(Collectors.joining(", "))));
    }
    return chosen;
  }

  private static IoLimits limits(Map<String, String> given) {
    try {
      return new IoLimits(
          number(given, "bps"),
          number(given, "iops"),
          number(given, "bps-max"),
          number(given, "iops-max"));
    } catch (IllegalArgumentException e) {
      throw new BadInput(e.getMessage(), e);
    }
  }

  private static long number(Map<String, String> given, String property) {
    String text = given.getOrDefault(property, "0");
    try {
      return ByteSize.parse(text);
    } catch (IllegalArgumentException e) {
      throw new BadInput(property + " '" + text + "' is no number; write it like 500 or 10M", e);
    }
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

  /** The opened image as the guest is to have it. */
  Drive drive(BlockBackend image) {
    BlockBackend kept = discards ? image : new KeptSpace(image);
    BlockBackend cached = cache.over(kept);
    BlockBackend limited = limits.equals(IoLimits.NONE) ? cached : new Throttled(cached, limits);
    return new Drive(limited, kind, serial);
  }

  /** For the command line. */
  static final class Converter implements ITypeConverter<DiskDescription> {
    @Override
    public DiskDescription convert(String text) {
      try {
        return parse(text);
      } catch (BadInput e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
