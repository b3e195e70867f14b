package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Programs out of Debian's archive, for tests that need ones that no guest has. */
public final class DebianPackages {
  private DebianPackages() {}

  /**
   * Fetches packages and unpacks them into a folder; what they depend on is not fetched.
   *
   * @throws GuestException where there is no apt, no such package or no network
   */
  public static Path unpack(Path folder, String... names) throws IOException {
    Apt apt = new Apt(folder, Progress.silent());
    Path packages = Files.createDirectories(folder.resolve("packages"));
    Path root = Files.createDirectories(folder.resolve("root"));
    try {
      apt.download(apt.find(List.of(names)), packages);
    } catch (IOException e) {
      throw new GuestException(e.getMessage(), e);
    }
    try (var files = Files.newDirectoryStream(packages, "*.deb")) {
      for (Path file : files) {
        Tool.Result unpacked =
            Tool.run(folder, List.of("dpkg-deb", "-x", file.toString(), root.toString()));
        if (!unpacked.ok()) {
          throw new IOException("dpkg-deb -x " + file + ": " + unpacked.reason());
        }
      }
    }
    return root;
  }

  /** The file of that name among what was unpacked. */
  public static Path file(Path root, String name) throws IOException {
    return Unpacked.one(root, "**/" + name);
  }
}
