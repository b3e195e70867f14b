package lodge.cpu.x86;

/**
 * GDT and LDT: finding, reading and marking descriptors; LTR and LLDT (SDM volume 3, 3.5 and 7.2).
 */
public final class DescriptorTables {
  private DescriptorTables() {}

  /** Whether a selector is null: index 0 of the GDT with any RPL. */
  public static boolean isNull(int selector) {
    return (selector & 0xFFFC) == 0;
  }

  /** Error code that names a selector, without EXT. */
  public static int errorCode(int selector) {
    return selector & 0xFFFC;
  }

  /** Whether {@code size} bytes at the selector's place are inside its table. */
  static boolean within(Cpu c, int selector, int size) {
    int last = (selector & 0xFFF8) + size - 1;
    if ((selector & 4) == 0) {
      return last <= c.gdtLimit;
    }
    return (c.segAccess[Cpu.LDTR] & Descriptor.PRESENT) != 0 && last <= c.segLimit[Cpu.LDTR];
  }

  /** GVA of a descriptor. */
  static long address(Cpu c, int selector) {
    long base = (selector & 4) == 0 ? c.gdtBase : c.segBase[Cpu.LDTR];
    return c.linear(base + (selector & 0xFFF8));
  }

  /**
   * Reads 8 bytes of descriptor.
   *
   * @param vector what to raise, with the selector as error code, when its table ends before it
   */
  public static long read(Cpu c, int selector, int vector) {
    if (!within(c, selector, 8)) {
      throw c.fault(vector, errorCode(selector));
    }
    return c.mmu.readSystem(address(c, selector), 8);
  }

  /** The second 8 bytes of a system descriptor in long mode; see {@link #read}. */
  static long readHigh(Cpu c, int selector, int vector) {
    if (!within(c, selector, 16)) {
      throw c.fault(vector, errorCode(selector));
    }
    return c.mmu.readSystem(address(c, selector) + 8, 8);
  }

  /**
   * Sets the accessed bit of a code or data descriptor in memory, where it is clear; returns the
   * descriptor so marked.
   */
  static long markAccessed(Cpu c, int selector, long descriptor) {
    if ((descriptor >>> 40 & Descriptor.ACCESSED) != 0) {
      return descriptor;
    }
    long marked = descriptor | 1L << 40;
    c.mmu.writeSystem(address(c, selector) + 5, 1, marked >>> 40 & 0xFF);
    return marked;
  }

  /** Sets or clears the busy bit of a TSS descriptor in memory. */
  static void markBusy(Cpu c, int selector, boolean busy) {
    long address = address(c, selector) + 5;
    long access = c.mmu.readSystem(address, 1);
    c.mmu.writeSystem(address, 1, busy ? access | 2 : access & ~2);
  }

  /** LLDT with its checks but those of mode and CPL. */
  public static void loadLdtr(Cpu c, int selector) {
    loadLdtr(c, selector, Vector.GP, Vector.NP);
  }

  /**
   * Loads LDTR.
   *
   * @param invalid vector for what is no LDT descriptor in the GDT
   * @param absent vector for one that is not present
   */
  static void loadLdtr(Cpu c, int selector, int invalid, int absent) {
    if (isNull(selector)) {
      Segmentation.nullify(c, Cpu.LDTR, selector);
      return;
    }
    if ((selector & 4) != 0) {
      throw c.fault(invalid, errorCode(selector));
    }
    long descriptor = read(c, selector, invalid);
    long high = c.longModeActive() ? readHigh(c, selector, invalid) : 0;
    if (Descriptor.systemType(descriptor) != Descriptor.LDT || (high & 0x1F00_0000_0000L) != 0) {
      throw c.fault(invalid, errorCode(selector));
    }
    if (!Descriptor.present(descriptor)) {
      throw c.fault(absent, errorCode(selector));
    }
    installSystem(c, Cpu.LDTR, selector, descriptor, high);
  }

  /** LTR with its checks but those of mode and CPL. */
  public static void loadTr(Cpu c, int selector) {
    if (isNull(selector)) {
      throw c.generalProtection(0);
    }
    if ((selector & 4) != 0) {
      throw c.generalProtection(errorCode(selector));
    }
    long descriptor = read(c, selector, Vector.GP);
    boolean longMode = c.longModeActive();
    long high = longMode ? readHigh(c, selector, Vector.GP) : 0;
    int type = Descriptor.systemType(descriptor);
    boolean available = type == Descriptor.TSS_32 || type == Descriptor.TSS_16 && !longMode;
    if (!available || (high & 0x1F00_0000_0000L) != 0) {
      throw c.generalProtection(errorCode(selector));
    }
    if (!Descriptor.present(descriptor)) {
      throw c.fault(Vector.NP, errorCode(selector));
    }
    if (!c.canonicalBase(systemBase(descriptor, high))) {
      throw c.generalProtection(errorCode(selector));
    }
    markBusy(c, selector, true);
    installSystem(c, Cpu.TR, selector, descriptor | 2L << 40, high);
  }

  static void installSystem(Cpu c, int register, int selector, long descriptor, long high) {
    long base = systemBase(descriptor, high);
    if (!c.canonicalBase(base)) {
      throw c.generalProtection(errorCode(selector));
    }
    c.selector[register] = selector;
    c.segBase[register] = base;
    c.segLimit[register] = Descriptor.limit(descriptor);
    c.segAccess[register] = Descriptor.access(descriptor);
  }

  private static long systemBase(long descriptor, long high) {
    return Descriptor.base(descriptor) | high << 32;
  }
}
