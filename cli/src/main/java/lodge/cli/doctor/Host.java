package lodge.cli.doctor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What checks look at.
 *
 * @param system the operating system, as Java names it
 * @param architecture of the processor, as Java names it
 * @param root the folder in which {@code proc}, {@code sys}, {@code dev} and the rest are
 * @param usable whether a file may be opened for reading and writing
 * @param home where Lodge keeps guests
 * @param space how many bytes can be written where a folder is; empty when that is not known
 * @param environment its variables
 */
public record Host(
    String system,
    String architecture,
    Path root,
    Predicate<Path> usable,
    Path home,
    Space space,
    Map<String, String> environment,
    Jvm jvm,
    List<EngineState> engines) {
  /** More than any file of the kernel's has that is read here. */
  private static final int LINES = 10_000;

  /** Tells how much can be written where a folder is. */
  @FunctionalInterface
  public interface Space {
    /**
     * @param folder which is there
     */
    long bytes(Path folder) throws IOException;
  }

  public Host {
    environment = Map.copyOf(environment);
    engines = List.copyOf(engines);
  }

  /**
   * The one that this program runs on.
   *
   * @param home where Lodge keeps guests
   */
  public static Host current(Path home, Map<String, String> environment) {
    return new Host(
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Path.of("/"),
        file -> Files.isReadable(file) && Files.isWritable(file),
        home.toAbsolutePath(),
        Host::writable,
        environment,
        Jvm.current(),
        EngineState.ask());
  }

  private static long writable(Path folder) throws IOException {
    FileStore store = Files.getFileStore(folder);
    return Files.isWritable(folder) && !store.isReadOnly() ? store.getUsableSpace() : 0;
  }

  boolean linux() {
    return system.equals("Linux");
  }

  boolean x86() {
    return List.of("amd64", "x86_64").contains(architecture);
  }

  private Path at(String path) {
    return root.resolve(path.substring(1));
  }

  /** Whether there is a file of that absolute path. */
  boolean has(String path) {
    return Files.exists(at(path));
  }

  boolean mayUse(String path) {
    return usable.test(at(path));
  }

  /** Whether a program is found through the PATH. */
  boolean hasProgram(String name) {
    return Stream.of(environment.getOrDefault("PATH", "").split(":"))
        .filter(folder -> folder.startsWith("/"))
        .anyMatch(folder -> has(folder + "/" + name));
  }

  /** The lines of a file, without control characters; none when it cannot be read. */
  List<String> lines(String path) {
    try (BufferedReader reader = Files.newBufferedReader(at(path), StandardCharsets.ISO_8859_1)) {
      return reader
          .lines()
          .limit(LINES)
          .map(line -> line.replaceAll("\\p{Cntrl}", " ").strip())
          .toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }

  /** The first line of a file, when there is something on it. */
  Optional<String> text(String path) {
    return lines(path).stream().findFirst().filter(line -> !line.isEmpty());
  }

  /** What stands behind {@code name:} in a file. */
  Optional<String> field(String path, String name) {
    return lines(path).stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(name.length()).strip())
        .filter(rest -> rest.startsWith(":"))
        .map(rest -> rest.substring(1).strip())
        .findFirst();
  }

  /** The names in a folder, sorted; none when it cannot be read. */
  List<String> names(String folder) {
    try (Stream<Path> files = Files.list(at(folder))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }
}
