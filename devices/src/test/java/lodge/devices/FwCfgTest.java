package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import lodge.core.GuestMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FwCfgTest {
  private static final long COMMAND = 0x1000;
  private static final long TARGET = 0x2000;
  private static final int READ = 2;
  private static final int SKIP = 4;
  private static final int SELECT = 8;
  private static final int WRITE = 16;

  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final FwCfg config = new FwCfg(memory);

  @AfterEach
  void close() {
    memory.close();
  }

  private byte[] item(int key, int length) {
    config.write(0, 2, key);
    byte[] content = new byte[length];
    for (int i = 0; i < length; i++) {
      content[i] = (byte) config.read(1, 1);
    }
    return content;
  }

  @Test
  void theSignatureIsQemuAndThereIsDma() {
    assertThat(item(FwCfg.SIGNATURE, 4)).asString().isEqualTo("QEMU");
    assertThat(item(FwCfg.ID, 4)).containsExactly(3, 0, 0, 0);
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
    assertThat(Fuzz.roundTrip(config)).isEqualTo(new FwCfg.State(FwCfg.SIGNATURE, 3, 0));
    assertThat((char) config.read(1, 1)).isEqualTo('U');
    assertThatThrownBy(() -> config.restore(new FwCfg.State(0, -1, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    Fuzz.hammer(21, null, config, config.dma());
    Fuzz.roundTrip(config);
  }

  /** Carries out a DMA command; gives what it leaves in its control field. */
  private int dma(int control, int length, long address) {
    memory.putInt(COMMAND, Integer.reverseBytes(control));
    memory.putInt(COMMAND + 4, Integer.reverseBytes(length));
    memory.putLong(COMMAND + 8, Long.reverseBytes(address));
    config.dma().write(0, 4, 0);
    config.dma().write(4, 4, Integer.reverseBytes((int) COMMAND));
    return Integer.reverseBytes(memory.getInt(COMMAND));
  }

  private String target(int length) {
    byte[] bytes = new byte[length];
    memory.get(TARGET, bytes, 0, length);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  @Test
  void theDmaPortsReadAsQemuCfg() {
    assertThat((int) config.dma().read(0, 4)).isEqualTo(0x554D_4551);
    assertThat((int) config.dma().read(4, 4)).isEqualTo(0x4746_4320);
    assertThat((char) (config.dma().read(7, 1) & 0xFF)).isEqualTo('G');
  }

  @Test
  void dmaSelectsSkipsAndReads() {
    memory.fill(TARGET, 16, (byte) 'x');
    assertThat(dma(FwCfg.SIGNATURE << 16 | SELECT | READ, 2, TARGET)).isZero();
    assertThat(target(3)).isEqualTo("QEx");
    assertThat(dma(READ, 4, TARGET)).isZero();
    assertThat(target(5)).as("behind the end are zeros").isEqualTo("MU\0\0x");
    assertThat(dma(FwCfg.SIGNATURE << 16 | SELECT | SKIP, 3, 0)).isZero();
    assertThat(dma(READ, 1, TARGET)).isZero();
    assertThat(target(1)).isEqualTo("U");
    assertThat(item(FwCfg.SIGNATURE, 1))
        .as("the ports share the selection")
        .asString()
        .isEqualTo("Q");
  }

  @Test
  void dmaThatCannotBeDoneIsAnError() {
    assertThat(dma(SELECT | WRITE, 1, TARGET)).isEqualTo(1);
    assertThat(dma(SELECT | READ, 0x20, (1 << 20) - 0x10)).isEqualTo(1);
    assertThat(dma(SELECT | READ, -1, TARGET)).isEqualTo(1);
    assertThat(dma(SELECT | READ, 4, -1)).isEqualTo(1);
    assertThat(dma(SKIP, -1, 0)).isZero();
    assertThat(dma(SKIP, -1, 0)).isZero();
    assertThat(dma(READ, 1, TARGET)).isZero();
    assertThat(target(1)).isEqualTo("\0");
  }

  @Test
  void aCommandOutsideOfRamIsIgnored() {
    config.dma().write(0, 4, Integer.reverseBytes(0x7FFF_FFFF));
    config.dma().write(4, 4, -1);
    config.dma().write(0, 4, -1);
    config.dma().write(4, 4, -1);
    assertThat(config.state().dmaAddressHigh()).isZero();
  }
}
