package lodge.cpu.x86;

/**
 * LAR, LSL, VERR, VERW and ARPL: questions about selectors that never fault for the selector's sake
 * (SDM volume 2).
 */
public final class SegmentQueries {
  /**
   * By type: system descriptors that LAR tells about outside long mode: TSSs, LDT, call and task
   * gates.
   */
  private static final int LAR_TYPES =
      1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;

  /** In long mode: LDT, TSSs, call gate. */
  private static final int LAR_TYPES_64 = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12;

  private static final int LSL_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
  private static final int LSL_TYPES_64 = 1 << 2 | 1 << 9 | 1 << 11;

  private SegmentQueries() {}

  /** LAR: the access rights at bits 23:8, or -1 when the selector is not visible. */
  public static long accessRights(Cpu c, int selector) {
    long descriptor = visible(c, selector, c.longModeActive() ? LAR_TYPES_64 : LAR_TYPES);
    return descriptor == 0 ? -1 : descriptor >>> 32 & 0x00FF_FF00L;
  }

  /** LSL: the limit in bytes, or -1 when the selector is not visible or what it names has none. */
  public static long limit(Cpu c, int selector) {
    long descriptor = visible(c, selector, c.longModeActive() ? LSL_TYPES_64 : LSL_TYPES);
    return descriptor == 0 ? -1 : Descriptor.limit(descriptor);
  }

  /** VERR and VERW. */
  public static boolean verify(Cpu c, int selector, boolean write) {
    long descriptor = visible(c, selector, 0);
    if (descriptor == 0) {
      return false;
    }
    int access = Descriptor.access(descriptor);
    boolean code = (access & Descriptor.CODE) != 0;
    boolean bit = (access & Descriptor.WRITABLE) != 0;
    return write ? bit && !code : bit || !code;
  }

  /**
   * The descriptor when it can be reached at CPL and the selector's RPL, else 0.
   *
   * @param systemTypes bit set of the system descriptor types that count
   */
  private static long visible(Cpu c, int selector, int systemTypes) {
    if (DescriptorTables.isNull(selector) || !DescriptorTables.within(c, selector, 8)) {
      return 0;
    }
    long descriptor = DescriptorTables.read(c, selector, Vector.GP);
    int type = Descriptor.systemType(descriptor);
    int dpl = Descriptor.dplOf(descriptor);
    if (type < 16) {
      if ((systemTypes >> type & 1) == 0) {
        return 0;
      }
      if (c.longModeActive()) {
        if (!DescriptorTables.within(c, selector, 16)
            || (DescriptorTables.readHigh(c, selector, Vector.GP) & 0x1F00_0000_0000L) != 0) {
          return 0;
        }
      }
    } else if (Descriptor.isCode(descriptor) && Descriptor.isConforming(descriptor)) {
      return descriptor;
    }
    return dpl < c.cpl || dpl < (selector & 3) ? 0 : descriptor;
  }
}
