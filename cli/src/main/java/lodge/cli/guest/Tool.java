package lodge.cli.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a program of the host and collects what it says. */
final class Tool {
  /**
   * How it went.
   *
   * @param status exit status
   * @param output standard output
   * @param errors standard error
   */
  record Result(int status, String output, String errors) {
    boolean ok() {
      return status == 0;
    }

    /** The line that says most about a failure: the last one, without apt's mark. */
    String reason() {
      return errors
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("W:"))
          .reduce((first, second) -> second)
          .map(line -> line.startsWith("E: ") ? line.substring(3) : line)
          .orElse("exit status " + status);
    }
  }

  private Tool() {}

  /**
   * Runs to the end.
   *
   * @param watch called every now and then meanwhile
   * @throws IOException when there is no such program
   */
  static Result run(Path folder, List<String> command, Runnable watch) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
    Process process = builder.start();
    process.getOutputStream().close();
    var output = CompletableFuture.supplyAsync(() -> text(process.getInputStream()));
    var errors = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
    try {
      while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
        watch.run();
      }
      return new Result(process.exitValue(), output.join(), errors.join());
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + command.getFirst() + " ran", e);
    }
  }

  static Result run(Path folder, List<String> command) throws IOException {
    return run(folder, command, () -> {});
  }

  private static String text(InputStream in) {
    try (in) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
