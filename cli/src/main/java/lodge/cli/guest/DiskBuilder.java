package lodge.cli.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Installs Debian on a disk image, without booting anything: packages by mmdebstrap, the file
 * system by mke2fs, the boot loader by grub-mkimage. As root in mmdebstrap's root mode; else in its
 * fakechroot mode, which needs no rights, no user namespaces and no mounts, so that it works in any
 * container.
 */
final class DiskBuilder implements GuestBuilder {
  static final String IMAGE = "disk.qcow2";

  /** Goes up when what is made changes in a way that {@link #fingerprint} does not see. */
  private static final String LAYOUT = "1";

  private static final String PREPARE = "debian-prepare";
  private static final String SETUP = "debian-setup";
  private static final String FILE_SYSTEM = "mke2fs.conf";

  /** Built in, so that GRUB needs no modules on the disk. */
  private static final List<String> GRUB_MODULES =
      List.of(
          "biosdisk",
          "part_msdos",
          "ext2",
          "normal",
          "linux",
          "serial",
          "terminal",
          "echo",
          "test",
          "search",
          "search_fs_uuid",
          "configfile",
          "cat",
          "ls",
          "halt",
          "reboot",
          "minicmd");

  /** What nobody reads in a guest whose packages can be installed again. */
  private static final List<String> LEFT_OUT =
      List.of(
          "path-exclude=/usr/share/doc/*",
          "path-include=/usr/share/doc/*/copyright",
          "path-exclude=/usr/share/man/*",
          "path-exclude=/usr/share/locale/*");

  private final Path home;
  private final Progress progress;

  /**
   * @param home the cache
   */
  DiskBuilder(Path home, Progress progress) {
    this.home = home;
    this.progress = progress;
  }

  @Override
  public List<String> files() {
    return List.of(IMAGE);
  }

  @Override
  public byte[] fingerprint() {
    StringBuilder all = new StringBuilder(LAYOUT);
    Stream.of(PREPARE, SETUP, FILE_SYSTEM)
        .forEach(name -> all.append('\0').append(Resources.text(name)));
    return all.toString().getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public List<String> build(Recipe recipe, Path work, Path target) throws IOException {
    Recipe.Disk disk = (Recipe.Disk) recipe.content();
    progress.show("Making guest " + recipe.name());
    BuildTools.demand(recipe.name(), work, progress);
    Apt apt = new Apt(home, progress);
    List<Apt.Deb> packages = apt.find(recipe.packages());
    FreeSpace.demand(home, recipe.name(), 3L << 30);
    for (String name : List.of(PREPARE, SETUP, FILE_SYSTEM)) {
      Files.writeString(work.resolve(name), Resources.text(name));
    }
    Map<String, String> environment =
        Map.of(
            "GUEST", recipe.name(),
            "ROOT_UUID", UUID.randomUUID().toString(),
            "LODGE_WORK", work.toString(),
            "TMPDIR", work.toString(),
            "PATH", System.getenv("PATH") + ":/usr/sbin:/sbin",
            "MKE2FS_CONFIG", work.resolve(FILE_SYSTEM).toString());
    install(recipe, apt, work, environment);
    makeFileSystem(disk.size() - BootDisk.PARTITION, work, environment);
    makeLoader(work, environment);
    progress.show("Writing the disk of guest " + recipe.name());
    BootDisk.write(
        target.resolve(IMAGE),
        disk.size(),
        BuildTools.GRUB.resolve("boot.img"),
        work.resolve("core.img"),
        work.resolve("root.ext4"));
    return packages.stream().map(p -> p.name() + " " + p.version()).toList();
  }

  private void install(Recipe recipe, Apt apt, Path work, Map<String, String> environment)
      throws IOException {
    List<Apt.Source> sources = apt.sources();
    List<String> command = new ArrayList<>(ownMounts(work));
    command.addAll(
        List.of(
            "mmdebstrap",
            "--mode=" + (BuildTools.root() ? "root" : "fakechroot"),
            "--variant=minbase",
            "--architectures=amd64",
            "--format=tar",
            "--include=" + String.join(",", recipe.packages()),
            "--aptopt=APT::Install-Recommends \"false\"",
            "--essential-hook=" + inside(PREPARE),
            "--customize-hook=" + inside(SETUP)));
    apt.settings().forEach(setting -> command.add("--aptopt=" + setting));
    LEFT_OUT.forEach(rule -> command.add("--dpkgopt=" + rule));
    command.add(sources.getFirst().codename());
    command.add("root.tar");
    sources.forEach(source -> command.add(source.line()));
    run(
        work,
        command,
        environment,
        line -> {
          if (line.startsWith("I: ") && line.endsWith("...")) {
            progress.show("Making guest " + recipe.name() + ": " + line.substring(3));
          }
        });
  }

  /** As root mmdebstrap mounts /proc and the like, which are to vanish with it even if killed. */
  private static List<String> ownMounts(Path work) throws IOException {
    List<String> unshare = List.of("unshare", "--mount", "--");
    boolean possible =
        BuildTools.root()
            && Tool.run(work, Stream.concat(unshare.stream(), Stream.of("true")).toList()).ok();
    return possible ? unshare : List.of();
  }

  /** A hook that runs a script in the new system. */
  private static String inside(String script) {
    return "chroot \"$1\" /bin/sh -eu -s <\"$LODGE_WORK/" + script + "\"";
  }

  /** The kernel puts devices into /dev, so that none of them need be made here. */
  private void makeFileSystem(long size, Path work, Map<String, String> environment)
      throws IOException {
    progress.show("Making the file system");
    Files.createDirectory(work.resolve("root"));
    List<String> command = new ArrayList<>(BuildTools.root() ? List.of() : List.of("fakeroot"));
    command.addAll(
        List.of(
            "sh",
            "-euc",
            "tar -x -f root.tar -C root --numeric-owner --exclude='./dev/*' && rm root.tar &&"
                + " mke2fs -q -F -t ext4 -L root -U \"$ROOT_UUID\" -m 1 -E lazy_itable_init=0 -d"
                + " root root.ext4 "
                + (size >> 10)
                + "k"));
    run(work, command, environment, _ -> {});
  }

  private static void makeLoader(Path work, Map<String, String> environment) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "grub-mkimage",
                "--directory=" + BuildTools.GRUB,
                "--format=i386-pc",
                "--output=core.img",
                "--prefix=(hd0,msdos1)/boot/grub"));
    command.addAll(GRUB_MODULES);
    run(work, command, environment, _ -> {});
  }

  private static void run(
      Path work, List<String> command, Map<String, String> environment, Consumer<String> line)
      throws IOException {
    Tool.Result result = Tool.runTied(work, command, environment, line);
    if (!result.ok()) {
      // The first error says what went wrong, those behind it who gave up because of it.
      String reason =
          result
              .errors()
              .lines()
              .filter(text -> text.startsWith("E: "))
              .map(text -> text.substring(3))
              .findFirst()
              .orElseGet(result::reason);
      throw new IOException(command.getFirst() + " failed: " + reason);
    }
  }
}
