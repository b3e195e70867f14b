package lodge.cpu.x86.silicon;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * This machine's own processor: a helper process ({@code silicon.c}, compiled when it is first
 * needed) that runs cases and reports the state after each. The C file describes the protocol.
 */
final class Silicon implements AutoCloseable {
  private static final int MAX_BATCH = 1024;

  private final Process process;
  private final HostFeatures host;
  private final InputStream in;
  private final ByteBuffer requests =
      ByteBuffer.allocate(4 + MAX_BATCH * Case.REQUEST_SIZE).order(ByteOrder.LITTLE_ENDIAN);

  private Silicon(Process process, HostFeatures host) {
    this.process = process;
    this.host = host;
    this.in = new BufferedInputStream(process.getInputStream(), 1 << 16);
  }

  /** Starts a helper, or skips the running test with the reason why there can be none. */
  static Silicon startOrSkip() {
    String reason = "";
    try {
      if (!System.getProperty("os.name").equals("Linux")
          || !System.getProperty("os.arch").equals("amd64")) {
        reason = "the host is not Linux on x86-64";
      } else {
        HostFeatures host = HostFeatures.read();
        reason = host.obstacle();
        if (reason.isEmpty()) {
          return start(host);
        }
      }
    } catch (IOException e) {
      reason = e.getMessage();
    }
    System.out.println("Comparison with the host's processor skipped: " + reason);
    Assumptions.abort(reason);
    throw new AssertionError();
  }

  private static Silicon start(HostFeatures host) throws IOException {
    Path directory = Files.createTempDirectory("lodge-silicon");
    Path source = directory.resolve("silicon.c");
    Path program = directory.resolve("silicon");
    try (InputStream resource = Silicon.class.getResourceAsStream("silicon.c")) {
      Files.copy(resource, source);
      Process gcc =
          new ProcessBuilder(
                  // Symbols are bound at the start: binding them in the handler would use
                  // thread-local storage.
                  "gcc",
                  "-O2",
                  "-fno-stack-protector",
                  "-Wl,-z,now",
                  "-o",
                  program.toString(),
                  source.toString())
              .redirectErrorStream(true)
              .start();
      String messages = new String(gcc.getInputStream().readAllBytes());
      if (gcc.waitFor() != 0) {
        throw new IOException("gcc cannot compile the helper: " + messages);
      }
      Process process =
          new ProcessBuilder(program.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
        throw new IOException("the helper ends with status " + process.exitValue());
      }
      return new Silicon(process, host);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      Files.deleteIfExists(source);
      Files.deleteIfExists(program);
      Files.deleteIfExists(directory);
    }
  }

  HostFeatures host() {
    return host;
  }

  /** Runs cases in order. */
  List<CpuSnapshot> run(List<Case> cases) {
    List<CpuSnapshot> results = new ArrayList<>(cases.size());
    for (int from = 0; from < cases.size(); from += MAX_BATCH) {
      List<Case> batch = cases.subList(from, Math.min(cases.size(), from + MAX_BATCH));
      try {
        runBatch(batch, results);
      } catch (IOException e) {
        String last = results.size() < cases.size() ? cases.get(results.size()).describe() : "";
        String status = process.isAlive() ? "" : " with status " + process.exitValue();
        throw new UncheckedIOException("the helper died" + status + " at or soon after " + last, e);
      }
    }
    return results;
  }

  CpuSnapshot run(Case c) {
    return run(List.of(c)).getFirst();
  }

  private void runBatch(List<Case> batch, List<CpuSnapshot> results) throws IOException {
    requests.clear();
    requests.putInt(batch.size());
    for (Case c : batch) {
      c.write(requests);
    }
    process.getOutputStream().write(requests.array(), 0, requests.position());
    process.getOutputStream().flush();
    for (int i = 0; i < batch.size(); i++) {
      byte[] fixed = readFully(CpuSnapshot.RESPONSE_SIZE);
      int count =
          ByteBuffer.wrap(fixed).order(ByteOrder.LITTLE_ENDIAN).getInt(CpuSnapshot.CHANGE_COUNT);
      byte[] changes = readFully(16 * count);
      ByteBuffer whole =
          ByteBuffer.allocate(fixed.length + changes.length).order(ByteOrder.LITTLE_ENDIAN);
      results.add(CpuSnapshot.read(whole.put(fixed).put(changes).flip()));
    }
  }

  private byte[] readFully(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("end of its output");
    }
    return bytes;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
