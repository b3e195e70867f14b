package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The host's programs that make a Debian on a disk. */
public final class BuildTools {
  private static final Path HOST = Path.of("/");

  static final Path GRUB = Path.of("/usr/lib/grub/i386-pc");

  /**
   * One of them.
   *
   * @param sign the program's name, or a file's path
   * @param debian the package that has it
   */
  private record Need(String sign, String debian) {
    boolean missing(Path root) {
      return Stream.of("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
          .map(folder -> sign.startsWith("/") ? sign.substring(1) : folder + "/" + sign)
          .map(root::resolve)
          .noneMatch(Files::exists);
    }
  }

  private static final List<Need> ALWAYS =
      List.of(
          new Need("mmdebstrap", "mmdebstrap"),
          new Need("mke2fs", "e2fsprogs"),
          new Need("grub-mkimage", "grub-common"),
          new Need(GRUB.resolve("boot.img").toString(), "grub-pc-bin"),
          new Need("setsid", "util-linux"),
          new Need("tar", "tar"));

  private static final List<Need> WITHOUT_ROOT =
      List.of(new Need("fakeroot", "fakeroot"), new Need("fakechroot", "fakechroot"));

  private BuildTools() {}

  static boolean root() {
    return System.getProperty("user.name").equals("root");
  }

  /**
   * Installs what is missing, where that is allowed.
   *
   * @throws GuestException when something is missing still
   */
  static void demand(String guest, Path folder, Progress progress) throws IOException {
    List<String> missing = missing(HOST);
    if (missing.isEmpty()) {
      return;
    }
    List<String> install =
        new ArrayList<>(List.of("apt-get", "-q", "-y", "--no-install-recommends", "install"));
    install.addAll(missing);
    String reason = "";
    if (root()) {
      progress.show("Installing " + String.join(", ", missing));
      Tool.Result result = Tool.run(folder, install);
      if (!result.ok()) {
        Tool.run(folder, List.of("apt-get", "-q", "update"));
        result = Tool.run(folder, install);
      }
      if (result.ok() && missing(HOST).isEmpty()) {
        return;
      }
      reason = ", and installing it failed: " + result.reason();
    }
    throw new GuestException(
        "guest '"
            + guest
            + "' is made with programs that are missing here"
            + reason
            + "; as root: apt-get install "
            + String.join(" ", missing(HOST)));
  }

  /**
   * The packages that are not there.
   *
   * @param root the host's root folder
   */
  public static List<String> missing(Path root) {
    return Stream.concat(ALWAYS.stream(), root() ? Stream.of() : WITHOUT_ROOT.stream())
        .filter(need -> need.missing(root))
        .map(Need::debian)
        .distinct()
        .toList();
  }
}
