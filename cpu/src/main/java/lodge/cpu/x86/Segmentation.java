package lodge.cpu.x86;

/** Segment registers: loading, limits and access rights (SDM volume 3, chapters 3 and 5). */
public final class Segmentation {
  private static final int CODE_OR_DATA = Descriptor.NON_SYSTEM;

  private Segmentation() {}

  /** Checks a data read in a segment outside 64-bit mode; #GP(0), or #SS(0) for SS. */
  public static void checkRead(Cpu c, int segment, long offset, int size) {
    int access = c.segAccess[segment];
    if ((access & Descriptor.PRESENT) == 0
        || (access & (Descriptor.CODE | Descriptor.WRITABLE)) == Descriptor.CODE
            && c.protectedMode()
        || !withinLimit(access, c.segLimit[segment], offset, size)) {
      throw c.fault(segment == Cpu.SS ? Vector.SS : Vector.GP, 0);
    }
  }

  /** Checks a data write in a segment outside 64-bit mode; #GP(0), or #SS(0) for SS. */
  public static void checkWrite(Cpu c, int segment, long offset, int size) {
    int access = c.segAccess[segment];
    if ((access & Descriptor.PRESENT) == 0
        || (access & (Descriptor.CODE | Descriptor.WRITABLE)) != Descriptor.WRITABLE
            && c.protectedMode()
        || !withinLimit(access, c.segLimit[segment], offset, size)) {
      throw c.fault(segment == Cpu.SS ? Vector.SS : Vector.GP, 0);
    }
  }

  /**
   * Whether an access stays in its segment. One that passes the end of a segment of 4 GiB wraps
   * around in Intel's processors (SDM volume 3, 5.3, leaves it open).
   *
   * @param offset unsigned 32-bit
   * @param size in bytes, at least 1
   */
  static boolean withinLimit(int access, long limit, long offset, long size) {
    long last = offset + size - 1;
    if ((access & (Descriptor.CODE | Descriptor.EXPAND_DOWN)) == Descriptor.EXPAND_DOWN) {
      long top = (access & Descriptor.DEFAULT_32) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
      return offset > limit && last <= top;
    }
    return last <= limit || limit == 0xFFFF_FFFFL;
  }

  /**
   * Loads ES, SS, DS, FS or GS as MOV and POP do, in any mode.
   *
   * @param segment {@link Cpu#ES}, {@link Cpu#SS}, {@link Cpu#DS}, {@link Cpu#FS} or {@link Cpu#GS}
   */
  public static void load(Cpu c, int segment, int selector) {
    if (!c.protectedMode()) {
      loadReal(c, segment, selector);
    } else if (c.virtual8086()) {
      loadVirtual8086(c, segment, selector);
    } else if (segment == Cpu.SS) {
      loadStack(c, selector);
    } else {
      loadData(c, segment, selector, Vector.GP);
    }
  }

  /** In real mode only the base changes, so limits from protected mode stay ("big real mode"). */
  static void loadReal(Cpu c, int segment, int selector) {
    c.selector[segment] = selector;
    c.segBase[segment] = (long) selector << 4;
    if ((c.segAccess[segment] & Descriptor.PRESENT) == 0) {
      c.segAccess[segment] = Descriptor.REAL_MODE_DATA;
      c.segLimit[segment] = 0xFFFF;
    }
  }

  static void loadVirtual8086(Cpu c, int segment, int selector) {
    c.selector[segment] = selector;
    c.segBase[segment] = (long) selector << 4;
    c.segLimit[segment] = 0xFFFF;
    c.segAccess[segment] = Descriptor.VIRTUAL_8086_DATA;
  }

  /**
   * @param invalid vector for a segment of the wrong kind: #GP, or #TS in a task switch
   */
  static void loadData(Cpu c, int segment, int selector, int invalid) {
    if (DescriptorTables.isNull(selector)) {
      nullify(c, segment, selector);
      return;
    }
    long descriptor = DescriptorTables.read(c, selector, invalid);
    int access = Descriptor.access(descriptor);
    boolean executeOnly = (access & (Descriptor.CODE | Descriptor.WRITABLE)) == Descriptor.CODE;
    if ((access & CODE_OR_DATA) == 0 || executeOnly) {
      throw c.fault(invalid, DescriptorTables.errorCode(selector));
    }
    boolean conforming =
        (access & (Descriptor.CODE | Descriptor.CONFORMING))
            == (Descriptor.CODE | Descriptor.CONFORMING);
    int dpl = Descriptor.dpl(access);
    if (!conforming && ((selector & 3) > dpl || c.cpl > dpl)) {
      throw c.fault(invalid, DescriptorTables.errorCode(selector));
    }
    if ((access & Descriptor.PRESENT) == 0) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    install(c, segment, selector, DescriptorTables.markAccessed(c, selector, descriptor));
  }

  private static void loadStack(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      if (!c.mode64() || c.cpl == 3 || (selector & 3) != c.cpl) {
        throw c.generalProtection(0);
      }
      nullify(c, Cpu.SS, selector);
      return;
    }
    long descriptor = stackDescriptor(c, selector, c.cpl, Vector.GP);
    install(c, Cpu.SS, selector, DescriptorTables.markAccessed(c, selector, descriptor));
  }

  /**
   * Reads and checks what SS is to be loaded with.
   *
   * @param selector not null
   * @param cpl the privilege level it will be used with
   * @param invalid vector for everything but absence, which is #SS: #GP, or #TS for stacks out of a
   *     TSS
   */
  static long stackDescriptor(Cpu c, int selector, int cpl, int invalid) {
    long descriptor = DescriptorTables.read(c, selector, invalid);
    if ((selector & 3) != cpl
        || !Descriptor.isWritableData(descriptor)
        || Descriptor.dplOf(descriptor) != cpl) {
      throw c.fault(invalid, DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(descriptor)) {
      throw c.fault(Vector.SS, DescriptorTables.errorCode(selector));
    }
    return descriptor;
  }

  /** Puts a checked descriptor into a segment register. */
  static void install(Cpu c, int segment, int selector, long descriptor) {
    c.selector[segment] = selector;
    c.segBase[segment] = Descriptor.base(descriptor);
    c.segLimit[segment] = Descriptor.limit(descriptor);
    c.segAccess[segment] = Descriptor.access(descriptor);
  }

  /** Puts a null selector into a segment register: it cannot be used outside 64-bit mode. */
  static void nullify(Cpu c, int segment, int selector) {
    c.selector[segment] = selector;
    c.segBase[segment] = 0;
    c.segLimit[segment] = 0;
    c.segAccess[segment] = 0;
  }

  /**
   * Loads CS from a checked descriptor and changes the privilege level; the caller calls {@link
   * Cpu#modeChanged}.
   */
  static void installCode(Cpu c, int selector, long descriptor, int cpl) {
    install(c, Cpu.CS, selector & ~3 | cpl, descriptor);
    c.cpl = cpl;
  }

  /**
   * After a return to an outer level: data segment registers that the new level may not use become
   * null (SDM volume 2, RET and IRET). Unlike a load of a null selector this leaves their bases
   * alone: 64-bit code goes on with FS and GS as they were.
   */
  static void dropInnerSegments(Cpu c) {
    dropInner(c, Cpu.ES);
    dropInner(c, Cpu.FS);
    dropInner(c, Cpu.GS);
    dropInner(c, Cpu.DS);
  }

  private static void dropInner(Cpu c, int segment) {
    int access = c.segAccess[segment];
    boolean conforming =
        (access & (Descriptor.CODE | Descriptor.CONFORMING))
            == (Descriptor.CODE | Descriptor.CONFORMING);
    if ((access & Descriptor.PRESENT) != 0 && !conforming && Descriptor.dpl(access) < c.cpl) {
      c.selector[segment] = 0;
      c.segLimit[segment] = 0;
      c.segAccess[segment] = 0;
    }
  }

  /**
   * Checks that execution may go on at an offset in a code segment that is about to be loaded.
   *
   * @throws CpuException #GP(0)
   */
  static void checkTarget(Cpu c, long codeDescriptor, long offset) {
    boolean ok =
        c.longModeActive() && Descriptor.isLong(codeDescriptor)
            ? c.canonical(offset)
            : Long.compareUnsigned(offset, Descriptor.limit(codeDescriptor)) <= 0;
    if (!ok) {
      throw c.generalProtection(0);
    }
  }
}
