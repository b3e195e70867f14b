package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.Access;
import lodge.disk.ImageFormat;
import lodge.disk.ImageInfo;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;
import lodge.disk.RawImage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image create}. */
@Command(
    name = "create",
    description = "Makes an empty image in a new file.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageCreateCommand implements Callable<Integer> {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "raw or qcow2; without this raw.")
  private ImageFormat format = ImageFormat.RAW;

  @Option(
      names = "-b",
      paramLabel = "FILE",
      description = "What the image shows where it was not written, relative to the image.")
  private String backing;

  @Mixin private CreationOptions options;

  @Mixin private Quiet quiet;

  @Parameters(index = "0", paramLabel = "FILE", description = "The new file.")
  private Path file;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "Of the disk, such as 10G; without this the backing file's.")
  private Long size;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ImageCreation creation = options.with(backing);
    long bytes = Math.ceilDiv(size(creation), 512) * 512;
    switch (format) {
      case RAW -> {
        creation.requireNone(format);
        RawImage.create(file, bytes);
      }
      case QCOW2 -> {
        Qcow2Options qcow2 = creation.qcow2(bytes);
        Qcow2Image.create(file, qcow2);
      }
      default -> throw new BadInput(format.label() + " images are only read; make raw or qcow2");
    }
    quiet.print(
        spec.commandLine().getOut(),
        "Formatting '%s', fmt=%s size=%d".formatted(file, format.label(), bytes));
    return ExitStatus.OK;
  }

  private long size(ImageCreation creation) throws IOException {
    Long asked = creation.size(size);
    if (asked != null) {
      return asked;
    }
    if (creation.backing() == null) {
      throw new BadInput("a new image needs a size, such as 10G");
    }
    Path behind = file.resolveSibling(creation.backing());
    return ImageInfo.read(behind, creation.backingFormat(), Access.READ).size();
  }
}
