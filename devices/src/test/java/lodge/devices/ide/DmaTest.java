package lodge.devices.ide;

import static lodge.devices.ide.IdeHost.ACTIVE;
import static lodge.devices.ide.IdeHost.BUS_MASTER;
import static lodge.devices.ide.IdeHost.DATA;
import static lodge.devices.ide.IdeHost.DRQ;
import static lodge.devices.ide.IdeHost.ERROR;
import static lodge.devices.ide.IdeHost.FAILED;
import static lodge.devices.ide.IdeHost.INTERRUPT;
import static lodge.devices.ide.IdeHost.READY;
import static lodge.devices.ide.IdeHost.TABLE;
import static lodge.devices.ide.IdeHost.TO_MEMORY;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A hard disk and the bus master, whose tables may be anything. */
class DmaTest {
  private static final int SECTORS = 4096;
  private static final int TO_DISK = 0;

  private final IdeHost host = new IdeHost();
  private final MemoryDisk disk = new MemoryDisk(512 * SECTORS);

  DmaTest() {
    host.channel.disk(0, disk, "LD0001");
  }

  @AfterEach
  void close() {
    host.close();
  }

  private byte[] fill(int gpa, int length) {
    byte[] data = new byte[length];
    new Random(length).nextBytes(data);
    host.memory.put(gpa, data, 0, length);
    return data;
  }

  @Test
  void readsIntoScatteredMemory() {
    host.regions(DATA, 0x600, DATA + 0x5000, 0x200, DATA + 0x2000, 0x1800);
    host.command(0xC8, 7, 16);
    assertThat(host.alternate()).as("it waits for the bus master").isEqualTo(DRQ);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.busMasterStatus()).isEqualTo(ACTIVE);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.busMasterStatus()).isEqualTo(INTERRUPT);
    assertThat(host.memory(DATA, 0x600)).isEqualTo(disk.part(7 * 512, 0x600));
    assertThat(host.memory(DATA + 0x5000, 0x200)).isEqualTo(disk.part(7 * 512 + 0x600, 0x200));
    assertThat(host.memory(DATA + 0x2000, 0x1800)).isEqualTo(disk.part(7 * 512 + 0x800, 0x1800));
  }

  @Test
  void theBusMasterMayBeStartedFirst() {
    host.regions(DATA, 512);
    host.startBusMaster(TO_MEMORY);
    host.command(0xC8, 1, 1);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.memory(DATA, 512)).isEqualTo(disk.part(512, 512));
  }

  @Test
  void writesFromScatteredMemory() {
    byte[] first = fill(DATA, 0x400);
    byte[] second = fill(DATA + 0x3002, 0x600);
    host.regions(DATA, 0x400, DATA + 0x3002, 0x600);
    host.command(0xCA, 11, 5);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.part(11 * 512, 0x400)).isEqualTo(first);
    assertThat(disk.part(11 * 512 + 0x400, 0x600)).isEqualTo(second);
    host.extended(0x3D, 11, 5);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.calls).as("forced unit access").endsWith("flush 0 0");
  }

  @Test
  void longTransfersGoInParts() {
    int[] regions = new int[2 * 32];
    for (int i = 0; i < 32; i++) {
      regions[2 * i] = DATA + 0x1_0000 * i;
      regions[2 * i + 1] = 0; // 64 KiB
    }
    host.regions(regions);
    host.extended(0x25, 0, SECTORS);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.busMasterStatus()).isEqualTo(INTERRUPT);
    assertThat(host.memory(DATA, 512 * SECTORS)).isEqualTo(disk.bytes);
    byte[] data = fill(DATA, 512 * SECTORS);
    host.extended(0x35, 0, SECTORS);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.bytes).isEqualTo(data);
  }

  @Test
  void aTableThatIsTooLongLeavesTheBusMasterActive() {
    host.regions(DATA, 0x400);
    host.command(0xC8, 1, 1);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.busMasterStatus()).isEqualTo(ACTIVE | INTERRUPT);
    host.out(BUS_MASTER, 0);
    assertThat(host.busMasterStatus()).isEqualTo(INTERRUPT);
    host.out(BUS_MASTER + 2, INTERRUPT);
    assertThat(host.busMasterStatus()).isZero();
  }

  @Test
  void aTableThatIsTooShortLeavesTheDriveWaiting() {
    host.regions(DATA, 0x302);
    host.command(0xC8, 1, 4);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(0)).isEqualTo(DRQ);
    assertThat(host.busMasterStatus()).isZero();
    host.regions(DATA + 0x302, 0x800 - 0x302);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.memory(DATA, 0x800)).isEqualTo(disk.part(512, 0x800));
    byte[] data = fill(DATA, 0x800);
    host.regions(DATA, 0x302);
    host.command(0xCA, 1, 4);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(0)).isEqualTo(DRQ);
    host.regions(DATA + 0x302, 0x800 - 0x302);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.part(512, 0x800)).isEqualTo(data);
  }

  @Test
  void whatIsNotMemoryIsAnError() {
    int[][] hostile = {
      {0xA_0000, 512}, {0xFFFF_FFFE, 512}, {16 << 20, 512}, {(16 << 20) - 256, 512}, {0x9_FF00, 0}
    };
    for (int[] regions : hostile) {
      host.regions(regions);
      host.command(0xC8, 1, 1);
      host.startBusMaster(TO_MEMORY);
      assertThat(host.status(0)).isEqualTo(DRQ);
      assertThat(host.busMasterStatus()).isEqualTo(ERROR);
      softReset();
    }
    for (int table : new int[] {0xA_0000, -4, 16 << 20}) {
      host.ports.write(BUS_MASTER + 4, 4, table);
      host.command(0xC8, 1, 1);
      host.startBusMaster(TO_MEMORY);
      assertThat(host.status(0)).isEqualTo(DRQ);
      assertThat(host.busMasterStatus()).isEqualTo(ERROR);
      softReset();
    }
    host.regions(DATA, 512);
    host.command(0xC8, 1, 1);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).as("it works again").isEqualTo(READY);
  }

  private void softReset() {
    host.out(IdeHost.CONTROL, 4);
    host.out(IdeHost.CONTROL, 0);
    assertThat(host.status(0)).isEqualTo(READY);
  }

  @Test
  void aTableWithoutAnEndEnds() {
    for (int at = TABLE; at < TABLE + 0x2_0000; at += 8) {
      host.memory.putInt(at, DATA);
      host.memory.putInt(at + 4, 2);
    }
    int table = 0xF000; // up to the next multiple of 64 KiB
    host.ports.write(BUS_MASTER + 4, 4, table);
    host.extended(0x25, 0, SECTORS);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(0)).isEqualTo(DRQ);
    assertThat(host.busMasterStatus()).isEqualTo(ERROR);
  }

  @Test
  void stoppingTheBusMasterStopsTheTransfer() {
    host.regions(DATA, 0x2000);
    host.command(0xC8, 0, 16);
    host.startBusMaster(TO_MEMORY);
    host.out(BUS_MASTER, 0);
    assertThat(host.status(0)).isEqualTo(DRQ);
    assertThat(host.memory(DATA, 0x2000)).containsOnly(0);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.memory(DATA, 0x2000)).isEqualTo(disk.part(0, 0x2000));
  }

  @Test
  void aBadSectorEndsTheTransfer() {
    disk.badAt = 300 << 9;
    host.regions(DATA, 0, DATA, 0, DATA, 0);
    host.extended(0x25, 0, 384);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(FAILED);
    assertThat(host.in(IdeHost.FEATURES)).isEqualTo(0x40);
    assertThat(host.busMasterStatus()).isEqualTo(ACTIVE | INTERRUPT);
    assertThat(host.in(IdeHost.LOW) | host.in(IdeHost.MID) << 8).as("good so far").isEqualTo(256);
  }

  @Test
  void trimsWhatTheListSays() {
    host.memory.fill(DATA, 1024, (byte) 0);
    host.memory.putLong(DATA, 5 | 3L << 48);
    host.memory.putLong(DATA + 8, 100 | 1L << 48);
    host.memory.putLong(DATA + 512, SECTORS - 2 | 2L << 48);
    host.memory.putLong(DATA + 520, 0xFFFF_FFFF_FFFFL);
    host.regions(DATA, 1024);
    host.out(IdeHost.FEATURES, 1);
    host.extended(0x06, 0, 2);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(disk.calls)
        .containsExactly("discard 2560 1536", "discard 51200 512", "discard 2096128 1024");
    disk.calls.clear();
    host.memory.putLong(DATA + 8, SECTORS - 1 | 2L << 48);
    host.extended(0x06, 0, 2);
    host.startBusMaster(TO_DISK);
    assertThat(host.status(1)).isEqualTo(FAILED);
    assertThat(disk.calls).as("all or nothing").isEmpty();
    host.extended(0x06, 0, 9);
    assertThat(host.status(1)).as("too many").isEqualTo(FAILED);
  }

  @Test
  void theOtherDriveCannotBeSelectedMeanwhile() {
    host.channel.disk(1, new MemoryDisk(65536), "LD0002");
    host.regions(DATA, 512);
    host.command(0xC8, 0, 1);
    host.select(1);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.in(IdeHost.DEVICE) & 0x10).isZero();
    assertThat(host.memory(DATA, 512)).isEqualTo(disk.part(0, 512));
  }
}
