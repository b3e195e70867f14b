package lodge.devices;

import lodge.core.Stateful;

/** 256 bytes of configuration space with a mask of the bits that the guest may change. */
public final class PciConfigSpace implements PciFunction, Stateful<PciConfigSpace.State> {
  private static final int SIZE = 256;

  private final byte[] initial = new byte[SIZE];
  private final byte[] writable = new byte[SIZE];
  private final byte[] bytes = new byte[SIZE];

  /** All 256 bytes. */
  public record State(byte[] bytes) {
    /** Copies the bytes. */
    public State {
      bytes = bytes.clone();
    }
  }

  /**
   * Says what a register holds after reset and which of its bits the guest may change; while the
   * board is built.
   *
   * @param size 1, 2 or 4 bytes
   */
  public synchronized PciConfigSpace define(int register, int size, int value, int writableBits) {
    for (int i = 0; i < size; i++) {
      initial[register + i] = (byte) (value >> 8 * i);
      writable[register + i] = (byte) (writableBits >> 8 * i);
      bytes[register + i] = initial[register + i];
    }
    return this;
  }

  @Override
  public synchronized int read(int register, int size) {
    int value = 0;
    for (int i = 0; i < size; i++) {
      value |= (bytes[register + i & 0xFF] & 0xFF) << 8 * i;
    }
    return value;
  }

  @Override
  public synchronized void write(int register, int size, int value) {
    for (int i = 0; i < size; i++) {
      int at = register + i & 0xFF;
      bytes[at] = (byte) (bytes[at] & ~writable[at] | value >> 8 * i & writable[at]);
    }
  }

  @Override
  public synchronized State state() {
    return new State(bytes);
  }

  @Override
  public synchronized void restore(State state) {
    if (state.bytes.length != SIZE) {
      throw new IllegalArgumentException("a configuration space has 256 bytes");
    }
    for (int i = 0; i < SIZE; i++) {
      if (((state.bytes[i] ^ initial[i]) & ~writable[i]) != 0) {
        throw new IllegalArgumentException(
            "a read-only bit differs in configuration register " + i);
      }
    }
    System.arraycopy(state.bytes, 0, bytes, 0, SIZE);
  }

  @Override
  public synchronized void reset() {
    System.arraycopy(initial, 0, bytes, 0, SIZE);
  }
}
