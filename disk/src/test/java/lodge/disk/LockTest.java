package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that one program writes are nobody else's, be it Lodge or QEMU. */
class LockTest {
  @TempDir Path folder;
  private Qemu qemu;
  private Path image;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @BeforeEach
  void create() throws Exception {
    qemu = new Qemu(folder);
    image = qemu.path("image");
    qemu.ok("qemu-img create -q -f qcow2 base 1M");
    qemu.ok("qemu-img create -q -f qcow2 -b base -F qcow2 image 1M");
  }

  @Test
  void qemuDoesNotOpenWhatLodgeWrites() throws Exception {
    try (Qcow2Image _ = Qcow2Image.open(image, false)) {
      assertThat(qemu.run("qemu-io -f qcow2 -c 'write 0 512' image").output())
          .contains("Is another process using the image");
      assertThat(qemu.run("qemu-img info image").output()).contains("Failed to get shared");
      assertThat(qemu.run("qemu-io -f qcow2 -c 'write 0 512' base").output())
          .contains("Is another process using the image");
      qemu.ok("qemu-img info -U image");
      qemu.ok("qemu-img info base");
    }
    qemu.ok("qemu-io -f qcow2 -c 'write 0 512' image");
  }

  @Test
  void qemuReadsWhatLodgeReads() throws Exception {
    try (Qcow2Image _ = Qcow2Image.open(image, true)) {
      qemu.ok("qemu-img info image");
      assertThat(qemu.run("qemu-io -f qcow2 -c 'write 0 512' image").status()).isNotZero();
    }
    try (Qcow2Image _ = Qcow2Image.open(image, Access.READ_UNLOCKED)) {
      qemu.ok("qemu-io -f qcow2 -c 'write 0 512' image");
    }
  }

  @Test
  void lodgeDoesNotOpenWhatQemuWrites() throws Exception {
    Process writer = new ProcessBuilder("qemu-io", "-f", "qcow2", image.toString()).start();
    try {
      writer.getOutputStream().write("length\n".getBytes(StandardCharsets.UTF_8));
      writer.getOutputStream().flush();
      String prompt = "qemu-io> 1 MiB";
      assertThat(
              new String(
                  writer.getInputStream().readNBytes(prompt.length()), StandardCharsets.UTF_8))
          .isEqualTo(prompt);
      String inUse =
          image + ": cannot open: it is in use by qemu-io (process " + writer.pid() + ")";
      assertThatThrownBy(() -> Qcow2Image.open(image, false))
          .hasMessage(inUse)
          .extracting("kind")
          .isEqualTo(Kind.IN_USE);
      assertThatThrownBy(() -> Qcow2Image.open(image, true)).hasMessage(inUse);
      assertThatThrownBy(() -> Qcow2Image.open(qemu.path("base"), false))
          .hasMessageContaining("in use by qemu-io");
      Qcow2Image.open(qemu.path("base"), true).close();
      Qcow2Image.open(image, Access.READ_UNLOCKED).close();
    } finally {
      writer.destroy();
      writer.waitFor();
    }
    Qcow2Image.open(image, false).close();
  }

  @Test
  void lodgeDoesNotOpenWhatLodgeWrites() throws Exception {
    try (Qcow2Image _ = Qcow2Image.open(image, false)) {
      assertThatThrownBy(() -> Qcow2Image.open(image, true))
          .hasMessage(image + ": cannot open: it is in use by this process");
      assertThatThrownBy(() -> Qcow2Image.check(image, Repair.LEAKS))
          .hasMessageEndingWith("in use by this process");
    }
    try (Qcow2Image _ = Qcow2Image.open(image, true);
        Qcow2Image _ = Qcow2Image.open(image, true)) {
      assertThatThrownBy(() -> Qcow2Image.open(image, false))
          .hasMessageEndingWith("in use by this process");
    }
    RawImage.create(qemu.path("raw"), 512);
    try (RawImage _ = RawImage.open(qemu.path("raw"), false)) {
      assertThat(qemu.run("qemu-io -f raw -c 'write 0 512' raw").status()).isNotZero();
    }
  }
}
