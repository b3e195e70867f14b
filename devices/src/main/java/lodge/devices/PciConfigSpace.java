package lodge.devices;

import lodge.core.Stateful;

/** 256 bytes of configuration space with a mask of the bits that the guest may change. */
public final class PciConfigSpace implements PciFunction, Stateful<PciConfigSpace.State> {
  private static final int SIZE = 256;

  private static final int STATUS = 0x06;
  private static final int CAPABILITIES_LIST = 1 << 4;
  private static final int CAPABILITIES_POINTER = 0x34;
  private static final int HEADER = 0x40;

  /** Where the next capability goes, and the register that points there. */
  private int nextCapability = HEADER;

  private int capabilityLink = CAPABILITIES_POINTER;

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

  /**
   * Appends a capability to the list; what comes after its two bytes is still to be defined.
   *
   * @param length of all of it, in bytes
   * @return its first register
   */
  public synchronized int capability(int id, int length) {
    int at = nextCapability;
    if (at + length > SIZE) {
      throw new IllegalArgumentException("no room for another capability");
    }
    define(STATUS, 1, initial[STATUS] | CAPABILITIES_LIST, writable[STATUS]);
    define(capabilityLink, 1, at, 0);
    define(at, 2, id, 0);
    capabilityLink = at + 1;
    nextCapability = at + length + 3 & ~3;
    return at;
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
