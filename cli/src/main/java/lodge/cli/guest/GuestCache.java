package lodge.cli.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Where fetched guests are kept: {@code $LODGE_HOME}, else {@code ~/.cache/lodge}.
 *
 * <p>A guest is a folder {@code guests/NAME-FINGERPRINT} that appears whole, by one rename, after
 * it was made in a folder beside it. An interrupted fetch leaves at most that other folder, which
 * the next fetch removes. One lock file keeps two fetches apart; using what is there takes no lock
 * and no write access.
 */
public final class GuestCache {
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
    GuestBuilder builder = builder(recipe);
    Path folder = folder(recipe);
    if (!Manifest.complete(folder, builder.files())) {
      try {
        buildLocked(recipe, builder, folder);
      } catch (AccessDeniedException e) {
        throw new GuestException(cannotWrite("permission denied"), e);
      } catch (FileSystemException e) {
        throw failure(recipe, e.getReason() == null ? "not a folder" : e.getReason(), e);
      } catch (IOException | UncheckedIOException e) {
        throw failure(recipe, e.getMessage(), e);
      }
    }
    return switch (recipe.content()) {
      case Recipe.RamDisk ramDisk ->
          new Guest.RamDisk(
              recipe.name(),
              folder.resolve(RamDiskBuilder.KERNEL),
              folder.resolve(RamDiskBuilder.INITRD),
              ramDisk.append(),
              recipe.memory());
      case Recipe.Disk _ ->
          new Guest.Disk(recipe.name(), folder.resolve(DiskBuilder.IMAGE), recipe.memory());
    };
  }

  /**
   * Where the guest is, or will be. When the recipe or what makes guests of it changes, it is
   * another folder; the one before stays, for there may be machines over it.
   */
  public Path folder(Recipe recipe) {
    return home.resolve("guests")
        .resolve(recipe.name() + "-" + fingerprint(recipe, builder(recipe)));
  }

  private GuestBuilder builder(Recipe recipe) {
    return switch (recipe.content()) {
      case Recipe.RamDisk _ -> new RamDiskBuilder(home, progress);
      case Recipe.Disk _ -> new DiskBuilder(home, progress);
    };
  }

  private GuestException failure(Recipe recipe, String reason, Exception cause) {
    if (FreeSpace.isWhatLacks(cause)) {
      return new GuestException(
          FreeSpace.lack(home, recipe.name(), "the file system is full"), cause);
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

  private void buildLocked(Recipe recipe, GuestBuilder builder, Path folder) throws IOException {
    Files.createDirectories(folder.getParent());
    try (FileChannel channel =
            FileChannel.open(
                home.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = lock(channel)) {
      if (Manifest.complete(folder, builder.files())) {
        return; // somebody else fetched it meanwhile
      }
      sweep(folder.getParent());
      remove(folder);
      Path work = folder.resolveSibling(UNFINISHED + ProcessHandle.current().pid());
      Thread cleaner = new Thread(() -> abandon(work));
      Runtime.getRuntime().addShutdownHook(cleaner);
      try {
        Files.createDirectory(work);
        Path done = Files.createDirectory(work.resolve("guest"));
        List<String> origins = builder.build(recipe, work, done);
        Manifest.write(done, builder.files(), origins);
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

  private static String fingerprint(Recipe recipe, GuestBuilder builder) {
    byte[] text = recipe.text().getBytes(StandardCharsets.UTF_8);
    byte[] layout = builder.fingerprint();
    byte[] all = Arrays.copyOf(text, text.length + layout.length);
    System.arraycopy(layout, 0, all, text.length, layout.length);
    return Manifest.sha256(all).substring(0, 12);
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

  static void remove(Path folder) throws IOException {
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
