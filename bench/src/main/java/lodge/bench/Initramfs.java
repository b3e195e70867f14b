package lodge.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** An initramfs (cpio, "newc" format) that holds programs and nothing else. */
final class Initramfs {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int inode;

  Initramfs program(String name, Path file) throws IOException {
    entry(name, 0100755, Files.readAllBytes(file));
    return this;
  }

  void write(Path file) throws IOException {
    entry("TRAILER!!!", 0, new byte[0]);
    Files.write(file, out.toByteArray());
  }

  private void entry(String name, int mode, byte[] content) {
    byte[] path = (name + "\0").getBytes(StandardCharsets.US_ASCII);
    int[] fields = {++inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0};
    out.writeBytes("070701".getBytes(StandardCharsets.US_ASCII));
    for (int field : fields) {
      out.writeBytes(String.format("%08X", field).getBytes(StandardCharsets.US_ASCII));
    }
    out.writeBytes(path);
    pad();
    out.writeBytes(content);
    pad();
  }

  private void pad() {
    while (out.size() % 4 != 0) {
      out.write(0);
    }
  }
}
