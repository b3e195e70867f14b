package lodge.devices.ide;

import static lodge.devices.ide.IdeHost.BUSY;
import static lodge.devices.ide.IdeHost.BUS_MASTER;
import static lodge.devices.ide.IdeHost.CONTROL;
import static lodge.devices.ide.IdeHost.DATA;
import static lodge.devices.ide.IdeHost.DRQ;
import static lodge.devices.ide.IdeHost.PORT;
import static lodge.devices.ide.IdeHost.READY;
import static lodge.devices.ide.IdeHost.TO_MEMORY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Resets, saved state, and hosts that keep to no protocol. */
class IdeChannelTest {
  private final IdeHost host = new IdeHost();
  private final MemoryDisk disk = new MemoryDisk(512 * 1024);

  IdeChannelTest() {
    host.channel.disk(0, disk, "LD0001");
  }

  @AfterEach
  void close() {
    host.close();
  }

  private void softReset() {
    host.out(CONTROL, 4);
    assertThat(host.alternate()).isEqualTo(BUSY);
    host.out(CONTROL, 0);
    assertThat(host.alternate()).isEqualTo(READY);
  }

  @Test
  void aResetAbandonsARead() {
    host.memory.fill(DATA, 4096, (byte) 0);
    host.regions(DATA, 4096);
    host.command(0xC8, 0, 8);
    host.startBusMaster(TO_MEMORY);
    softReset();
    assertThat(host.status(0)).isEqualTo(READY);
    assertThat(host.memory(DATA, 4096)).as("nothing comes any more").containsOnly(0);
    host.command(0x20, 4, 1);
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(4 * 512, 512));
  }

  @Test
  void aResetAbandonsWhatIsBeingRead() {
    host.command(0x20, 0, 1);
    Runnable reading = host.tasks.poll();
    disk.onAccess = this::softReset;
    reading.run();
    disk.onAccess = () -> {};
    assertThat(disk.calls).hasSize(1);
    assertThat(host.status(0)).isEqualTo(READY);
    assertThat(host.ports.read(PORT, 2)).isZero();
  }

  @Test
  void manyResetsOfASlowDriveAreNoMoreThanOne() {
    for (int i = 0; i < 1000; i++) {
      host.command(0x20, i, 1);
      softReset();
    }
    assertThat(host.tasks).hasSize(1);
    host.command(0x20, 5, 1);
    assertThat(host.readSectors(1, 1)).isEqualTo(disk.part(5 * 512, 512));
    assertThat(disk.calls).hasSize(1);
  }

  @Test
  void aResetEndsADataPhase() {
    host.command(0x30, 0, 1);
    assertThat(host.status(0)).isEqualTo(DRQ);
    host.writeData(new byte[100]);
    softReset();
    host.writeData(new byte[512]);
    assertThat(host.status(0)).isEqualTo(READY);
    assertThat(disk.calls).isEmpty();
  }

  @Test
  void aSoftResetKeepsTheSettings() {
    host.command(0xC6, 0, 4);
    assertThat(host.status(1)).isEqualTo(READY);
    softReset();
    host.command(0xC4, 0, 8);
    assertThat(host.readSectors(8, 4)).isEqualTo(disk.part(0, 4096));
    host.channel.reset();
    host.command(0xC4, 0, 16);
    assertThat(host.readSectors(16, 16)).isEqualTo(disk.part(0, 8192));
  }

  @Test
  void powerOnResetsTheBusMasterToo() {
    host.regions(DATA, 512);
    host.startBusMaster(TO_MEMORY);
    host.command(0xE5);
    host.channel.reset();
    assertThat(host.line).isFalse();
    assertThat(host.in(BUS_MASTER)).isZero();
    assertThat(host.in(BUS_MASTER + 2)).isZero();
    assertThat(host.ports.read(BUS_MASTER + 4, 4)).isZero();
  }

  @Test
  void savedStateGoesOnInTheMiddleOfASector() {
    host.command(0x20, 3, 2);
    assertThat(host.status(1)).isEqualTo(DRQ);
    byte[] begin = host.readData(100);
    IdeChannel.State saved = host.channel.state();
    try (IdeHost other = new IdeHost()) {
      MemoryDisk copy = new MemoryDisk(512 * 1024);
      other.channel.disk(0, copy, "LD0001");
      other.channel.restore(saved);
      byte[] end = other.readData(412);
      assertThat(begin).isEqualTo(disk.part(3 * 512, 100));
      assertThat(end).isEqualTo(disk.part(3 * 512 + 100, 412));
      assertThat(other.readSectors(1, 1)).isEqualTo(disk.part(4 * 512, 512));
    }
  }

  @Test
  void savedStateWaitsForTheBusMaster() {
    host.regions(DATA, 512);
    host.command(0xC8, 3, 1);
    IdeChannel.State saved = host.channel.state();
    host.channel.reset();
    host.channel.restore(saved);
    assertThat(host.channel.state()).usingRecursiveComparison().isEqualTo(saved);
    host.regions(DATA, 512);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.memory(DATA, 512)).isEqualTo(disk.part(3 * 512, 512));
  }

  @Test
  void savedStateBringsAPendingInterrupt() {
    host.command(0xE5);
    IdeChannel.State saved = host.channel.state();
    host.channel.reset();
    assertThat(host.line).isFalse();
    host.channel.restore(saved);
    assertThat(host.line).isTrue();
  }

  @Test
  void aStateOfSomethingElseIsRefused() {
    host.command(0x20, 1000, 24);
    assertThat(host.status(1)).isEqualTo(DRQ);
    IdeChannel.State saved = host.channel.state();
    try (IdeHost other = new IdeHost()) {
      assertThatThrownBy(() -> other.channel.restore(saved))
          .as("no drive")
          .isInstanceOf(IllegalArgumentException.class);
      other.channel.disk(0, new MemoryDisk(512 * 500), "");
      assertThatThrownBy(() -> other.channel.restore(saved))
          .as("a smaller disk")
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(other.alternate()).isEqualTo(READY);
    }
    BusMaster.State outside = new BusMaster.State(1, 1, 0, 0, false, 0xA_0000, 512);
    assertThatThrownBy(
            () -> host.channel.restore(new IdeChannel.State(0, 0, outside, saved.drives())))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new IdeChannel.State(2, 0, outside, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    hammer(11);
  }

  /** A host that does anything, often enough with sense for commands to go far. */
  private void hammer(long seed) {
    Random random = new Random(seed);
    int[] commands = {
      0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0xEC, 0xE7,
      0x06, 0xB0, 0xEF, 0x91, 0x90, 0x08, 0xA0, 0xA1
    };
    host.regions(DATA, 0x1000, DATA + 0x2000, 0x200, DATA + 0x4000, 0);
    for (int i = 0; i < 200_000; i++) {
      switch (random.nextInt(16)) {
        case 0 -> host.command(commands[random.nextInt(commands.length)]);
        case 1 -> host.out(CONTROL, random.nextInt(20) == 0 ? random.nextInt(256) : 0);
        case 2 -> host.out(BUS_MASTER + random.nextInt(8), random.nextInt(256));
        case 3 -> host.startBusMaster(random.nextInt(2) * TO_MEMORY);
        case 4 -> host.memory.putLong(IdeHost.TABLE + 8 * random.nextInt(8), random.nextLong());
        case 5 -> host.ports.write(BUS_MASTER + 4, 4, IdeHost.TABLE);
        case 6, 7 -> {
          int task = random.nextInt(3);
          while (task-- > 0 && !host.tasks.isEmpty()) {
            host.tasks.poll().run();
          }
        }
        case 8, 9, 10 -> host.out(PORT + 1 + random.nextInt(6), random.nextInt(8));
        case 11 -> host.in(PORT + random.nextInt(8));
        case 12 -> host.ports.write(PORT, 2 << random.nextInt(2), random.nextInt());
        case 13 -> host.readData(random.nextInt(600));
        case 14 -> host.writeData(new byte[2 * random.nextInt(300)]);
        default -> disk.badAt = random.nextInt(10) == 0 ? random.nextInt(disk.bytes.length) : -1;
      }
      if (random.nextInt(500) == 0) {
        host.settle();
        IdeChannel.State saved = host.channel.state();
        host.channel.restore(saved);
        assertThat(host.channel.state()).usingRecursiveComparison().isEqualTo(saved);
      }
    }
    disk.badAt = -1;
    host.settle();
    host.channel.reset();
    host.command(0x20, 1, 1);
    host.interrupts = 0;
    byte[] sector = host.readSectors(1, 1);
    assertThat(Arrays.equals(sector, disk.part(512, 512))).isTrue();
  }
}
