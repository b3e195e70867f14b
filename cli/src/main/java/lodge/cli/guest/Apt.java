package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The host's package archive, through apt's own programs and without installing anything. Needs no
 * root: where the package lists are missing or too old and the system's cannot be written, it keeps
 * lists of its own in the cache.
 */
final class Apt {
  /**
   * A package as the archive's signed lists describe it.
   *
   * @param size of the package in bytes
   * @param installedSize of what it unpacks to, in bytes
   * @param sha256 of the package, 64 hexadecimal digits
   */
  record Deb(String name, String version, long size, long installedSize, String sha256) {}

  /**
   * A release, or what is added to it, such as its updates.
   *
   * @param codename such as bookworm, or bookworm-updates
   */
  record Source(String uri, String codename) {
    /** For a {@code sources.list}. */
    String line() {
      return "deb " + uri + " " + codename + " main";
    }
  }

  private static final Pattern TRANSPORT =
      Pattern.compile("Acquire::(https?::|Check-|Max-FutureTime |Retries |Force)");

  private static final Pattern KERNEL_DEPENDENCY =
      Pattern.compile("\\b(linux-image-\\S+) \\(= \\S+\\)");

  private final Path folder;
  private final Progress progress;
  private final List<String> options =
      new ArrayList<>(List.of("-q", "-o", "APT::Sandbox::User=root"));

  /**
   * @param folder where own package lists may be kept
   */
  Apt(Path folder, Progress progress) {
    this.folder = folder;
    this.progress = progress;
  }

  /** Looks packages up, refreshing the lists when one of them is not there. */
  List<Deb> find(List<String> names) throws IOException {
    List<Deb> found = new ArrayList<>();
    boolean fresh = false;
    for (int i = 0; i < names.size(); i++) {
      Optional<Deb> match = find(names.get(i));
      if (match.isPresent()) {
        found.add(match.get());
      } else if (!fresh) {
        update();
        fresh = true;
        i--;
      } else {
        throw new GuestException(
            "apt knows no package '"
                + names.get(i)
                + "'; on Debian its lists may lack amd64 or main,"
                + " elsewhere boot your own with --kernel FILE --initrd FILE");
      }
    }
    return found;
  }

  private Optional<Deb> find(String name) throws IOException {
    Map<String, String> fields = fields(name);
    if (fields.isEmpty()) {
      return Optional.empty();
    }
    Matcher kernel = KERNEL_DEPENDENCY.matcher(fields.getOrDefault("Depends", ""));
    if (kernel.find() && !kernel.group(1).equals(name)) {
      return find(kernel.group(1));
    }
    String sha256 = fields.getOrDefault("SHA256", "");
    if (!sha256.matches("[0-9a-f]{64}")) {
      return Optional.empty(); // installed by hand: the archive does not offer it
    }
    return Optional.of(
        new Deb(
            name,
            fields.getOrDefault("Version", ""),
            Long.parseLong(fields.getOrDefault("Size", "0")),
            Long.parseLong(fields.getOrDefault("Installed-Size", "0")) << 10,
            sha256));
  }

  private Map<String, String> fields(String name) throws IOException {
    Tool.Result shown = apt("apt-cache", folder, () -> {}, "show", "--no-all-versions", name);
    Map<String, String> fields = new LinkedHashMap<>();
    for (String line : shown.output().lines().takeWhile(line -> !line.isEmpty()).toList()) {
      int colon = line.indexOf(": ");
      if (colon > 0 && line.charAt(0) != ' ') {
        fields.put(line.substring(0, colon), line.substring(colon + 2));
      }
    }
    return fields;
  }

  /**
   * Where Debian comes from: lines for a {@code sources.list}, the release itself first.
   *
   * @throws GuestException when apt's lists are not Debian's
   */
  List<Source> sources() throws IOException {
    Tool.Result shown =
        apt(
            "apt-get",
            folder,
            () -> {},
            "indextargets",
            "--format",
            "$(ORIGIN)|$(COMPONENT)|$(ARCHITECTURE)|$(REPO_URI)|$(CODENAME)",
            "Created-By: Packages");
    List<Source> sources =
        shown
            .output()
            .lines()
            .filter(line -> line.startsWith("Debian|main|amd64|"))
            .map(line -> line.split("\\|"))
            .filter(fields -> fields.length == 5)
            .map(fields -> new Source(fields[3], fields[4]))
            .distinct()
            .sorted(Comparator.comparing(source -> source.codename().contains("-")))
            .toList();
    if (sources.isEmpty()) {
      throw new GuestException(
          "this host's apt has no lists of Debian for amd64, which a Debian on a disk is made"
              + " from; boot your own disk instead");
    }
    return sources;
  }

  /** How apt reaches the archive here: its settings of proxies and the like, for another apt. */
  List<String> settings() throws IOException {
    Tool.Result shown =
        apt("apt-config", folder, () -> {}, "dump", "--no-empty", "--format", "%F \"%v\";%n");
    return shown.output().lines().filter(line -> TRANSPORT.matcher(line).lookingAt()).toList();
  }

  /** Brings the package lists up to date: the system's as root, else own ones. */
  void update() throws IOException {
    progress.show("Updating the package lists");
    if (!System.getProperty("user.name").equals("root")) {
      Path state = Files.createDirectories(folder.resolve("apt/state"));
      Path cache = Files.createDirectories(folder.resolve("apt/cache"));
      Files.createDirectories(state.resolve("lists/partial"));
      Files.createDirectories(cache.resolve("archives/partial"));
      options.addAll(List.of("-o", "Dir::State=" + state, "-o", "Dir::Cache=" + cache));
      options.addAll(
          List.of("-o", "Dir::State::status=/var/lib/dpkg/status", "-o", "Debug::NoLocking=true"));
    }
    Tool.Result updated = apt("apt-get", folder, () -> {}, "update");
    if (!updated.ok()) {
      throw new GuestException(
          "apt-get update failed: "
              + updated.reason()
              + "; mend that, or boot your own with --kernel FILE --initrd FILE");
    }
  }

  /** Downloads packages into a folder, one file each; apt checks them against its signed lists. */
  void download(List<Deb> packages, Path target) throws IOException {
    long total = packages.stream().mapToLong(Deb::size).sum();
    List<String> arguments = new ArrayList<>(List.of("download"));
    packages.forEach(p -> arguments.add(p.name() + "=" + p.version()));
    Tool.Result result =
        apt(
            "apt-get",
            target,
            () ->
                progress.show(
                    "Fetching %.1f of %.1f MB".formatted(sizeOf(target) / 1e6, total / 1e6)),
            arguments.toArray(String[]::new));
    if (!result.ok()) {
      throw new IOException("apt-get download failed: " + result.reason());
    }
  }

  private Tool.Result apt(String program, Path directory, Runnable watch, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(options.subList(program.equals("apt-config") ? 1 : 0, options.size()));
    command.addAll(List.of(arguments));
    try {
      return Tool.run(directory, command, watch);
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
      throw new GuestException(
          program
              + " cannot be run here, and a guest's packages come through it;"
              + " boot your own with --kernel FILE --initrd FILE",
          e);
    }
  }

  private static long sizeOf(Path folder) {
    try (var files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException e) {
      return 0;
    }
  }
}
