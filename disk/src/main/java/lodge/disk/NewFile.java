package lodge.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.ThreadLocalRandom;
import lodge.disk.DiskException.Kind;

/**
 * A file that gets its name when it is whole. Until then whatever has the name stays as it is, and
 * nothing is left behind when it never gets that far, not even when the program is told to end.
 */
final class NewFile implements AutoCloseable {
  private final Path target;
  private final Path unfinished;
  private final Thread cleaner;
  private boolean published;

  NewFile(Path named) throws DiskException {
    try {
      target = Files.exists(named) ? named.toRealPath() : named.toAbsolutePath();
    } catch (IOException e) {
      throw error(named, e.getMessage());
    }
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw error(named, "it is a folder");
    }
    if (!Files.isDirectory(folder)) {
      throw error(named, "there is no such folder");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw error(named, "it is not a plain file");
    }
    if (!Files.isWritable(folder) || (Files.exists(target) && !Files.isWritable(target))) {
      throw error(named, "permission denied");
    }
    String suffix = Long.toHexString(ThreadLocalRandom.current().nextLong());
    unfinished = target.resolveSibling(".lodge-" + suffix + ".part");
    cleaner = Thread.ofPlatform().unstarted(this::delete);
    Runtime.getRuntime().addShutdownHook(cleaner);
  }

  private static DiskException error(Path path, String reason) {
    return new DiskException(Kind.HOST, path, "create", DiskException.NOWHERE, reason, null);
  }

  /** The name that it will have. */
  Path target() {
    return target;
  }

  /**
   * The file as it is made, to be closed.
   *
   * @param size up to which it is a hole at first
   */
  ImageFile open(long size) throws DiskException {
    try {
      @SuppressWarnings("resource") // closed with its channel
      RandomAccessFile file = new RandomAccessFile(unfinished.toFile(), "rw");
      if (size > 0) { // ext4 writes a file that was cut to nothing to its medium when it is closed
        file.setLength(size);
      }
      return new ImageFile(target, file.getChannel(), false, null);
    } catch (IOException e) {
      throw error(target, e.getMessage());
    }
  }

  /** The file is whole and closed. */
  void publish() throws DiskException {
    try {
      Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      published = true;
    } catch (IOException e) {
      throw error(target, e.getMessage());
    }
  }

  /** Whether a file of this name will be replaced. */
  boolean replaces() {
    return Files.exists(target);
  }

  private void delete() {
    try {
      Files.deleteIfExists(unfinished);
    } catch (IOException e) {
      // Nothing more can be done for it.
    }
  }

  @Override
  public void close() {
    if (!published) {
      delete();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(cleaner);
    } catch (IllegalStateException e) {
      // It runs already.
    }
  }
}
