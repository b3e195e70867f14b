package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How to get a guest, as a small text file of {@code key: value} lines says.
 *
 * @param name the file's name
 * @param text the whole file
 * @param summary one line for people
 * @param packages Debian packages that it is made of
 * @param content what is made of them
 * @param memory RAM in bytes, unless the user says otherwise
 */
public record Recipe(
    String name, String text, String summary, List<String> packages, Content content, long memory) {

  /** The kinds of guests. */
  public sealed interface Content {}

  /**
   * A kernel with an initial RAM disk. Packages are unpacked; one that depends on a {@code
   * linux-image-} package stands for that one.
   *
   * @param kernel which unpacked file is the kernel, a glob
   * @param files what goes into the initial RAM disk
   * @param append the kernel's command line
   */
  public record RamDisk(String kernel, List<Item> files, String append) implements Content {
    public RamDisk {
      files = List.copyOf(files);
    }
  }

  /**
   * A disk with Debian and its boot loader. Packages are installed, with all that they depend on.
   *
   * @param size in bytes, a multiple of 1 MiB
   */
  public record Disk(long size) implements Content {
    private static final long MIB = 1 << 20;

    /** Sectors of 512 bytes have 32-bit numbers in the partition table. */
    private static final long LIMIT = 1L << 41;

    public Disk {
      if (size < 1024 * MIB || size >= LIMIT || size % MIB != 0) {
        throw new IllegalArgumentException(
            "a disk has whole MiB, from 1G on and less than " + MemorySize.format(LIMIT));
      }
    }
  }

  /**
   * A file for the initial RAM disk.
   *
   * @param to its path in the guest; with a slash at the end, the folder in which it keeps its name
   * @param from which unpacked file it is, a glob
   * @param required whether it is an error when there is none
   */
  public record Item(String to, String from, boolean required) {}

  public Recipe {
    packages = List.copyOf(packages);
  }

  /** The recipe of that name in a folder. */
  public static Recipe named(String name, Path folder) {
    List<String> known = names(folder);
    if (!known.contains(name)) {
      throw new GuestException(
          "guest '"
              + name
              + "' is unknown; "
              + (known.isEmpty()
                  ? "there are no recipes in " + folder
                  : "there is " + String.join(", ", known)));
    }
    Path file = folder.resolve(name);
    try {
      return parse(name, Files.readString(file));
    } catch (IOException e) {
      throw new GuestException("cannot read the recipe " + file + ": " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new GuestException("recipe " + file + ", " + e.getMessage(), e);
    }
  }

  /** Names of all recipes in a folder, sorted. */
  public static List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /**
   * Reads a recipe.
   *
   * @throws IllegalArgumentException when it is wrong; the message begins with the line's number
   */
  static Recipe parse(String name, String text) {
    List<String> packages = new ArrayList<>();
    List<Item> files = new ArrayList<>();
    String summary = "";
    String kernel = "";
    String append = "";
    Disk disk = null;
    long memory = 512L << 20;
    int number = 0;
    for (String line : text.lines().map(String::strip).toList()) {
      number++;
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      try {
        int colon = line.indexOf(':');
        if (colon < 0) {
          throw new IllegalArgumentException("'" + line + "' is not of the form key: value");
        }
        String value = line.substring(colon + 1).strip();
        switch (line.substring(0, colon)) {
          case "summary" -> summary = value;
          case "package" -> packages.add(packageName(value));
          case "kernel" -> kernel = value;
          case "file" -> files.add(item(value, true));
          case "optional" -> files.add(item(value, false));
          case "append" -> append = value;
          case "disk" -> disk = new Disk(MemorySize.parse(value));
          case "memory" -> memory = MemorySize.parse(value);
          default ->
              throw new IllegalArgumentException(
                  "key '"
                      + line.substring(0, colon)
                      + "' is unknown; there are summary, package, kernel, file, optional, append,"
                      + " disk, memory");
        }
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("line " + number + ": " + e.getMessage(), e);
      }
    }
    if (packages.isEmpty() || (disk == null && kernel.isEmpty())) {
      throw new IllegalArgumentException(
          "line " + number + ": a recipe needs package lines and a kernel or disk line");
    }
    if (disk != null && !(kernel.isEmpty() && files.isEmpty() && append.isEmpty())) {
      throw new IllegalArgumentException(
          "line " + number + ": kernel, file, optional and append are for guests without a disk");
    }
    Content content = disk != null ? disk : new RamDisk(kernel, files, append);
    return new Recipe(name, text, summary, packages, content, memory);
  }

  private static String packageName(String value) {
    if (!value.matches("[a-z0-9][a-z0-9.+-]+")) {
      throw new IllegalArgumentException("'" + value + "' is no name of a Debian package");
    }
    return value;
  }

  private static Item item(String value, boolean required) {
    String[] words = value.split("\\s+");
    if (words.length != 2
        || Stream.of(words).anyMatch(path -> path.startsWith("/") || path.contains(".."))) {
      throw new IllegalArgumentException(
          "'"
              + value
              + "' is not of the form PATH-IN-THE-GUEST PATH-IN-THE-PACKAGES, both without a"
              + " leading slash");
    }
    return new Item(words[0], words[1], required);
  }

  @Override
  public String toString() {
    return name + packages.stream().collect(Collectors.joining(", ", " (", ")"));
  }
}
