package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Data moves between images and what is behind them, with QEMU's tools as witnesses. */
class CommitTest {
  private static final int SIZE = 2 << 20;

  @TempDir Path folder;
  private Qemu qemu;
  private byte[] shown;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @BeforeEach
  void enter() {
    qemu = new Qemu(folder);
  }

  /** An image with data, zeroes and a part that shows through, in front of a shorter one. */
  private void chain(String format, int clusterSize, String compat) throws Exception {
    shown = new byte[SIZE];
    qemu.ok("qemu-img create -q -f %s base 1M".formatted(format));
    qemu.ok("qemu-io -f %s -c 'write -P 1 0 1M' base".formatted(format));
    Arrays.fill(shown, 0, 1 << 20, (byte) 1);
    qemu.ok(
        "qemu-img create -q -f qcow2 -o cluster_size=%d,compat=%s -b base -F %s top 2M"
            .formatted(clusterSize, compat, format));
    qemu.io("top", "write -P 2 300000 200704", "write -z 512k 128k", "write -P 3 1900k 512");
    Arrays.fill(shown, 300_000, 500_704, (byte) 2);
    Arrays.fill(shown, 512 << 10, 640 << 10, (byte) 0);
    Arrays.fill(shown, 1900 << 10, (1900 << 10) + 512, (byte) 3);
    qemu.assertContent("top", shown);
  }

  @ParameterizedTest
  @CsvSource({"raw, 65536, 1.1", "qcow2, 512, 1.1", "qcow2, 4096, 0.10"})
  void whatWasCommittedIsBehindAndTheImageIsEmpty(String format, int clusterSize, String compat)
      throws Exception {
    chain(format, clusterSize, compat);
    Qcow2Image.commit(qemu.path("top"), true);
    qemu.assertSound("top");
    qemu.assertContent("top", shown);
    assertThat(qemu.ok("qemu-img map --output=json top")).doesNotContain("\"depth\": 0");
    Files.write(qemu.path("model"), shown);
    qemu.ok("qemu-img compare -f raw -F %s model base".formatted(format));
    try (Qcow2Image image = Qcow2Image.open(qemu.path("top"), false)) {
      image.write(7, ByteBuffer.wrap(new byte[] {9}));
    }
    shown[7] = 9;
    qemu.assertContent("top", shown);
    Qcow2Image.commit(qemu.path("top"), false);
    assertThat(qemu.ok("qemu-img map --output=json top")).contains("\"depth\": 0");
    qemu.assertContent("top", shown);
  }

  @Test
  void anImageWithNothingBehindIsNotCommitted() throws Exception {
    qemu.ok("qemu-img create -q -f qcow2 alone 1M");
    assertThatThrownBy(() -> Qcow2Image.commit(qemu.path("alone"), true))
        .hasMessage(qemu.path("alone") + ": cannot commit: nothing is behind it");
  }

  @ParameterizedTest
  @CsvSource({"raw, 65536, 1.1", "qcow2, 512, 1.1", "qcow2, 4096, 0.10"})
  void anImageShowsTheSameInFrontOfAnother(String format, int clusterSize, String compat)
      throws Exception {
    chain(format, clusterSize, compat);
    qemu.ok("qemu-img create -q -f qcow2 other-with-a-longer-name 3M");
    qemu.io("other-with-a-longer-name", "write -P 1 0 100k", "write -P 5 200k 2M");
    Qcow2Image.rebase(qemu.path("top"), "other-with-a-longer-name", ImageFormat.QCOW2);
    assertThat(qemu.ok("qemu-img info top")).contains("backing file: other-with-a-longer-name");
    qemu.assertSound("top");
    qemu.assertContent("top", shown);
    Qcow2Image.rebase(qemu.path("top"), null, null);
    assertThat(qemu.ok("qemu-img info top")).doesNotContain("backing file");
    qemu.assertSound("top");
    qemu.assertContent("top", shown);
  }

  @Test
  void aRenamedImageBehindIsNamedWithoutLookingAtIt() throws Exception {
    chain("qcow2", 65536, "1.1");
    Files.move(qemu.path("base"), qemu.path("moved"));
    assertThatThrownBy(() -> Qcow2Image.open(qemu.path("top"), true))
        .isInstanceOf(DiskException.class);
    Qcow2Image.nameBacking(qemu.path("top"), "moved", ImageFormat.QCOW2);
    qemu.assertSound("top");
    qemu.assertContent("top", shown);
    qemu.ok("qemu-img rebase -u -f qcow2 -b base -F qcow2 top");
    Files.move(qemu.path("moved"), qemu.path("base"));
    qemu.assertContent("top", shown);
  }
}
