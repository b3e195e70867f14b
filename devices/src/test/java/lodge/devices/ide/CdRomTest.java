package lodge.devices.ide;

import static lodge.devices.ide.IdeHost.ACTIVE;
import static lodge.devices.ide.IdeHost.COUNT;
import static lodge.devices.ide.IdeHost.DATA;
import static lodge.devices.ide.IdeHost.DEVICE;
import static lodge.devices.ide.IdeHost.DRQ;
import static lodge.devices.ide.IdeHost.FAILED;
import static lodge.devices.ide.IdeHost.FEATURES;
import static lodge.devices.ide.IdeHost.HIGH;
import static lodge.devices.ide.IdeHost.INTERRUPT;
import static lodge.devices.ide.IdeHost.LOW;
import static lodge.devices.ide.IdeHost.MID;
import static lodge.devices.ide.IdeHost.READY;
import static lodge.devices.ide.IdeHost.TO_MEMORY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A CD-ROM drive: the packet protocol, the commands, and discs that come and go. */
class CdRomTest {
  private static final int BLOCKS = 700;
  private static final int ABRT = 4;
  private static final int COMMAND_PACKET = 1;
  private static final int TO_HOST = 2;
  private static final int COMPLETED = 3;
  private static final int ANY = 0xFFFE;

  private final IdeHost host = new IdeHost();
  private final MemoryDisk disc = new MemoryDisk(2048 * BLOCKS);
  private final CdRom drive = host.channel.cdRom(0, "LD0003");

  CdRomTest() {
    disc.readOnly = true;
    drive.insert(disc);
    host.channel.reset();
  }

  @AfterEach
  void close() {
    host.close();
  }

  private static byte[] cdb(int... bytes) {
    byte[] packet = new byte[12];
    for (int i = 0; i < bytes.length; i++) {
      packet[i] = (byte) bytes[i];
    }
    return packet;
  }

  private static byte[] read10(int block, int count) {
    return ByteBuffer.allocate(12)
        .put((byte) 0x28)
        .put((byte) 0)
        .putInt(block)
        .put((byte) 0)
        .putShort((short) count)
        .array();
  }

  private void packet(byte[] cdb, int limit, boolean dma) {
    host.out(FEATURES, dma ? 1 : 0);
    host.out(MID, limit);
    host.out(HIGH, limit >> 8);
    host.command(0xA0);
    assertThat(host.status(0)).isEqualTo(DRQ);
    assertThat(host.in(COUNT) & 7).isEqualTo(COMMAND_PACKET);
    host.writeData(cdb);
  }

  /** All data of a command, in blocks as the drive wants it. */
  private byte[] run(byte[] cdb, int limit) {
    packet(cdb, limit, false);
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    int status;
    while ((status = host.status(1)) == DRQ) {
      assertThat(host.in(COUNT) & 7).isEqualTo(TO_HOST);
      int length = host.in(MID) | host.in(HIGH) << 8;
      assertThat(length).isBetween(1, Math.max(limit, 2));
      data.write(host.readData(length), 0, length);
    }
    assertThat(status).isEqualTo(READY);
    assertThat(host.in(COUNT) & 7).isEqualTo(COMPLETED);
    return data.toByteArray();
  }

  private byte[] run(int... bytes) {
    return run(cdb(bytes), ANY);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes);
  }

  private void fails(byte[] cdb, int key, int code) {
    packet(cdb, ANY, false);
    refused(key, code);
  }

  private void refused(int key, int code) {
    assertThat(host.status(1)).isEqualTo(FAILED);
    assertThat(host.in(FEATURES)).isEqualTo(key << 4 | ABRT);
    byte[] sense = run(0x03, 0, 0, 0, 18);
    assertThat(sense).hasSize(18);
    assertThat(sense[2]).as("sense key").isEqualTo((byte) key);
    assertThat(sense[12]).as("sense code").isEqualTo((byte) code);
  }

  private void attention() {
    run(0x03, 0, 0, 0, 18);
  }

  @Test
  void saysWhatItIs() {
    assertThat(host.alternate()).as("not ready for ATA commands").isZero();
    assertThat(host.in(MID) | host.in(HIGH) << 8).isEqualTo(0xEB14);
    for (int command : new int[] {0xEC, 0x20}) {
      host.out(MID, 0);
      host.command(command);
      assertThat(host.status(1) & 1).isEqualTo(1);
      assertThat(host.in(FEATURES)).isEqualTo(ABRT);
      assertThat(host.in(COUNT)).isEqualTo(1);
      assertThat(host.in(LOW)).isEqualTo(1);
      assertThat(host.in(MID) | host.in(HIGH) << 8).isEqualTo(0xEB14);
    }
    host.command(0xA1);
    assertThat(host.status(1)).isEqualTo(DRQ);
    byte[] words = host.readData(512);
    assertThat(host.status(0)).isEqualTo(READY);
    assertThat(words[0] & 0xFF | (words[1] & 0xFF) << 8).isEqualTo(0x85C0);
    assertThat(words[98 + 1] & 3).as("LBA and DMA").isEqualTo(3);
    byte[] inquiry = run(0x12, 0, 0, 0, 36);
    assertThat(hex(Arrays.copyOf(inquiry, 5))).isEqualTo("05 80 00 21 1f");
    assertThat(new String(inquiry, 8, 28, java.nio.charset.StandardCharsets.US_ASCII))
        .isEqualTo("LODGE   CD-ROM          1.0 ");
    assertThat(run(0x12, 0, 0, 0, 5)).hasSize(5);
    fails(cdb(0x12, 1, 0x80, 0, 36), 5, 0x24);
  }

  @Test
  void tellsOnceThatItWasSwitchedOn() {
    fails(cdb(0x00), 6, 0x29);
    run(0x00);
    host.channel.reset();
    byte[] sense = run(0x03, 0, 0, 0, 18);
    assertThat(sense[12]).isEqualTo((byte) 0x29);
    run(0x00);
  }

  @Test
  void readsBlocksAsTheHostTakesThem() {
    attention();
    assertThat(run(read10(5, 3), 2048)).isEqualTo(disc.part(5 * 2048, 3 * 2048));
    assertThat(run(read10(5, 3), 3000)).isEqualTo(disc.part(5 * 2048, 3 * 2048));
    assertThat(run(read10(5, 3), 777)).isEqualTo(disc.part(5 * 2048, 3 * 2048));
    assertThat(run(read10(5, 40), 0xFFFF)).isEqualTo(disc.part(5 * 2048, 40 * 2048));
    assertThat(run(read10(0, 0), 2048)).isEmpty();
    assertThat(run(cdb(0xA8, 0, 0, 0, 2, 0xBB, 0, 0, 0, 1), 2048))
        .isEqualTo(disc.part(699 * 2048, 2048));
  }

  @Test
  void aByteCountOfZeroIsTheMost() {
    attention();
    packet(read10(1, 1), 0, false);
    assertThat(host.status(1)).isEqualTo(DRQ);
    assertThat(host.in(MID) | host.in(HIGH) << 8).isEqualTo(2048);
    assertThat(host.readData(2048)).isEqualTo(disc.part(2048, 2048));
    assertThat(host.status(1)).isEqualTo(READY);
  }

  @Test
  void readsByDma() {
    attention();
    host.regions(DATA, 0x1000, DATA + 0x3000, 0);
    packet(read10(9, 34), 0, true);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.busMasterStatus()).isEqualTo(INTERRUPT);
    assertThat(host.in(COUNT) & 7).isEqualTo(COMPLETED);
    assertThat(host.memory(DATA, 0x1000)).isEqualTo(disc.part(9 * 2048, 0x1000));
    assertThat(host.memory(DATA + 0x3000, 0x1_0000)).isEqualTo(disc.part(11 * 2048, 0x1_0000));
    packet(cdb(0x25), 0, true);
    host.startBusMaster(TO_MEMORY);
    assertThat(host.status(1)).isEqualTo(READY);
    assertThat(host.busMasterStatus()).isEqualTo(ACTIVE | INTERRUPT);
    assertThat(hex(host.memory(DATA, 8))).isEqualTo("00 00 02 bb 00 00 08 00");
  }

  @Test
  void whatIsNotOnTheDiscIsOutOfRange() {
    attention();
    fails(read10(BLOCKS, 1), 5, 0x21);
    fails(read10(BLOCKS - 1, 2), 5, 0x21);
    fails(read10(-1, 1), 5, 0x21);
    fails(cdb(0xA8, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF), 5, 0x21);
    fails(cdb(0x2B, 0, 0, 0, 2, 0xBC), 5, 0x21);
    run(0x2B, 0, 0, 0, 2, 0xBB);
    assertThat(disc.calls).isEmpty();
  }

  @Test
  void aBadBlockIsAMediumError() {
    attention();
    disc.badAt = 6 * 2048;
    packet(read10(5, 2), 2048, false);
    assertThat(host.status(1)).isEqualTo(DRQ);
    host.readData(2048);
    refused(3, 0x11);
    run(read10(5, 1), ANY);
  }

  @Test
  void whatItDoesNotKnowIsRefused() {
    attention();
    fails(cdb(0x2A), 5, 0x20);
    fails(cdb(0xFF), 5, 0x20);
    assertThat(run(0x03, 0, 0, 0, 18)[2]).as("told once").isZero();
    host.out(FEATURES, 2);
    host.command(0xA0);
    assertThat(host.status(1)).as("overlapped").isEqualTo(FAILED);
    host.command(0xC8);
    assertThat(host.status(1)).as("of hard disks").isEqualTo(FAILED);
  }

  @Test
  void tellsOfTheDisc() {
    attention();
    assertThat(hex(run(0x25))).isEqualTo("00 00 02 bb 00 00 08 00");
    assertThat(hex(run(0x43, 0, 0, 0, 0, 0, 0, 0, 200)))
        .isEqualTo("00 12 01 01 00 14 01 00 00 00 00 00 00 14 aa 00 00 00 02 bc");
    assertThat(hex(run(0x43, 2, 0, 0, 0, 0, 0xAA, 0, 200)))
        .isEqualTo("00 0a 01 01 00 14 aa 00 00 00 0b 19");
    assertThat(hex(run(0x43, 0, 1, 0, 0, 0, 0, 0, 200)))
        .isEqualTo("00 0a 01 01 00 14 01 00 00 00 00 00");
    assertThat(run(0x43, 0, 2, 0, 0, 0, 0, 0, 200)).hasSize(48);
    assertThat(run(0x43, 0, 0, 0, 0, 0, 0, 0, 12)).hasSize(12);
    fails(cdb(0x43, 0, 0, 0, 0, 0, 2, 0, 200), 5, 0x24);
    fails(cdb(0x43, 0, 9, 0, 0, 0, 0, 0, 200), 5, 0x24);
    assertThat(hex(run(0x51, 0, 0, 0, 0, 0, 0, 0, 8))).isEqualTo("00 20 0e 01 01 01 01 20");
    fails(cdb(0x51, 1, 0, 0, 0, 0, 0, 0, 8), 5, 0x24);
    assertThat(hex(run(0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8))).isEqualTo("00 00 00 00 00 01 00 00");
    run(0xBB, 0, 0xFF, 0xFF);
  }

  @Test
  void tellsItsConfiguration() {
    assertThat(hex(run(0x46, 0, 0, 0, 0, 0, 0, 0, 8))).as("a CD").endsWith("00 00 00 08");
    byte[] all = run(0x46, 0, 0, 0, 0, 0, 0, 1, 0);
    assertThat(ByteBuffer.wrap(all).getInt()).isEqualTo(all.length - 4);
    assertThat(hex(run(0x46, 2, 0, 3, 0, 0, 0, 1, 0)))
        .isEqualTo("00 00 00 0c 00 00 00 08 00 03 03 04 29 00 00 00");
    assertThat(run(0x46, 1, 0, 0x1F, 0, 0, 0, 1, 0)).as("no DVD is in it").hasSize(8);
    fails(cdb(0x46, 3), 5, 0x24);
  }

  @Test
  void hasModePages() {
    attention();
    byte[] all = run(0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0);
    assertThat(ByteBuffer.wrap(all).getShort()).isEqualTo((short) (all.length - 2));
    byte[] capabilities = run(0x5A, 0, 0x2A, 0, 0, 0, 0, 1, 0);
    assertThat(capabilities).hasSize(8 + 20);
    assertThat(capabilities[8]).isEqualTo((byte) 0x2A);
    assertThat(capabilities[8 + 6] & 0x29).as("a tray that locks and opens").isEqualTo(0x29);
    assertThat(Arrays.copyOfRange(run(0x5A, 0, 0x41, 0, 0, 0, 0, 1, 0), 10, 16)).containsOnly(0);
    fails(cdb(0x5A, 0, 0xC1, 0, 0, 0, 0, 1, 0), 5, 0x39);
    fails(cdb(0x5A, 0, 0x08, 0, 0, 0, 0, 1, 0), 5, 0x24);
  }

  private String mediaEvent() {
    return hex(run(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8));
  }

  @Test
  void discsComeAndGo() {
    attention();
    assertThat(mediaEvent()).isEqualTo("00 06 04 10 00 02 00 00");
    assertThat(drive.eject()).contains(disc);
    assertThat(drive.eject()).isEmpty();
    fails(cdb(0x00), 2, 0x3A);
    fails(read10(0, 1), 2, 0x3A);
    assertThat(mediaEvent()).isEqualTo("00 06 04 10 03 01 00 00");
    assertThat(mediaEvent()).as("told once").isEqualTo("00 06 04 10 00 01 00 00");
    MemoryDisk other = new MemoryDisk(2048 * 3);
    drive.insert(other);
    assertThatThrownBy(() -> drive.insert(disc)).isInstanceOf(IllegalStateException.class);
    fails(cdb(0x00), 6, 0x28);
    assertThat(mediaEvent()).isEqualTo("00 06 04 10 02 02 00 00");
    assertThat(run(read10(1, 2), ANY)).isEqualTo(other.part(2048, 4096));
    assertThat(hex(run(0x4A, 1, 0, 0, 0x40, 0, 0, 0, 8))).isEqualTo("00 02 80 10");
    fails(cdb(0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8), 5, 0x24);
  }

  @Test
  void theGuestMovesTheTrayAndLocksIt() {
    attention();
    run(0x1B, 0, 0, 0, 2);
    fails(cdb(0x00), 2, 0x3A);
    assertThat(run(0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8)[1]).as("open").isEqualTo((byte) 0x10);
    run(0x1B, 0, 0, 0, 3);
    fails(cdb(0x00), 6, 0x28);
    run(0x1E, 0, 0, 0, 1);
    fails(cdb(0x1B, 0, 0, 0, 2), 5, 0x53);
    assertThat(drive.eject()).isEmpty();
    assertThat(mediaEvent()).as("somebody wants it").isEqualTo("00 06 04 10 01 02 00 00");
    run(0x00);
    run(0x1E);
    assertThat(drive.eject()).contains(disc);
  }

  @Test
  void takingTheDiscOutEndsAReadOfIt() {
    attention();
    packet(read10(0, 2), 2048, false);
    assertThat(drive.eject()).contains(disc);
    refused(2, 0x3A);
    assertThat(disc.calls).isEmpty();
  }

  @Test
  void aDeviceResetComesAtAnyTime() {
    attention();
    packet(read10(0, 2), 2048, false);
    host.command(0x08);
    assertThat(host.status(0)).isZero();
    assertThat(host.in(MID) | host.in(HIGH) << 8).isEqualTo(0xEB14);
    host.command(0xA0);
    host.command(0xA0);
    host.command(0x08);
    assertThat(host.status(0)).isZero();
    assertThat(run(read10(3, 1), 2048)).isEqualTo(disc.part(3 * 2048, 2048));
  }

  @Test
  void savedStateGoesOnInTheMiddleOfAReply() {
    attention();
    packet(read10(2, 2), 2048, false);
    assertThat(host.status(1)).isEqualTo(DRQ);
    host.readData(1000);
    IdeChannel.State saved = host.channel.state();
    host.channel.reset();
    host.channel.restore(saved);
    assertThat(host.channel.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(host.readData(1048)).isEqualTo(disc.part(2 * 2048 + 1000, 1048));
    assertThat(host.status(1)).isEqualTo(DRQ);
    assertThat(host.readData(2048)).isEqualTo(disc.part(3 * 2048, 2048));
    assertThat(host.status(1)).isEqualTo(READY);
    drive.eject();
    assertThatThrownBy(() -> host.channel.restore(saved))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyPacket() {
    Random random = new Random(3);
    byte[] codes = {
      0, 3, 0x12, 0x1B, 0x1E, 0x25, 0x28, 0x2B, 0x43, 0x46, 0x4A, 0x51, 0x5A, (byte) 0xA8
    };
    host.regions(DATA, 0x800, DATA, 0x800);
    for (int i = 0; i < 30_000; i++) {
      byte[] cdb = new byte[12];
      for (int j = 1; j < 12; j++) {
        cdb[j] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : 0);
      }
      cdb[0] = random.nextInt(20) == 0 ? (byte) random.nextInt() : codes[random.nextInt(14)];
      host.out(FEATURES, random.nextInt(3) & 1);
      host.out(MID, random.nextInt(256));
      host.out(HIGH, random.nextInt(9));
      host.command(0xA0);
      host.writeData(cdb);
      host.settle();
      if (random.nextInt(3) == 0) {
        host.startBusMaster(TO_MEMORY);
      }
      host.readData(random.nextInt(3000));
      host.settle();
      switch (random.nextInt(8)) {
        case 0 -> host.command(0x08);
        case 1 -> host.channel.restore(host.channel.state());
        case 2 -> {
          if (drive.eject().isPresent()) {
            drive.insert(disc);
          }
        }
        default -> host.in(DEVICE);
      }
    }
    host.channel.reset();
    host.interrupts = 0;
    attention();
    assertThat(run(read10(3, 1), 2048)).isEqualTo(disc.part(3 * 2048, 2048));
  }
}
