package lodge.cli.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What cloud-init in a guest is told at its first boot: its NoCloud data source reads it from a
 * disc with the label {@code cidata}.
 *
 * @param files contents by name; user-data and meta-data are among them
 */
public record CloudSeed(Map<String, byte[]> files) {
  private static final String USER_DATA = "user-data";
  private static final String META_DATA = "meta-data";
  private static final Set<String> NAMES = Set.of(USER_DATA, META_DATA, "network-config");
  private static final String LABEL = "cidata";

  /** Far more than anybody writes. */
  private static final long LIMIT = 16 << 20;

  /**
   * Reads what {@code user-data=FILE[,meta-data=FILE][,network-config=FILE]} names.
   *
   * @param instance the guest's instance-id where there is no meta-data: cloud-init does its work
   *     again when that is another one
   * @throws GuestException when it is wrong, or a file cannot be read
   */
  public static CloudSeed parse(String text, String instance) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(
        META_DATA,
        "instance-id: %s\nlocal-hostname: %s\n"
            .formatted(instance, instance)
            .getBytes(StandardCharsets.UTF_8));
    for (String part : text.split(",")) {
      int equals = part.indexOf('=');
      String name = part.substring(0, Math.max(equals, 0));
      if (!NAMES.contains(name)) {
        throw new GuestException(
            "--cloud-init "
                + text
                + ": it is user-data=FILE[,meta-data=FILE][,network-config=FILE]");
      }
      files.put(name, read(Path.of(part.substring(equals + 1))));
    }
    files.putIfAbsent(USER_DATA, new byte[0]);
    return new CloudSeed(files);
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > LIMIT) {
        throw new GuestException(file + " is larger than " + MemorySize.format(LIMIT));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new GuestException("there is no file " + file, e);
    } catch (IOException e) {
      throw new GuestException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /** The disc. */
  public byte[] image() {
    return IsoImage.of(LABEL, files);
  }
}
