package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.cli.guest.Progress;
import lodge.disk.Access;
import lodge.disk.Conversion;
import lodge.disk.DiskImage;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
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
  @Mixin private SourceFormat format;

  @Option(
      names = "-O",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The target's format, raw or qcow2; without this raw.")
  private ImageFormat targetFormat = ImageFormat.RAW;

  @Option(names = "-n", description = "Write over what the target has, which must be as large.")
  private boolean overwrites;

  @Option(
      names = {"-l", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = "Copy what a snapshot inside of the source has kept, by name or ID.")
  private String snapshot;

  @Mixin private CreationOptions options;

  @Option(names = "-c", description = "Compress the data; qcow2 only.")
  private boolean compressed;

  @Option(
      names = {"-B", "-b"},
      paramLabel = "FILE",
      description = "The target's backing file; what the source has from behind is not copied.")
  private String backing;

  @Option(
      names = "-S",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "So many zeroes take no space in a raw target, 0 for never; without this 4k.")
  private long sparse = Conversion.SPARSE;

  @Mixin private ProgressOptions progress;

  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "SOURCE", description = "The image to read.")
  private Path source;

  @Parameters(index = "1", paramLabel = "TARGET", description = "The file to write.")
  private Path target;

  @ParentCommand private ImageCommand image;

  @Override
  public Integer call() throws IOException {
    checkTarget();
    ImageCreation creation = options.with(backing);
    if (targetFormat == ImageFormat.RAW) {
      creation.requireNone(targetFormat);
    }
    try (Progress line = progress.line(image);
        DiskImage opened = open()) {
      Conversion conversion = conversion(opened, line);
      if (overwrites) {
        try (DiskImage existing = targetFormat.open(target, Access.WRITE)) {
          conversion.into(existing);
        }
      } else if (targetFormat == ImageFormat.RAW) {
        conversion.toRaw(target);
      } else {
        conversion.toQcow2(target, creation.qcow2(conversion.size()), compressed);
      }
    }
    return ExitStatus.OK;
  }

  private void checkTarget() {
    if (targetFormat != ImageFormat.RAW && targetFormat != ImageFormat.QCOW2) {
      throw new BadInput(targetFormat.label() + " images are only read; write raw or qcow2");
    }
    if (compressed && targetFormat == ImageFormat.RAW) {
      throw new BadInput("raw images are not compressed; -c needs -O qcow2");
    }
    if (overwrites && (compressed || backing != null || options.areGiven())) {
      throw new BadInput("-c, -B, -F and -o make an image; with -n there is one already");
    }
  }

  private DiskImage open() throws IOException {
    if (snapshot == null) {
      return format.open(source, share.access());
    }
    ImageFormat known = format.of(source);
    if (known != ImageFormat.QCOW2) {
      throw new BadInput(known.label() + " images have no snapshots inside; qcow2 images can");
    }
    return Qcow2Image.openSnapshot(source, share.access(), snapshot);
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
