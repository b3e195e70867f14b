package lodge.cli.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where fetched guests are kept: {@code $LODGE_HOME}, else {@code ~/.cache/lodge}.
 *
 * <p>A guest is a folder {@code guests/NAME-FINGERPRINT} that appears whole, by one rename, after
 * its packages are fetched, checked and unpacked in a folder beside it. An interrupted fetch leaves
 * at most that other folder, which the next fetch removes. One lock file keeps two fetches apart;
 * using what is there takes no lock and no write access.
 */
public final class GuestCache {
  private static final String KERNEL = "kernel";
  private static final String INITRD = "initrd";

  /** Lines "SHA-256 size name" of the files, then where they came from; written last. */
  private static final String MANIFEST = "manifest";

  private static final String UNFINISHED = ".fetch-";

  private final Path home;
  private final Progress progress;

  public GuestCache(Path home, Progress progress) {
    this.home = home.toAbsolutePath();
    this.progress = progress;
  }

  /** The folder that the environment names. */
  public static Path home(Map<String, String> environment) {
    String named = environment.getOrDefault("LODGE_HOME", "");
    return named.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".cache", "lodge")
        : Path.of(named);
  }

  /**
   * The guest, fetched first if need be.
   *
   * @throws GuestException when that is impossible
   */
  public Guest guest(Recipe recipe) {
    Path folder = home.resolve("guests").resolve(recipe.name() + "-" + fingerprint(recipe));
    if (!complete(folder)) {
      try {
        fetchLocked(recipe, folder);
      } catch (AccessDeniedException e) {
        throw new GuestException(cannotWrite("permission denied"), e);
      } catch (FileSystemException e) {
        throw failure(recipe, e.getReason() == null ? "not a folder" : e.getReason(), e);
      } catch (IOException | UncheckedIOException e) {
        throw failure(recipe, e.getMessage(), e);
      }
    }
    return new Guest(
        recipe.name(),
        folder.resolve(KERNEL),
        folder.resolve(INITRD),
        recipe.append(),
        recipe.memory());
  }

  private GuestException failure(Recipe recipe, String reason, Exception cause) {
    if (reason.contains("No space left") || reason.contains("enough free space")) {
      return new GuestException(noSpace(recipe, "the file system is full"), cause);
    }
    if (cause instanceof FileSystemException) {
      return new GuestException(cannotWrite(reason), cause);
    }
    return new GuestException("guest '" + recipe.name() + "' cannot be fetched: " + reason, cause);
  }

  private String cannotWrite(String reason) {
    return "cannot write the cache "
        + home
        + ": "
        + reason
        + "; set LODGE_HOME to a folder that you may write";
  }

  private String noSpace(Recipe recipe, String detail) {
    return "no space for guest '"
        + recipe.name()
        + "' in "
        + home
        + ": "
        + detail
        + "; free some or set LODGE_HOME to a folder elsewhere";
  }

  private void fetchLocked(Recipe recipe, Path folder) throws IOException {
    Files.createDirectories(folder.getParent());
    try (FileChannel channel =
            FileChannel.open(
                home.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = lock(channel)) {
      if (complete(folder)) {
        return; // somebody else fetched it meanwhile
      }
      sweep(folder.getParent());
      remove(folder);
      Path work = folder.resolveSibling(UNFINISHED + ProcessHandle.current().pid());
      Thread cleaner = new Thread(() -> abandon(work));
      Runtime.getRuntime().addShutdownHook(cleaner);
      try {
        Files.createDirectory(work);
        fetch(recipe, work);
        Path done = work.resolve("guest");
        Files.move(done, folder, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        remove(work);
        progress.close();
        forget(cleaner);
      }
    }
  }

  private FileLock lock(FileChannel channel) throws IOException {
    FileLock lock = channel.tryLock();
    if (lock == null) {
      progress.show("Waiting for another lodge that is fetching");
      lock = channel.lock();
      progress.close();
    }
    return lock;
  }

  private void fetch(Recipe recipe, Path work) throws IOException {
    progress.show("Fetching guest " + recipe.name());
    Apt apt = new Apt(home, progress);
    List<Apt.Deb> packages = apt.find(recipe.packages());
    demandSpace(recipe, packages);
    Path downloads = Files.createDirectory(work.resolve("packages"));
    try {
      apt.download(packages, downloads);
    } catch (IOException e) {
      if (e.getMessage().contains("No space left") || e.getMessage().contains("free space")) {
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
    assemble(recipe, packages, root, Files.createDirectory(work.resolve("guest")));
  }

  private void demandSpace(Recipe recipe, List<Apt.Deb> packages) throws IOException {
    long needed =
        packages.stream().mapToLong(p -> p.size() + p.installedSize()).sum() + (64L << 20);
    long free = Files.getFileStore(home).getUsableSpace();
    if (free < needed) {
      throw new GuestException(
          noSpace(
              recipe,
              "fetching takes %d MB, %d MB are free"
                  .formatted(needed / 1_000_000, free / 1_000_000)));
    }
  }

  private static Path downloaded(Apt.Deb wanted, Path downloads) throws IOException {
    try (Stream<Path> files = Files.list(downloads)) {
      Path file =
          files
              .filter(path -> path.getFileName().toString().startsWith(wanted.name() + "_"))
              .findFirst()
              .orElseThrow(() -> new IOException("apt-get downloaded no " + wanted.name()));
      if (!sha256(Files.readAllBytes(file)).equals(wanted.sha256())) {
        throw new IOException(
            wanted.name() + " is not what the package lists promise: its SHA-256 differs");
      }
      return file;
    }
  }

  private static void assemble(Recipe recipe, List<Apt.Deb> packages, Path root, Path target)
      throws IOException {
    byte[] kernel = Files.readAllBytes(Unpacked.one(root, recipe.kernel()));
    Map<String, byte[]> files = new TreeMap<>();
    for (Recipe.Item item : recipe.files()) {
      List<Path> matches = Unpacked.all(root, item.from());
      if (matches.isEmpty() && item.required()) {
        throw new GuestException("recipe '" + recipe.name() + "': no package holds " + item.from());
      }
      for (Path match : matches) {
        String path = item.to().endsWith("/") ? item.to() + match.getFileName() : item.to();
        files.put(path, Files.readAllBytes(match));
      }
    }
    byte[] initrd = Initramfs.archive(recipe.name(), files);
    StringBuilder manifest = new StringBuilder();
    manifest.append(store(target, KERNEL, kernel)).append(store(target, INITRD, initrd));
    packages.forEach(
        p -> manifest.append("# ").append(p.name()).append(' ').append(p.version()).append('\n'));
    store(target, MANIFEST, manifest.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a file through to the disk and returns its line for the manifest. */
  private static String store(Path folder, String name, byte[] content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      var buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
    return sha256(content) + " " + content.length + " " + name + "\n";
  }

  /** Whether all files of the manifest are there and have their sizes. */
  private static boolean complete(Path folder) {
    try {
      List<String> lines =
          Files.readAllLines(folder.resolve(MANIFEST)).stream()
              .filter(line -> !line.startsWith("#"))
              .toList();
      for (String line : lines) {
        String[] words = line.split(" ");
        if (words.length != 3 || Files.size(folder.resolve(words[2])) != Long.parseLong(words[1])) {
          return false;
        }
      }
      return lines.size() == 2;
    } catch (IOException | NumberFormatException e) {
      return false;
    }
  }

  private static String fingerprint(Recipe recipe) {
    byte[] text = recipe.text().getBytes(StandardCharsets.UTF_8);
    byte[] layout = Initramfs.fingerprint();
    byte[] all = new byte[text.length + layout.length];
    System.arraycopy(text, 0, all, 0, text.length);
    System.arraycopy(layout, 0, all, text.length, layout.length);
    return sha256(all).substring(0, 12);
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** Removes what interrupted fetches left; the lock is held, so none is going on. */
  private static void sweep(Path guests) throws IOException {
    List<Path> left = new ArrayList<>();
    try (var folders = Files.newDirectoryStream(guests, UNFINISHED + "*")) {
      folders.forEach(left::add);
    }
    for (Path folder : left) {
      remove(folder);
    }
  }

  /** On SIGINT or SIGTERM while fetching. */
  private static void abandon(Path work) {
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    try {
      remove(work);
    } catch (IOException e) {
      // The next fetch sweeps it away.
    }
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is on its way out, and the hook runs.
    }
  }

  private static void remove(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
