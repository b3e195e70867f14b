package lodge.devices.virtio;

/** Feature bits that belong to no device type (virtio 1.3, 6). */
public final class Features {
  public static final long INDIRECT_DESC = 1L << 28;
  public static final long EVENT_IDX = 1L << 29;
  public static final long VERSION_1 = 1L << 32;
  public static final long RING_PACKED = 1L << 34;
  public static final long IN_ORDER = 1L << 35;
  public static final long RING_RESET = 1L << 40;

  /** What every device here offers. */
  static final long RINGS =
      VERSION_1 | RING_PACKED | INDIRECT_DESC | EVENT_IDX | IN_ORDER | RING_RESET;

  private Features() {}
}
