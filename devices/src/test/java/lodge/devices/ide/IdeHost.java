package lodge.devices.ide;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import lodge.core.GuestMemory;
import lodge.core.PortBus;

/**
 * The host's side of a cable, register by register. What the drives do in the background happens
 * when the test says so: in {@link #settle}.
 */
final class IdeHost implements AutoCloseable {
  static final int PORT = 0x1F0;
  static final int CONTROL = 0x3F6;
  static final int BUS_MASTER = 0xC000;

  static final int FEATURES = PORT + 1;
  static final int COUNT = PORT + 2;
  static final int LOW = PORT + 3;
  static final int MID = PORT + 4;
  static final int HIGH = PORT + 5;
  static final int DEVICE = PORT + 6;
  static final int STATUS = PORT + 7;

  static final int READY = 0x50;
  static final int DRQ = 0x58;
  static final int FAILED = 0x51;
  static final int BUSY = 0x80;
  static final int LBA = 0x40;

  // Bus master
  static final int START = 1;
  static final int TO_MEMORY = 8;
  static final int ACTIVE = 1;
  static final int ERROR = 2;
  static final int INTERRUPT = 4;

  static final int TABLE = 0x8000;
  static final int DATA = 0x10_0000;
  private static final int END_OF_TABLE = 1 << 31;

  final GuestMemory memory = GuestMemory.allocate(16 << 20);
  final PortBus ports = new PortBus();
  final Deque<Runnable> tasks = new ArrayDeque<>();
  final IdeChannel channel = new IdeChannel(this::line, memory, tasks::add);

  boolean line;
  int interrupts;
  private int unit;

  IdeHost() {
    ports.map(PORT, IdeChannel.COMMAND_LENGTH, 4, channel.command());
    ports.map(CONTROL, 1, 1, channel.control());
    ports.map(BUS_MASTER, BusMaster.LENGTH, 1, channel.busMaster());
  }

  private void line(boolean level) {
    if (level && !line) {
      interrupts++;
    }
    line = level;
  }

  /** Lets everything in the background happen. */
  void settle() {
    Runnable task;
    while ((task = tasks.poll()) != null) {
      task.run();
    }
  }

  int in(int port) {
    return ports.read(port, 1);
  }

  void out(int port, int value) {
    ports.write(port, 1, value);
  }

  /** The alternate status, which leaves the interrupt. */
  int alternate() {
    return in(CONTROL);
  }

  /** All that has come of a command: no more interrupts than it is to have. */
  int status(int interruptsWanted) {
    settle();
    assertThat(interrupts).as("interrupts").isEqualTo(interruptsWanted);
    interrupts = 0;
    return in(STATUS);
  }

  void select(int wanted) {
    unit = wanted;
    out(DEVICE, 0xA0 | wanted << 4);
  }

  void command(int code) {
    out(STATUS, code);
  }

  /** With a 28-bit address. */
  void command(int code, long lba, int count) {
    out(COUNT, count);
    out(LOW, (int) lba);
    out(MID, (int) (lba >> 8));
    out(HIGH, (int) (lba >> 16));
    out(DEVICE, 0xA0 | LBA | unit << 4 | (int) (lba >> 24) & 0xF);
    command(code);
  }

  /** With a 48-bit address. */
  void extended(int code, long lba, int count) {
    out(COUNT, count >> 8);
    out(LOW, (int) (lba >> 24));
    out(MID, (int) (lba >> 32));
    out(HIGH, (int) (lba >> 40));
    command(code, lba & 0xFF_FFFF, count & 0xFF);
  }

  void features(int code, int feature, int count) {
    out(FEATURES, feature);
    out(COUNT, count);
    command(code);
  }

  byte[] readData(int length) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    while (data.size() < length) {
      int word = ports.read(PORT, 2);
      data.write(word);
      data.write(word >> 8);
    }
    return data.toByteArray();
  }

  void writeData(byte[] data) {
    for (int i = 0; i < data.length; i += 2) {
      ports.write(PORT, 2, data[i] & 0xFF | (data[i + 1] & 0xFF) << 8);
    }
  }

  /** Sectors that come one by one, or several in a block. */
  byte[] readSectors(int count, int perBlock) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (int left = count; left > 0; left -= perBlock) {
      assertThat(status(1)).isEqualTo(DRQ);
      data.writeBytes(readData(512 * Math.min(left, perBlock)));
    }
    assertThat(status(0)).isEqualTo(READY);
    return data.toByteArray();
  }

  void writeSectors(byte[] data, int perBlock) {
    assertThat(status(0)).isEqualTo(DRQ);
    int step = 512 * perBlock;
    for (int at = 0; at < data.length; at += step) {
      byte[] block = Arrays.copyOfRange(data, at, Math.min(data.length, at + step));
      writeData(block);
      int wanted = at + step < data.length ? DRQ : READY;
      assertThat(status(1)).isEqualTo(wanted);
    }
  }

  /** Writes a table of regions at {@link #TABLE}: address and length, one after the other. */
  void regions(int... addressesAndLengths) {
    regionsThatGoOn(addressesAndLengths);
    int last = TABLE + 4 * addressesAndLengths.length - 4;
    memory.putInt(last, memory.getInt(last) | END_OF_TABLE);
  }

  void regionsThatGoOn(int... addressesAndLengths) {
    for (int i = 0; i < addressesAndLengths.length; i += 2) {
      memory.putInt(TABLE + 4 * i, addressesAndLengths[i]);
      memory.putInt(TABLE + 4 * i + 4, addressesAndLengths[i + 1] & 0xFFFF);
    }
    ports.write(BUS_MASTER + 4, 4, TABLE);
  }

  void startBusMaster(int direction) {
    out(BUS_MASTER, 0);
    out(BUS_MASTER + 2, ERROR | INTERRUPT);
    out(BUS_MASTER, direction | START);
  }

  /** Active, error and interrupt. */
  int busMasterStatus() {
    return in(BUS_MASTER + 2) & 7;
  }

  byte[] memory(int gpa, int length) {
    byte[] bytes = new byte[length];
    memory.get(gpa, bytes, 0, length);
    return bytes;
  }

  @Override
  public void close() {
    memory.close();
  }
}
