package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Fetches and unpacks packages, and puts a kernel and an initial RAM disk together from them. */
final class RamDiskBuilder implements GuestBuilder {
  static final String KERNEL = "kernel";
  static final String INITRD = "initrd";

  private final Path home;
  private final Progress progress;

  /**
   * @param home the cache
   */
  RamDiskBuilder(Path home, Progress progress) {
    this.home = home;
    this.progress = progress;
  }

  @Override
  public List<String> files() {
    return List.of(KERNEL, INITRD);
  }

  @Override
  public byte[] fingerprint() {
    return Initramfs.fingerprint();
  }

  @Override
  public List<String> build(Recipe recipe, Path work, Path target) throws IOException {
    Recipe.RamDisk content = (Recipe.RamDisk) recipe.content();
    progress.show("Fetching guest " + recipe.name());
    Apt apt = new Apt(home, progress);
    List<Apt.Deb> packages = apt.find(recipe.packages());
    FreeSpace.demand(
        home,
        recipe.name(),
        packages.stream().mapToLong(p -> p.size() + p.installedSize()).sum() + (64L << 20));
    Path downloads = Files.createDirectory(work.resolve("packages"));
    try {
      apt.download(packages, downloads);
    } catch (IOException e) {
      if (FreeSpace.isWhatLacks(e)) {
        throw e;
      }
      // The archive replaces packages: old lists name files that are gone.
      apt.update();
      packages = apt.find(recipe.packages());
      apt.download(packages, downloads);
    }
    Path root = Files.createDirectory(work.resolve("root"));
    for (Apt.Deb wanted : packages) {
      Path file = downloaded(wanted, downloads);
      progress.show("Unpacking " + wanted.name());
      Tool.Result unpacked =
          Tool.run(work, List.of("dpkg-deb", "-x", file.toString(), root.toString()));
      if (!unpacked.ok()) {
        throw new IOException("dpkg-deb cannot unpack " + wanted.name() + ": " + unpacked.reason());
      }
    }
    assemble(recipe.name(), content, root, target);
    return packages.stream().map(p -> p.name() + " " + p.version()).toList();
  }

  private static Path downloaded(Apt.Deb wanted, Path downloads) throws IOException {
    try (Stream<Path> files = Files.list(downloads)) {
      Path file =
          files
              .filter(path -> path.getFileName().toString().startsWith(wanted.name() + "_"))
              .findFirst()
              .orElseThrow(() -> new IOException("apt-get downloaded no " + wanted.name()));
      if (!Manifest.sha256(file).equals(wanted.sha256())) {
        throw new IOException(
            wanted.name() + " is not what the package lists promise: its SHA-256 differs");
      }
      return file;
    }
  }

  private static void assemble(String name, Recipe.RamDisk content, Path root, Path target)
      throws IOException {
    Files.copy(Unpacked.one(root, content.kernel()), target.resolve(KERNEL));
    Map<String, byte[]> files = new TreeMap<>();
    for (Recipe.Item item : content.files()) {
      List<Path> matches = Unpacked.all(root, item.from());
      if (matches.isEmpty() && item.required()) {
        throw new GuestException("recipe '" + name + "': no package holds " + item.from());
      }
      for (Path match : matches) {
        String path = item.to().endsWith("/") ? item.to() + match.getFileName() : item.to();
        files.put(path, Files.readAllBytes(match));
      }
    }
    Files.write(target.resolve(INITRD), Initramfs.archive(name, files));
  }
}
