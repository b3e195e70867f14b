package lodge.devices.ide;

import static lodge.devices.ide.IdeHost.BUSY;
import static lodge.devices.ide.IdeHost.CONTROL;
import static lodge.devices.ide.IdeHost.COUNT;
import static lodge.devices.ide.IdeHost.DEVICE;
import static lodge.devices.ide.IdeHost.DRQ;
import static lodge.devices.ide.IdeHost.FAILED;
import static lodge.devices.ide.IdeHost.FEATURES;
import static lodge.devices.ide.IdeHost.HIGH;
import static lodge.devices.ide.IdeHost.LOW;
import static lodge.devices.ide.IdeHost.MID;
import static lodge.devices.ide.IdeHost.PORT;
import static lodge.devices.ide.IdeHost.READY;
import static lodge.devices.ide.IdeHost.STATUS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The task file of a hard disk, and what it does without DMA. */
class AtaDiskTest {
  private static final int SECTORS = 16 * 63 * 5 + 7;
  private static final int ABRT = 4;
  private static final int IDNF = 0x10;
  private static final int UNC = 0x40;

  private final IdeHost host = new IdeHost();
  private final MemoryDisk disk = new MemoryDisk(512 * SECTORS);

  AtaDiskTest() {
    host.channel.disk(0, disk, "LD0001");
  }

  @AfterEach
  void close() {
    host.close();
  }

  private static byte[] pattern(int sectors) {
    byte[] data = new byte[512 * sectors];
    new Random(5).nextBytes(data);
    return data;
  }

  private short[] identify() {
    host.command(0xEC);
    assertThat(host.status(1)).isEqualTo(DRQ);
    byte[] bytes = host.readData(512);
    assertThat(host.status(0)).isEqualTo(READY);
    int sum = 0;
    for (byte b : bytes) {
      sum += b;
    }
    assertThat(sum & 0xFF).as("checksum").isZero();
    short[] words = new short[256];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(words);
    return words;
  }

  private static String text(short[] words, int from, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * count);
    for (int i = 0; i < count; i++) {
      bytes.putShort(words[from + i]);
    }
    return new String(bytes.array(), StandardCharsets.US_ASCII).strip();
  }

  private void refuses(int error) {
    assertThat(host.status(1)).isEqualTo(FAILED);
    assertThat(host.in(FEATURES)).isEqualTo(error);
  }

  @Test
  void isThereAfterPowerOn() {
    assertThat(host.alternate()).isEqualTo(READY);
    assertThat(host.in(FEATURES)).as("diagnostic passed").isEqualTo(1);
    assertThat(host.in(COUNT)).isEqualTo(1);
    assertThat(host.in(LOW)).isEqualTo(1);
    assertThat(host.in(MID)).isZero();
    assertThat(host.in(HIGH)).isZero();
  }

  @Test
  void whereNoDriveIsEverythingIsZero() {
    host.select(1);
    host.out(COUNT, 0x55);
    assertThat(host.in(COUNT)).isZero();
    assertThat(host.in(STATUS)).isZero();
    assertThat(host.alternate()).isZero();
    assertThat(host.ports.read(PORT, 2)).isZero();
    host.command(0xEC);
    assertThat(host.status(0)).isZero();
    host.select(0);
    assertThat(host.in(COUNT)).as("seen by the drive that is there").isEqualTo(0x55);
  }

  @Test
  void describesItself() {
    short[] words = identify();
    assertThat(text(words, 10, 10)).isEqualTo("LD0001");
    assertThat(text(words, 27, 20)).isEqualTo("LODGE HARDDISK");
    assertThat(words[1]).as("cylinders").isEqualTo((short) 5);
    assertThat(words[3]).as("heads").isEqualTo((short) 16);
    assertThat(words[6]).as("sectors").isEqualTo((short) 63);
    assertThat(words[60] & 0xFFFF).as("28-bit capacity").isEqualTo(SECTORS);
    assertThat(words[100] & 0xFFFF).as("48-bit capacity").isEqualTo(SECTORS);
    assertThat(words[49] & 0x300).as("LBA and DMA").isEqualTo(0x300);
    assertThat(words[88]).as("UDMA 5").isEqualTo((short) 0x203F);
    assertThat(words[59]).as("multiple").isEqualTo((short) 0x110);
  }

  @Test
  void readsSectorsOneByOne() {
    host.command(0x20, 3, 4);
    assertThat(host.alternate()).isEqualTo(0xC0);
    assertThat(host.readSectors(4, 1)).isEqualTo(disk.part(3 * 512, 4 * 512));
  }

  @Test
  void readsWithA48BitAddress() {
    host.extended(0x24, SECTORS - 300, 300);
    assertThat(host.readSectors(300, 1)).isEqualTo(disk.part((SECTORS - 300) * 512, 300 * 512));
  }

  @Test
  void aCountOfZeroIsTheMost() {
    host.command(0x20, 0, 0);
    assertThat(host.readSectors(256, 1)).isEqualTo(disk.part(0, 256 * 512));
  }

  @Test
  void readsByCylinderHeadAndSector() {
    host.out(COUNT, 1);
    host.out(LOW, 7);
    host.out(MID, 2);
    host.out(HIGH, 0);
    host.out(DEVICE, 0xA0 | 3);
    host.command(0x20);
    int lba = (2 * 16 + 3) * 63 + 6;
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(512 * lba, 512));
    host.out(LOW, 0);
    host.command(0x20);
    refuses(IDNF);
    host.out(COUNT, 10);
    host.out(DEVICE, 0xA0 | 1);
    host.command(0x91);
    assertThat(host.status(1)).isEqualTo(READY);
    short[] words = identify();
    assertThat(words[55]).as("current heads").isEqualTo((short) 2);
    assertThat(words[56]).as("current sectors").isEqualTo((short) 10);
    host.out(COUNT, 1);
    host.out(LOW, 10);
    host.out(MID, 3);
    host.out(HIGH, 0);
    host.out(DEVICE, 0xA0 | 1);
    host.command(0x20);
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(512 * ((3 * 2 + 1) * 10 + 9), 512));
  }

  @Test
  void writesSectors() {
    host.command(0x30, 9, 3);
    host.writeSectors(pattern(3), 1);
    assertThat(disk.part(9 * 512, 3 * 512)).isEqualTo(pattern(3));
    host.extended(0x34, 20, 2);
    host.writeSectors(pattern(2), 1);
    assertThat(disk.part(20 * 512, 2 * 512)).isEqualTo(pattern(2));
    assertThat(disk.calls).doesNotContain("flush 0 0");
  }

  @Test
  void movesSeveralSectorsABlock() {
    host.command(0xC6, 0, 8);
    assertThat(host.status(1)).isEqualTo(READY);
    host.command(0xC4, 5, 20);
    assertThat(host.readSectors(20, 8)).isEqualTo(disk.part(5 * 512, 20 * 512));
    host.command(0xC5, 100, 11);
    host.writeSectors(pattern(11), 8);
    assertThat(disk.part(100 * 512, 11 * 512)).isEqualTo(pattern(11));
    host.extended(0x29, 100, 11);
    assertThat(host.readSectors(11, 8)).isEqualTo(pattern(11));
    host.extended(0xCE, 200, 3);
    host.writeSectors(pattern(3), 8);
    assertThat(disk.calls).as("forced unit access").endsWith("write 102400 1536", "flush 0 0");
  }

  @Test
  void onlySomeBlockSizesAreThere() {
    host.command(0xC6, 0, 3);
    refuses(ABRT);
    host.command(0xC6, 0, 32);
    refuses(ABRT);
    host.command(0xC6, 0, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    host.command(0xC4, 5, 2);
    refuses(ABRT);
  }

  @Test
  void theDataRegisterTakes32Bits() {
    host.command(0x20, 0, 1);
    assertThat(host.status(1)).isEqualTo(DRQ);
    ByteBuffer data = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      data.putInt(host.ports.read(PORT, 4));
    }
    assertThat(data.array()).isEqualTo(disk.part(0, 512));
    host.command(0x30, 1, 1);
    for (int i = 0; i < 512; i += 4) {
      host.ports.write(PORT, 4, data.getInt(i));
    }
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.part(512, 512)).isEqualTo(data.array());
    assertThat(host.ports.read(PORT, 4)).as("nothing is there").isZero();
  }

  @Test
  void whatLiesBehindTheEndIsNotFound() {
    host.command(0x20, SECTORS, 1);
    refuses(IDNF);
    host.command(0x30, SECTORS - 1, 2);
    refuses(IDNF);
    host.extended(0x24, 0xFFFF_FFFF_FFFFL, 0);
    refuses(IDNF);
    host.command(0x40, SECTORS - 1, 2);
    refuses(IDNF);
    host.command(0x40, SECTORS - 1, 1);
    assertThat(host.status(1)).isEqualTo(READY);
    host.extended(0x42, 0, SECTORS);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.calls).isEmpty();
  }

  @Test
  void aBadSectorIsTold() {
    disk.badAt = 512 * 6 + 100;
    host.command(0x20, 5, 3);
    assertThat(host.status(1)).isEqualTo(DRQ);
    host.readData(512);
    refuses(UNC);
    assertThat(host.in(LOW)).as("where").isEqualTo(6);
    host.command(0x30, 6, 1);
    assertThat(host.status(0)).isEqualTo(DRQ);
    host.writeData(pattern(1));
    refuses(ABRT);
    disk.badAt = 0;
    host.command(0xE7);
    refuses(ABRT);
    disk.badAt = -1;
    host.command(0xEA);
    assertThat(host.status(1)).isEqualTo(READY);
  }

  @Test
  void aDiskWithoutWriteCacheSaysSoAfterEachReset() {
    disk.writeCache = false;
    host.channel.reset();
    assertThat(identify()[82] & 0x20).as("it could have one").isEqualTo(0x20);
    assertThat(identify()[85] & 0x20).isZero();
    host.command(0x30, 1, 1);
    host.writeSectors(pattern(1), 1);
    assertThat(disk.calls).containsExactly("write 512 512", "flush 0 0");
  }

  @Test
  void aBackendThatIsOutOfMemoryIsAnErrorLikeOthers() {
    disk.onAccess =
        () -> {
          throw new OutOfMemoryError("as a test wants it");
        };
    host.command(0x20, 5, 1);
    refuses(UNC);
    host.command(0xE7);
    refuses(ABRT);
    disk.onAccess = () -> {};
    host.command(0x20, 5, 1);
    assertThat(host.status(1)).isEqualTo(DRQ);
  }

  @Test
  void flushesWhenAskedOrAlwaysWithoutWriteCache() {
    host.command(0xE7);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.calls).containsExactly("flush 0 0");
    host.features(0xEF, 0x82, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(identify()[85] & 0x20).isZero();
    disk.calls.clear();
    host.command(0x30, 1, 2);
    host.writeSectors(pattern(2), 1);
    assertThat(disk.calls).containsExactly("write 512 512", "write 1024 512", "flush 0 0");
    host.features(0xEF, 0x02, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(identify()[85] & 0x20).isEqualTo(0x20);
  }

  @Test
  void setsTransferModes() {
    host.features(0xEF, 3, 0x22);
    assertThat(host.status(1)).isEqualTo(READY);
    short[] words = identify();
    assertThat(words[63]).isEqualTo((short) 0x407);
    assertThat(words[88]).isEqualTo((short) 0x3F);
    host.features(0xEF, 3, 0x0C);
    assertThat(host.status(1)).isEqualTo(READY);
    for (int unknown : new int[] {0x02, 0x0D, 0x23, 0x46, 0xFF}) {
      host.features(0xEF, 3, unknown);
      refuses(ABRT);
    }
    host.features(0xEF, 0x99, 0);
    refuses(ABRT);
  }

  @Test
  void tellsItsNativeMaximum() {
    host.command(0xF8, 0, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(LOW) | host.in(MID) << 8 | host.in(HIGH) << 16).isEqualTo(SECTORS - 1);
    host.extended(0x27, -1, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(LOW) | host.in(MID) << 8 | host.in(HIGH) << 16).isEqualTo(SECTORS - 1);
    host.out(CONTROL, 0x80);
    assertThat(host.in(LOW) | host.in(MID) | host.in(HIGH)).as("upper half").isZero();
  }

  @Test
  void remembersTheFormerValuesOfRegisters() {
    host.out(LOW, 0x12);
    host.out(LOW, 0x34);
    assertThat(host.in(LOW)).isEqualTo(0x34);
    host.out(CONTROL, 0x80);
    assertThat(host.in(LOW)).isEqualTo(0x12);
    host.out(COUNT, 1);
    assertThat(host.in(LOW)).as("a write to a register ends it").isEqualTo(0x34);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x10, 0x70, 0x94, 0x95, 0x96, 0x97, 0x99, 0xE0, 0xE1, 0xE2, 0xE3, 0xE6})
  void someCommandsHaveNothingToDo(int command) {
    host.command(command);
    assertThat(host.status(1)).isEqualTo(READY);
  }

  @Test
  void isAlwaysActive() {
    host.command(0xE5);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(COUNT)).isEqualTo(0xFF);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x00, 0x01, 0x08, 0xA0, 0xA1, 0xF1, 0xFF})
  void whatItDoesNotKnowIsAborted(int command) {
    host.command(command);
    refuses(ABRT);
  }

  @Test
  void tellsThatItIsWell() {
    host.out(MID, 0x4F);
    host.out(HIGH, 0xC2);
    host.features(0xB0, 0xDA, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(MID) | host.in(HIGH) << 8).isEqualTo(0xC24F);
    for (int reading : new int[] {0xD0, 0xD1, 0xD5}) {
      host.out(LOW, 1);
      host.features(0xB0, reading, 1);
      assertThat(host.status(1)).isEqualTo(DRQ);
      int sum = 0;
      for (byte b : host.readData(512)) {
        sum += b;
      }
      assertThat(sum & 0xFF).as("checksum").isZero();
      assertThat(host.status(0)).isEqualTo(READY);
    }
    host.features(0xB0, 0xD9, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    host.features(0xB0, 0xD0, 0);
    refuses(ABRT);
    host.features(0xB0, 0xD8, 0);
    assertThat(host.status(1)).isEqualTo(READY);
    host.out(LOW, 0x80);
    host.features(0xB0, 0xD5, 1);
    refuses(ABRT);
    host.out(HIGH, 0);
    host.features(0xB0, 0xD0, 0);
    refuses(ABRT);
  }

  @Test
  void theInterruptEndsWithTheStatus() {
    host.command(0xE5);
    assertThat(host.line).isTrue();
    host.alternate();
    assertThat(host.line).isTrue();
    host.in(STATUS);
    assertThat(host.line).isFalse();
    host.out(CONTROL, 2);
    host.command(0xE5);
    assertThat(host.line).as("disabled").isFalse();
    host.out(CONTROL, 0);
    assertThat(host.line).as("pending").isTrue();
    host.select(1);
    assertThat(host.line).as("only the selected drive is heard").isFalse();
    host.select(0);
    host.command(0xE5);
    assertThat(host.line).isTrue();
  }

  @Test
  void whileBusyOnlyTheStatusIsThere() {
    host.command(0x20, 3, 1);
    host.out(LOW, 99);
    host.command(0xEC);
    assertThat(host.alternate() & BUSY).isEqualTo(BUSY);
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(3 * 512, 512));
    assertThat(host.in(LOW)).isEqualTo(3);
  }

  @Test
  void aDiagnosticTellsOfBothDrives() {
    host.channel.disk(1, new MemoryDisk(4096), "LD0002");
    host.select(1);
    host.out(LOW, 9);
    host.command(0x90);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(FEATURES)).isEqualTo(1);
    assertThat(host.in(DEVICE) & 0x10).as("the first one is selected").isZero();
    assertThat(host.in(LOW)).isEqualTo(1);
    host.select(1);
    assertThat(host.in(FEATURES)).isEqualTo(1);
    assertThat(host.in(LOW)).isEqualTo(1);
  }

  @Test
  void twoDrivesAreTwoDrives() {
    MemoryDisk other = new MemoryDisk(8192);
    host.channel.disk(1, other, "LD0002");
    host.select(1);
    assertThat(text(identify(), 10, 10)).isEqualTo("LD0002");
    host.command(0x20, 2, 1);
    assertThat(host.readSectors(1, 1)).isEqualTo(other.part(1024, 512));
    host.select(0);
    host.command(0x20, 2, 1);
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(1024, 512));
    assertThatThrownBy(() -> host.channel.disk(1, other, ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aDiskThatCannotBeWrittenIsNone() {
    MemoryDisk other = new MemoryDisk(8192);
    other.readOnly = true;
    assertThatThrownBy(() -> host.channel.disk(1, other, ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("read-only");
  }
}
