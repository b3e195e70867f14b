package lodge.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import lodge.disk.DiskException;
import lodge.disk.ImageFormat;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a format's name. */
final class ImageFormatName implements ITypeConverter<ImageFormat> {
  @Override
  public ImageFormat convert(String text) {
    try {
      return parse(text);
    } catch (BadInput e) {
      throw new TypeConversionException(e.getMessage());
    }
  }

  static ImageFormat parse(String text) {
    return Arrays.stream(ImageFormat.values())
        .filter(format -> format.label().equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new BadInput(
                    "format '"
                        + text
                        + "' is unknown; there are "
                        + Arrays.stream(ImageFormat.values())
                            .map(ImageFormat::label)
                            .collect(Collectors.joining(", "))));
  }

  /** For commands about backing files. */
  static void requireBacking(ImageFormat format) {
    if (format != ImageFormat.QCOW2) {
      throw new BadInput(format.label() + " images have no backing file; qcow2 images can");
    }
  }

  /** The format that was asked for, or the one that the file seems to have. */
  static ImageFormat of(ImageFormat asked, Path file) throws DiskException {
    return asked != null ? asked : ImageFormat.probe(file);
  }
}
