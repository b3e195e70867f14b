package lodge.devices.ide;

import java.util.Arrays;

/**
 * The registers that a command takes its parameters from (ATA/ATAPI-6, 7). Each of them remembers
 * the value that it had before: the upper half of 48-bit addresses (6.20).
 */
public final class TaskFile {
  static final int FEATURES = 1;
  static final int COUNT = 2;
  static final int LOW = 3;
  static final int MID = 4;
  static final int HIGH = 5;
  static final int DEVICE = 6;
  private static final int REGISTERS = 7;

  // Device register
  static final int SLAVE = 1 << 4;
  static final int LBA = 1 << 6;

  /** Obsolete bits that are always seen as ones. */
  private static final int DEVICE_ONES = 0xA0;

  private final byte[] current = new byte[REGISTERS];
  private final byte[] previous = new byte[REGISTERS];

  /** Both values of all registers. */
  public record State(byte[] current, byte[] previous) {
    /** Checks what can be checked without the machine. */
    public State {
      if (current.length != REGISTERS || previous.length != REGISTERS) {
        throw new IllegalArgumentException("a task file has 7 registers");
      }
      current = current.clone();
      previous = previous.clone();
    }
  }

  /** The host writes. */
  void write(int register, int value) {
    previous[register] = current[register];
    set(register, value);
  }

  /** The device leaves something for the host. */
  void set(int register, int value) {
    current[register] = (byte) (register == DEVICE ? value | DEVICE_ONES : value);
  }

  int get(int register) {
    return current[register] & 0xFF;
  }

  int previous(int register) {
    return previous[register] & 0xFF;
  }

  boolean isLba() {
    return (get(DEVICE) & LBA) != 0;
  }

  /** LBA bits 27 to 0. */
  int lba28() {
    return get(LOW) | get(MID) << 8 | get(HIGH) << 16 | (get(DEVICE) & 0xF) << 24;
  }

  long lba48() {
    long upper = previous(LOW) | previous(MID) << 8 | (long) previous(HIGH) << 16;
    return upper << 24 | get(LOW) | get(MID) << 8 | get(HIGH) << 16;
  }

  void setLba28(long lba) {
    setLow(lba);
    set(DEVICE, get(DEVICE) & 0xF0 | (int) (lba >> 24) & 0xF);
  }

  void setLba48(long lba) {
    setLow(lba);
    previous[LOW] = (byte) (lba >> 24);
    previous[MID] = (byte) (lba >> 32);
    previous[HIGH] = (byte) (lba >> 40);
  }

  private void setLow(long lba) {
    set(LOW, (int) lba);
    set(MID, (int) (lba >> 8));
    set(HIGH, (int) (lba >> 16));
  }

  /** How many sectors a 28-bit command means. */
  int count28() {
    return get(COUNT) == 0 ? 1 << 8 : get(COUNT);
  }

  /** How many sectors a 48-bit command means. */
  int count48() {
    int count = previous(COUNT) << 8 | get(COUNT);
    return count == 0 ? 1 << 16 : count;
  }

  /** What a device leaves after a reset, so that the host sees what it is (9.12). */
  void sign(int cylinder) {
    set(COUNT, 1);
    set(LOW, 1);
    set(MID, cylinder);
    set(HIGH, cylinder >> 8);
    set(DEVICE, get(DEVICE) & SLAVE);
  }

  void clear() {
    Arrays.fill(current, (byte) 0);
    Arrays.fill(previous, (byte) 0);
  }

  State state() {
    return new State(current, previous);
  }

  void restore(State state) {
    System.arraycopy(state.current, 0, current, 0, REGISTERS);
    System.arraycopy(state.previous, 0, previous, 0, REGISTERS);
  }
}
