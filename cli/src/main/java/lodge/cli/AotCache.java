package lodge.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import lodge.cli.guest.Progress;

/**
 * The JVM's AOT cache of Lodge (JEP 483, 514 and 515): its classes loaded and linked, and profiles
 * of its methods, so that HotSpot compiles what matters without watching it first. It is made by a
 * training run that boots a guest, when the script that starts Lodge finds none newer than the jars
 * and asks for one; later starts use it. A JVM ignores a cache that does not fit.
 */
final class AotCache {
  /** Names the file to be made; the script sets it. */
  static final String WANTED = "lodge.aot";

  /** The script. */
  static final String LAUNCHER = "lodge.launcher";

  /** Tells the script that this is the training run, and the file to write. */
  static final String OUTPUT = "LODGE_AOT_OUTPUT";

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Path file;
  private final Path launcher;

  AotCache(Path file, Path launcher) {
    this.file = file;
    this.launcher = launcher;
  }

  /** Makes the cache when the script has asked for it. */
  static void makeIfWanted(String guest, Progress progress) throws InterruptedException {
    String wanted = System.getProperty(WANTED);
    if (wanted != null) {
      new AotCache(Path.of(wanted), Path.of(System.getProperty(LAUNCHER))).make(guest, progress);
    }
  }

  /** An empty file says that it has been tried without success; Lodge runs without, too. */
  void make(String guest, Progress progress) throws InterruptedException {
    try (FileChannel channel =
            FileChannel.open(beside(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock == null) {
        return; // somebody else is making it
      }
      progress.show("Booting " + guest + " once to record how Lodge starts faster");
      Path part = beside(".part");
      Files.deleteIfExists(part);
      if (!train(guest, part)) {
        Files.write(part, new byte[0]);
      }
      Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // The folder cannot be written by who runs this; who can will make it.
    }
  }

  private boolean train(String guest, Path part) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(List.of(launcher.toString(), "run", guest, "--", "true"))
            .redirectErrorStream(true)
            .redirectOutput(beside(".log").toFile());
    builder.environment().put(OUTPUT, part.toString());
    Process process = builder.start();
    process.getOutputStream().close();
    try {
      return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)
          && process.exitValue() == 0
          && Files.exists(part);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private Path beside(String ending) {
    return file.resolveSibling(file.getFileName() + ending);
  }
}
