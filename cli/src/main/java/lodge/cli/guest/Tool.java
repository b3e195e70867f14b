package lodge.cli.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

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
    Process process = start(folder, command, Map.of());
    process.getOutputStream().close();
    return await(process, command.getFirst(), watch, _ -> {});
  }

  static Result run(Path folder, List<String> command) throws IOException {
    return run(folder, command, () -> {});
  }

  /**
   * Runs a program that starts others to the end. None of them outlives Lodge, even if Lodge is
   * killed.
   *
   * @param line receives each line of standard error
   */
  static Result runTied(
      Path folder, List<String> command, Map<String, String> environment, Consumer<String> line)
      throws IOException {
    List<String> tied =
        new ArrayList<>(List.of("setsid", "sh", "-c", Resources.text("tied"), "sh"));
    tied.addAll(command);
    Process process = start(folder, tied, environment);
    try (OutputStream _ = process.getOutputStream()) {
      return await(process, command.getFirst(), () -> {}, line);
    }
  }

  private static Process start(Path folder, List<String> command, Map<String, String> environment)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static Result await(Process process, String name, Runnable watch, Consumer<String> line)
      throws IOException {
    var output = CompletableFuture.supplyAsync(() -> all(process.getInputStream()));
    var errors = CompletableFuture.supplyAsync(() -> lines(process.getErrorStream(), line));
    try {
      while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
        watch.run();
      }
      return new Result(process.exitValue(), output.join(), errors.join());
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + name + " ran", e);
    }
  }

  private static String all(InputStream in) {
    try (in) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lines(InputStream in, Consumer<String> line) {
    try (var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      StringBuilder all = new StringBuilder();
      reader
          .lines()
          .forEach(
              one -> {
                all.append(one).append('\n');
                line.accept(one);
              });
      return all.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
