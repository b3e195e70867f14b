package lodge.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs the {@code lodge} script of this checkout as people do: as a process, with a pipe at each
 * end.
 */
final class LodgeScript {
  /** The checkout. */
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /**
   * What came of it.
   *
   * @param output standard output, byte for byte
   * @param errors standard error
   */
  record Result(int status, byte[] output, String errors) {
    String text() {
      return new String(output, StandardCharsets.UTF_8);
    }
  }

  private final List<String> arguments;
  private final Map<String, String> environment = new LinkedHashMap<>();
  private byte[] input = new byte[0];
  private Path folder = Path.of(".");
  private Path script = ROOT.resolve("lodge");

  private LodgeScript(String... arguments) {
    this.arguments = List.of(arguments);
  }

  static LodgeScript lodge(String... arguments) {
    return new LodgeScript(arguments);
  }

  LodgeScript with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  LodgeScript input(byte[] bytes) {
    input = bytes.clone();
    return this;
  }

  LodgeScript input(String text) {
    return input(text.getBytes(StandardCharsets.UTF_8));
  }

  LodgeScript in(Path where) {
    folder = where;
    return this;
  }

  LodgeScript through(Path link) {
    script = link;
    return this;
  }

  Process start() throws IOException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }

  Result run() throws IOException, InterruptedException {
    Process process = start();
    var output = CompletableFuture.supplyAsync(() -> all(process.getInputStream()));
    var errors = CompletableFuture.supplyAsync(() -> all(process.getErrorStream()));
    try (var stdin = process.getOutputStream()) {
      stdin.write(input);
    } catch (IOException e) {
      // It ended without reading what there was.
    }
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new AssertionError(
          "lodge "
              + arguments
              + " did not end; its output: "
              + new String(output.join(), StandardCharsets.UTF_8)
              + new String(errors.join(), StandardCharsets.UTF_8));
    }
    return new Result(
        process.exitValue(), output.join(), new String(errors.join(), StandardCharsets.UTF_8));
  }

  private static byte[] all(InputStream in) {
    try (in) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
