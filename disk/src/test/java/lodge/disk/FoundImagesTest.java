package lodge.disk;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that once were not only read or refused. */
class FoundImagesTest {
  private static final int QCOW2_CLUSTER = 512;

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  private void isReadOrRefused(ImageFormat format, byte[] file) throws IOException {
    byte[] runs = FileRuns.of(file);
    HostileImage.fuzzerInitialize(new String[] {format.label(), folder.toString()});
    HostileImage.fuzzerTestOneInput(ByteBuffer.allocate(1 + runs.length).put(1, runs).array());
  }

  private void isReadOrRefused(String vmdk) throws IOException {
    String text = "# Disk DescriptorFile\n" + vmdk;
    isReadOrRefused(ImageFormat.VMDK, text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void vmdkWithASettingOfManySpaces() throws Exception {
    isReadOrRefused("createType=" + " ".repeat(60_000) + "\"\"x\n");
  }

  @Test
  void vmdkWithAnExtentOfAnotherSize() throws Exception {
    isReadOrRefused("RW 16 SPARSE \"extent\"\n");
    Tool.assumeQemu();
    Tool.ok("qemu-img", "create", "-f", "vmdk", folder.resolve("extent").toString(), "1M");
    isReadOrRefused("RW 16 SPARSE \"extent\"\n");
  }

  @Test
  void vmdkWithAnEmptyExtent() throws Exception {
    Files.write(folder.resolve("extent"), new byte[512]);
    isReadOrRefused("RW 0 FLAT \"extent\" 0\nRW 1 FLAT \"extent\" 0\n");
  }

  @Test
  void vmdkWithMoreThanAnyDiskHas() throws Exception {
    Files.write(folder.resolve("extent"), new byte[512]);
    isReadOrRefused("RW 999999999999999 FLAT \"extent\" 0\n".repeat(20));
  }

  @Test
  void qcow2WithABackingFilesNameOfTwoLines() throws Exception {
    byte[] name = "a\nb".getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(3 * QCOW2_CLUSTER);
    file.putInt(ImageFormat.QCOW_MAGIC).putInt(2).putLong(QCOW2_CLUSTER - name.length);
    file.putInt(name.length).putInt(9).putLong(QCOW2_CLUSTER).putInt(0).putInt(1);
    file.putLong(QCOW2_CLUSTER).putLong(2 * QCOW2_CLUSTER).putInt(1);
    file.position(72)
        .putInt(Qcow2Header.BACKING_FORMAT_EXTENSION)
        .putInt(3)
        .put("raw".getBytes(StandardCharsets.UTF_8));
    file.put(QCOW2_CLUSTER - name.length, name);
    isReadOrRefused(ImageFormat.QCOW2, file.array());
    assertThatThrownBy(() -> Qcow2Image.open(folder.resolve("disk"), true))
        .hasMessageContaining("/ab' cannot be found");
  }
}
