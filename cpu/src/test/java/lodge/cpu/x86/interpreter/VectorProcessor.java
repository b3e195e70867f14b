package lodge.cpu.x86.interpreter;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The host's own processor, as a helper program that is compiled on the spot. */
final class VectorProcessor {
  static final int CASE_SIZE = 8 + 8 * (1 + 6 + 8 + 16 + 8);
  static final int RESULT_SIZE = CASE_SIZE + 8;

  private final Path folder;

  /** The instructions' code, 16 bytes each. */
  final byte[] code;

  private VectorProcessor(Path folder, byte[] code) {
    this.folder = folder;
    this.code = code;
  }

  /** The host processor's features as Linux names them; none on another kind of host. */
  static Set<String> features() {
    if (!System.getProperty("os.arch").equals("amd64")) {
      return Set.of();
    }
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> Set.copyOf(List.of(line.replaceFirst(".*: ", "").split(" "))))
          .orElse(Set.of());
    } catch (IOException e) {
      return Set.of();
    }
  }

  /** Whether there are an x86 host with all of SSE4.2 and the tools to use it. */
  static boolean available() {
    try {
      return features().contains("sse4_2")
          && new ProcessBuilder("gcc", "--version")
                  .redirectErrorStream(true)
                  .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                  .start()
                  .waitFor()
              == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Assembles the instructions and compiles the helper. */
  static VectorProcessor create(Path folder, List<String> instructions)
      throws IOException, InterruptedException {
    StringBuilder source = new StringBuilder(".intel_syntax noprefix\n");
    for (String instruction : instructions) {
      source.append(instruction).append("\n.balign 16, 0x90\n");
    }
    Files.writeString(folder.resolve("code.s"), source);
    try (InputStream helper = VectorProcessor.class.getResourceAsStream("vector.c")) {
      Files.copy(helper, folder.resolve("vector.c"));
    }
    execute(folder, "gcc", "-c", "code.s", "-o", "code.o");
    execute(folder, "objcopy", "-O", "binary", "-j", ".text", "code.o", "code.bin");
    execute(folder, "gcc", "-O1", "-w", "-no-pie", "vector.c", "-o", "vector");
    byte[] code = Files.readAllBytes(folder.resolve("code.bin"));
    if (code.length != 16 * instructions.size()) {
      throw new IOException(code.length + " bytes for " + instructions.size());
    }
    return new VectorProcessor(folder, code);
  }

  private static void execute(Path folder, String... command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + output);
    }
  }

  /** Runs cases, one after the other in {@code cases}; the results likewise. */
  ByteBuffer run(byte[] cases) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("./vector", "code.bin")
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Thread writer =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (OutputStream out = new DataOutputStream(process.getOutputStream())) {
                    out.write(cases);
                  } catch (IOException e) {
                    process.destroy();
                  }
                });
    byte[] results = process.getInputStream().readAllBytes();
    writer.join();
    if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException("the helper ended with " + process.exitValue());
    }
    return ByteBuffer.wrap(results).order(ByteOrder.LITTLE_ENDIAN);
  }
}
