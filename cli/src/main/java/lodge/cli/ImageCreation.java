package lodge.cli;

import java.util.Map;
import lodge.disk.Compression;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Options;

/**
 * What the options that make an image say together: {@code -o}, and those with a letter of their
 * own, which come first.
 *
 * @param options of {@code -o}, by QEMU's names
 * @param backing the backing file, null for none
 * @param backingFormat null when it is not said
 */
record ImageCreation(Map<String, String> options, String backing, ImageFormat backingFormat) {
  private static final int CLUSTER_SIZE = 1 << 16;

  ImageCreation {
    backing = backing == null ? options.get("backing_file") : backing;
    if (backingFormat == null && options.containsKey("backing_fmt")) {
      backingFormat = ImageFormatName.parse(options.get("backing_fmt"));
    }
    if (backing != null && backingFormat == null) {
      throw new BadInput("backing file '" + backing + "' needs its format, such as -F qcow2");
    }
    if (backing == null && backingFormat != null) {
      throw new BadInput("a backing format is of no use without a backing file, -b FILE");
    }
  }

  /** Images of this format take no options. */
  void requireNone(ImageFormat format) {
    if (backing != null) {
      ImageFormatName.requireBacking(format);
    }
    for (String option : options.keySet()) {
      if (!option.equals("size")) {
        throw new BadInput("option '" + option + "' is unknown for " + format.label() + " images");
      }
    }
  }

  Qcow2Options qcow2(long size) {
    int clusterSize = CLUSTER_SIZE;
    int version = 3;
    boolean lazyRefcounts = false;
    Compression compression = Compression.ZLIB;
    for (var option : options.entrySet()) {
      String value = option.getValue();
      switch (option.getKey()) {
        case "cluster_size" -> clusterSize = (int) Math.min(bytes(value), Integer.MAX_VALUE);
        case "compat" ->
            version =
                switch (value) {
                  case "0.10", "v2" -> 2;
                  case "1.1", "v3" -> 3;
                  default ->
                      throw new BadInput("compat=" + value + " is unknown; write 0.10 or 1.1");
                };
        case "lazy_refcounts" -> lazyRefcounts = isOn("lazy_refcounts", value);
        case "compression_type" ->
            compression =
                switch (value) {
                  case "zlib" -> Compression.ZLIB;
                  case "zstd" -> Compression.ZSTD;
                  default ->
                      throw new BadInput(
                          "compression_type=" + value + " is unknown; write zlib or zstd");
                };
        case "preallocation" -> requireValue(option, "off");
        case "backing_file", "backing_fmt", "size" -> {}
        default ->
            throw new BadInput(
                "option '"
                    + option.getKey()
                    + "' is unknown for qcow2 images; there are cluster_size, compat,"
                    + " compression_type, lazy_refcounts, backing_file, backing_fmt, size");
      }
    }
    try {
      Qcow2Options result =
          new Qcow2Options(size, clusterSize, version, lazyRefcounts, null, null)
              .withCompression(compression);
      return backing == null ? result : result.withBacking(backing, backingFormat);
    } catch (IllegalArgumentException e) {
      throw new BadInput("qcow2 images cannot have " + e.getMessage(), e);
    }
  }

  private static long bytes(String text) {
    try {
      return ByteSize.parse(text);
    } catch (IllegalArgumentException e) {
      throw new BadInput(e.getMessage(), e);
    }
  }

  private static boolean isOn(String option, String value) {
    return switch (value) {
      case "on" -> true;
      case "off" -> false;
      default -> throw new BadInput(option + "=" + value + " is unknown; write on or off");
    };
  }

  private static void requireValue(Map.Entry<String, String> option, String value) {
    if (!option.getValue().equals(value)) {
      throw new BadInput(
          option.getKey() + "=" + option.getValue() + " is not possible; leave it " + value);
    }
  }

  /** The size that the options give, or another. */
  Long size(Long other) {
    return other != null || !options.containsKey("size")
        ? other
        : (Long) bytes(options.get("size"));
  }
}
