package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** SeaBIOS: the host's, else Debian's package of it, unpacked into the cache. */
public final class Firmware {
  private static final String FILE = "bios-256k.bin";
  private static final List<Path> INSTALLED =
      List.of(Path.of("usr/share/seabios", FILE), Path.of("usr/share/qemu", FILE));

  private Firmware() {}

  /**
   * The image's file.
   *
   * @param home the cache
   * @throws GuestException when it is neither there nor to be had
   */
  public static Path bios(Path home, Progress progress) {
    return present(Path.of("/"), home).orElseGet(() -> fetch(home, kept(home), progress));
  }

  /**
   * The image's file, where there is one already.
   *
   * @param root the host's root folder
   * @param home the cache
   */
  public static Optional<Path> present(Path root, Path home) {
    return Stream.concat(INSTALLED.stream().map(root::resolve), Stream.of(kept(home)))
        .filter(Files::isReadable)
        .findFirst();
  }

  private static Path kept(Path home) {
    return home.toAbsolutePath().resolve("firmware").resolve(FILE);
  }

  private static Path fetch(Path home, Path target, Progress progress) {
    progress.show("Fetching SeaBIOS");
    try {
      Files.createDirectories(target.getParent());
      Path work = Files.createTempDirectory(target.getParent(), ".fetch-");
      try {
        Apt apt = new Apt(home, progress);
        apt.download(apt.find(List.of("seabios")), work);
        Path root = Files.createDirectory(work.resolve("root"));
        Tool.Result unpacked =
            Tool.run(
                work,
                List.of(
                    "dpkg-deb",
                    "-x",
                    Unpacked.one(work, "seabios_*.deb").toString(),
                    root.toString()));
        if (!unpacked.ok()) {
          throw new IOException("dpkg-deb cannot unpack seabios: " + unpacked.reason());
        }
        return Files.move(Unpacked.one(root, "**/" + FILE), target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        GuestCache.remove(work);
      }
    } catch (IOException e) {
      throw new GuestException(
          "SeaBIOS, which boots from disks, cannot be fetched: "
              + e.getMessage()
              + "; install the package seabios",
          e);
    }
  }
}
