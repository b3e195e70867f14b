package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FwCfgTest {
  private final FwCfg config = new FwCfg();

  private byte[] item(int key, int length) {
    config.write(0, 2, key);
    byte[] content = new byte[length];
    for (int i = 0; i < length; i++) {
      content[i] = (byte) config.read(1, 1);
    }
    return content;
  }

  @Test
  void theSignatureIsQemuAndOnlyThePortsAreThere() {
    assertThat(item(FwCfg.SIGNATURE, 4)).asString().isEqualTo("QEMU");
    assertThat(item(FwCfg.ID, 4)).containsExactly(1, 0, 0, 0);
  }

  @Test
  void numbersAreLittleEndianAndBehindTheEndAreZeros() {
    config.add16(FwCfg.NB_CPUS, 0x203);
    config.add64(FwCfg.RAM_SIZE, 0x1_2345_6789L);
    assertThat(item(FwCfg.NB_CPUS, 4)).containsExactly(3, 2, 0, 0);
    assertThat(item(FwCfg.RAM_SIZE, 8))
        .containsExactly(0x89, 0x67, 0x45, 0x23, 0x01, 0x00, 0x00, 0x00);
  }

  @Test
  void selectingGoesBackToTheStartAndBothPortsRead() {
    assertThat(item(FwCfg.SIGNATURE, 2)).asString().isEqualTo("QE");
    assertThat((char) config.read(0, 1)).isEqualTo('M');
    assertThat(item(FwCfg.SIGNATURE, 1)).asString().isEqualTo("Q");
  }

  @Test
  void itemsThatNobodyAddedAreEmpty() {
    assertThat(item(0x7777, 3)).containsOnly(0);
  }

  @Test
  void whatIsNoSelectionIsIgnored() {
    item(FwCfg.SIGNATURE, 1);
    config.write(0, 1, 5);
    config.write(1, 1, 'x');
    config.write(1, 2, 5);
    config.write(0, 4, 5);
    assertThat((char) config.read(1, 1)).isEqualTo('E');
    assertThat(config.read(0, 2)).isEqualTo(-1);
  }

  @Test
  void theDirectoryListsFilesByName() {
    assertThat(item(FwCfg.FILE_DIR, 5)).containsOnly(0);
    config.addFile("opt/second", new byte[] {7, 8, 9});
    config.addFile("etc/first", new byte[300]);
    byte[] directory = item(FwCfg.FILE_DIR, 4 + 2 * 64);
    assertThat(directory).startsWith(0, 0, 0, 2, 0, 0, 1, 44, 0, 0x20, 0, 0);
    assertThat(new String(directory, 12, 56, StandardCharsets.US_ASCII).strip())
        .startsWith("etc/first\0");
    assertThat(directory[4 + 64 + 3]).isEqualTo((byte) 3);
    assertThat(directory[4 + 64 + 5]).isEqualTo((byte) 0x21);
    assertThat(item(0x21, 4)).containsExactly(7, 8, 9, 0);
    assertThatThrownBy(() -> config.addFile("etc/first", new byte[1]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> config.addFile("x".repeat(56), new byte[1]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void itsStateIsThePlaceWhereAGuestReads() {
    item(FwCfg.SIGNATURE, 3);
    assertThat(Fuzz.roundTrip(config)).isEqualTo(new FwCfg.State(FwCfg.SIGNATURE, 3));
    assertThat((char) config.read(1, 1)).isEqualTo('U');
    assertThatThrownBy(() -> config.restore(new FwCfg.State(0, -1)))
        .isInstanceOf(IllegalArgumentException.class);
    Fuzz.hammer(21, null, config);
    Fuzz.roundTrip(config);
  }
}
