package lodge.devices;

import lodge.core.Stateful;

/**
 * The configuration space of the host bridge, device 0 of bus 0 (82441FX data sheet). As on QEMU
 * its subsystem is what firmware knows the virtual machine by.
 */
public final class HostBridge implements PciFunction, Stateful<PciConfigSpace.State> {
  /** Programmable attribute map: two bits for each segment, the last one's first. */
  private static final int PAM = 0x59;

  private static final int PAM_REGISTERS = 7;
  private static final int PAM_LAST_SEGMENT = 0x30;
  private static final int PAM_TWO_SEGMENTS = 0x33;
  private static final int READ_ENABLE = 1;
  private static final int WRITE_ENABLE = 2;

  private final PciConfigSpace config = new PciConfigSpace();
  private final AttributeMap map;

  /** What the attribute map is about: see {@link ShadowRam#set}. */
  @FunctionalInterface
  public interface AttributeMap {
    void set(int segment, boolean fromRam, boolean toRam);
  }

  /**
   * @param map told what firmware chooses, with this bridge locked
   */
  public HostBridge(AttributeMap map) {
    this.map = map;
    config
        .define(0x00, 4, 0x1237_8086, 0)
        // Memory and bus master are always on; SERR# may be enabled.
        .define(0x04, 4, 0x0200_0006, 0x0100)
        .define(0x08, 4, 0x0600_0002, 0)
        .define(0x0C, 4, 0, 0xFF00)
        .define(0x2C, 4, 0x1100_1AF4, 0)
        .define(0x50, 2, 0, 0xFFFF)
        .define(0x58, 1, 0, 0xFF)
        .define(PAM, 1, 0, PAM_LAST_SEGMENT)
        .define(0x72, 1, 0x02, 0x78);
    for (int i = 1; i < PAM_REGISTERS; i++) {
      config.define(PAM + i, 1, 0, PAM_TWO_SEGMENTS);
    }
  }

  private void mapSegments() {
    for (int i = 1; i < PAM_REGISTERS; i++) {
      int attributes = config.read(PAM + i, 1);
      mapSegment(2 * i - 2, attributes);
      mapSegment(2 * i - 1, attributes >> 4);
    }
    mapSegment(ShadowRam.SEGMENTS - 1, config.read(PAM, 1) >> 4);
  }

  private void mapSegment(int segment, int attributes) {
    map.set(segment, (attributes & READ_ENABLE) != 0, (attributes & WRITE_ENABLE) != 0);
  }

  @Override
  public int read(int register, int size) {
    return config.read(register, size);
  }

  @Override
  public synchronized void write(int register, int size, int value) {
    config.write(register, size, value);
    if (register < PAM + PAM_REGISTERS && register + size > PAM) {
      mapSegments();
    }
  }

  @Override
  public PciConfigSpace.State state() {
    return config.state();
  }

  /** What the attribute map is about has a state of its own. */
  @Override
  public synchronized void restore(PciConfigSpace.State state) {
    config.restore(state);
  }

  @Override
  public synchronized void reset() {
    config.reset();
    mapSegments();
  }
}
