package lodge.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of commands that make an image. */
final class CreationOptions {
  @Option(
      names = "-o",
      paramLabel = "NAME=VALUE",
      split = ",",
      description =
          "qcow2: cluster_size, compat, compression_type, lazy_refcounts, backing_file,"
              + " backing_fmt, size.")
  private Map<String, String> options = new LinkedHashMap<>();

  @Mixin private BackingFormat backingFormat;

  /**
   * @param backing null when {@code -o} may say it
   */
  ImageCreation with(String backing) {
    return new ImageCreation(options, backing, backingFormat.format());
  }

  boolean areGiven() {
    return !options.isEmpty() || backingFormat.format() != null;
  }
}
