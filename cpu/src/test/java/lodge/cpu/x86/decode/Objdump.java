package lodge.cpu.x86.decode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** What GNU objdump makes of bytes: the second opinion on the decoder. */
final class Objdump {
  /** Bytes a record takes: an instruction and NOPs to find back into step with. */
  static final int RECORD = 32;

  private static final Set<String> PREFIXES =
      Set.of(
          "lock",
          "rep",
          "repz",
          "repnz",
          "data16",
          "data32",
          "addr16",
          "addr32",
          "cs",
          "ds",
          "es",
          "ss",
          "fs",
          "gs",
          "xacquire",
          "xrelease",
          "bnd",
          "notrack");

  /** One instruction as objdump reads it: mnemonic without prefixes, operands, length. */
  record Line(String mnemonic, String operands, int length) {}

  private Objdump() {}

  static boolean present() {
    try {
      Process process =
          new ProcessBuilder("objdump", "--version").redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** The instruction at the beginning of each record; null where objdump was not in step. */
  static Line[] disassemble(List<byte[]> codes, int codeSize) throws IOException {
    byte[] image = new byte[codes.size() * RECORD];
    Arrays.fill(image, (byte) 0x90);
    for (int i = 0; i < codes.size(); i++) {
      System.arraycopy(codes.get(i), 0, image, i * RECORD, codes.get(i).length);
    }
    String machine = codeSize == 8 ? "i386:x86-64" : codeSize == 4 ? "i386" : "i8086";
    Path file = Files.createTempFile("decode", ".bin");
    try {
      Files.write(file, image);
      Process process =
          new ProcessBuilder(
                  "objdump",
                  "-D",
                  "-z",
                  "-b",
                  "binary",
                  "-m",
                  machine,
                  "-M",
                  "intel,intel64",
                  "--no-show-raw-insn",
                  file.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (var reader =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.ISO_8859_1))) {
        return read(reader, codes.size());
      }
    } finally {
      Files.delete(file);
    }
  }

  private static Line[] read(BufferedReader reader, int count) throws IOException {
    Line[] lines = new Line[count];
    int wanted = -1;
    int start = 0;
    String text = null;
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      int colon = line.indexOf(":\t");
      if (colon < 0 || line.charAt(0) != ' ') {
        continue;
      }
      int address = Integer.parseInt(line, line.lastIndexOf(' ', colon) + 1, colon, 16);
      if (wanted >= 0 && text == null) {
        text = line.substring(colon + 2);
        String rest = withoutPrefixes(text);
        // A line of prefixes alone belongs to what follows.
        text = rest.isEmpty() ? null : rest;
      } else if (wanted >= 0) {
        int space = text.indexOf(' ');
        lines[wanted] =
            space < 0
                ? new Line(text, "", address - start)
                : new Line(
                    text.substring(0, space), text.substring(space).strip(), address - start);
        wanted = -1;
        text = null;
      }
      if (address % RECORD == 0) {
        wanted = address / RECORD;
        start = address;
        String rest = withoutPrefixes(line.substring(colon + 2));
        text = rest.isEmpty() ? null : rest;
      }
    }
    return lines;
  }

  private static String withoutPrefixes(String text) {
    String rest = text.strip();
    while (true) {
      int space = rest.indexOf(' ');
      String word = space < 0 ? rest : rest.substring(0, space);
      if (!PREFIXES.contains(word) && !word.startsWith("rex")) {
        return rest;
      }
      rest = space < 0 ? "" : rest.substring(space).strip();
    }
  }
}
