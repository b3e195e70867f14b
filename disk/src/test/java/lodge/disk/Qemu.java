package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** QEMU's tools, in a folder of images. */
record Qemu(Path folder) {
  static void require() throws Exception {
    try {
      Tool.ok("qemu-img", "--version");
      Tool.ok("qemu-io", "--version");
    } catch (IOException e) {
      String reason = "Skipped: qemu-img and qemu-io (package qemu-utils) are missing";
      System.out.println(reason);
      abort(reason);
    }
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  /** Runs a tool with names of images that are relative to the folder. */
  Tool run(String command) throws Exception {
    return Tool.run("sh", "-c", "cd '" + folder + "' && " + command);
  }

  String ok(String command) throws Exception {
    Tool tool = run(command);
    assertThat(tool.status()).as("%s: %s", command, tool.output()).isZero();
    return tool.output();
  }

  void io(String name, String... commands) throws Exception {
    StringBuilder line = new StringBuilder("qemu-io -f qcow2");
    for (String command : commands) {
      line.append(" -c '").append(command).append('\'');
    }
    ok(line + " " + name);
  }

  void assertSound(String name) throws Exception {
    assertThat(ok("qemu-img check -f qcow2 " + name)).contains("No errors were found");
    CheckReport report = Qcow2Image.check(path(name), Repair.NOTHING);
    assertThat(report.problems()).isEmpty();
  }

  void assertContent(String name, byte[] content) throws Exception {
    Files.write(path("expected"), content);
    ok("qemu-img compare -f raw -F qcow2 expected " + name);
    try (Qcow2Image image = Qcow2Image.open(path(name), true)) {
      assertThat(image.size()).isEqualTo(content.length);
      assertThat(Exerciser.content(image, 0, content.length)).isEqualTo(content);
    }
  }
}
