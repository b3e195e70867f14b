package lodge.disk;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.TreeSet;

/**
 * The locks that QEMU takes on images ({@code docs/system/images}, "Disk image file locking"): a
 * byte for each thing that a program does, and one for each that it does not let others do.
 */
final class ImageLock {
  private static final int CONSISTENT_READ = 0;
  private static final int WRITE = 1;
  private static final int RESIZE = 3;
  private static final int PERMISSIONS = 5;

  /** What the holder does. */
  private static final int DOES = 100;

  /** What the holder does not share. */
  private static final int FORBIDS = 200;

  /** The one that asks has opened the file already, twice. */
  private static final int OWN_DESCRIPTORS = 2;

  private static final Path PROCESSES = Path.of("/proc");

  private ImageLock() {}

  /** False when somebody else's use contradicts this one. */
  static boolean take(NativeFile file, Access access) {
    int[] done =
        access == Access.WRITE
            ? new int[] {CONSISTENT_READ, WRITE, RESIZE}
            : new int[] {CONSISTENT_READ};
    int[] forbidden = access == Access.READ_UNLOCKED ? new int[0] : new int[] {WRITE, RESIZE};
    boolean free = true;
    for (int permission : done) {
      free &= file.lock(DOES + permission);
    }
    for (int permission : forbidden) {
      free &= file.lock(FORBIDS + permission);
    }
    for (int permission : done) {
      free &= !file.isLockedByOthers(FORBIDS + permission);
    }
    for (int permission : forbidden) {
      free &= !file.isLockedByOthers(DOES + permission);
    }
    if (!free) {
      file.unlock(DOES, PERMISSIONS);
      file.unlock(FORBIDS, PERMISSIONS);
    }
    return free;
  }

  /**
   * The processes that have a file open, as far as they can be seen. Such locks belong to opened
   * files, so the kernel names no process for them.
   */
  static String holders(Path image) {
    TreeSet<String> holders = new TreeSet<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
      Object key = key(image);
      for (Path process : processes) {
        if (key != null && hasOpen(process, key)) {
          holders.add(name(process));
        }
      }
    } catch (IOException _) {
      // Without /proc nobody is named.
    }
    return holders.isEmpty() ? "another program" : String.join(", ", holders);
  }

  private static Object key(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  private static boolean hasOpen(Path process, Object key) {
    boolean own = process.endsWith(Long.toString(ProcessHandle.current().pid()));
    int found = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path file : files) {
        try {
          if (key.equals(key(file))) {
            found++;
          }
        } catch (IOException _) {
          // A socket, or closed since.
        }
      }
    } catch (IOException _) {
      // Somebody else's process, or one that has ended.
    }
    return found > (own ? OWN_DESCRIPTORS : 0);
  }

  private static String name(Path process) {
    String number = process.getFileName().toString();
    if (number.equals(Long.toString(ProcessHandle.current().pid()))) {
      return "this process";
    }
    try {
      return Files.readString(process.resolve("comm")).strip() + " (process " + number + ")";
    } catch (IOException _) {
      return "process " + number;
    }
  }
}
