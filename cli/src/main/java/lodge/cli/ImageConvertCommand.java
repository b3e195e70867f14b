package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import lodge.cli.guest.Progress;
import lodge.disk.Conversion;
import lodge.disk.DiskImage;
import lodge.disk.ImageFormat;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code lodge image convert}. */
@Command(
    name = "convert",
    description = "Copies what an image shows into an image of another format.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false,
    footer = {
      "",
      "An existing target is replaced when its successor is whole, and stays as it is otherwise."
    })
final class ImageConvertCommand implements Callable<Integer> {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The source's format; without this what its first bytes look like.")
  private ImageFormat format;

  @Option(
      names = "-O",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The target's format, raw or qcow2; without this raw.")
  private ImageFormat targetFormat = ImageFormat.RAW;

  @Option(
      names = "-o",
      paramLabel = "NAME=VALUE",
      split = ",",
      description =
          "qcow2: cluster_size, compat, compression_type, lazy_refcounts, backing_file,"
              + " backing_fmt.")
  private Map<String, String> options = new LinkedHashMap<>();

  @Option(names = "-c", description = "Compress the data; qcow2 only.")
  private boolean compressed;

  @Option(
      names = {"-B", "-b"},
      paramLabel = "FILE",
      description = "The target's backing file; what the source has from behind is not copied.")
  private String backing;

  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The backing file's format, always needed with one.")
  private ImageFormat backingFormat;

  @Option(
      names = "-S",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "So many zeroes take no space in a raw target, 0 for never; without this 4k.")
  private long sparse = Conversion.SPARSE;

  @Option(names = "-p", description = "Show progress even if standard error is no terminal.")
  private boolean showProgress;

  @Option(names = "-q", description = "Show no progress.")
  private boolean quiet;

  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "SOURCE", description = "The image to read.")
  private Path source;

  @Parameters(index = "1", paramLabel = "TARGET", description = "The file to write.")
  private Path target;

  @ParentCommand private ImageCommand image;

  @Override
  public Integer call() throws IOException {
    ImageCreation creation = new ImageCreation(options, backing, backingFormat);
    if (targetFormat == ImageFormat.RAW) {
      creation.requireNone(targetFormat);
      if (compressed) {
        throw new BadInput("raw images are not compressed; -c needs -O qcow2");
      }
    } else if (targetFormat != ImageFormat.QCOW2) {
      throw new BadInput(targetFormat.label() + " images are only read; write raw or qcow2");
    }
    Progress line = quiet ? Progress.silent() : image.progress(showProgress);
    try (line;
        DiskImage opened = ImageFormatName.of(format, source).open(source, share.access())) {
      Conversion conversion = conversion(opened, line);
      if (targetFormat == ImageFormat.RAW) {
        conversion.toRaw(target);
      } else {
        conversion.toQcow2(target, creation.qcow2(conversion.size()), compressed);
      }
    }
    return ExitStatus.OK;
  }

  private Conversion conversion(DiskImage opened, Progress line) {
    try {
      return new Conversion(
          opened,
          (int) Math.min(sparse, Integer.MAX_VALUE),
          ImageCommand.percent(line, "Converting " + source.getFileName()));
    } catch (IllegalArgumentException e) {
      throw new BadInput("-S " + sparse + " is not possible: " + e.getMessage(), e);
    }
  }
}
