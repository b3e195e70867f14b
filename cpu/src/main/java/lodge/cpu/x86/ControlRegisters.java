package lodge.cpu.x86;

/**
 * CR0, CR3, CR4, CR8, EFER and XCR0: what may be written, and what a write entails (SDM volume 3,
 * 2.5 and 4.1; volume 2, MOV to control registers). The callers have checked the privilege level.
 */
public final class ControlRegisters {
  private static final int CR0_WRITABLE =
      Cpu.CR0_PE
          | Cpu.CR0_MP
          | Cpu.CR0_EM
          | Cpu.CR0_TS
          | Cpu.CR0_NE
          | Cpu.CR0_WP
          | Cpu.CR0_AM
          | Cpu.CR0_NW
          | Cpu.CR0_CD
          | Cpu.CR0_PG;

  /** Changing one of these changes what translations mean. */
  private static final int CR4_TRANSLATION =
      Cpu.CR4_PSE
          | Cpu.CR4_PAE
          | Cpu.CR4_PGE
          | Cpu.CR4_LA57
          | Cpu.CR4_PCIDE
          | Cpu.CR4_SMEP
          | Cpu.CR4_SMAP
          | Cpu.CR4_PKE;

  /** Changing one of these loads the PDPTEs under PAE paging. */
  private static final int CR4_PDPTE = Cpu.CR4_PAE | Cpu.CR4_PGE | Cpu.CR4_PSE | Cpu.CR4_SMEP;

  private static final long CR3_NO_FLUSH = 1L << 63;
  private static final int PCID = 0xFFF;

  private ControlRegisters() {}

  // ---------------------------------------------------------------- CR0

  /** MOV to CR0. */
  public static void writeCr0(Cpu c, long value) {
    boolean paging = (value & Cpu.CR0_PG) != 0;
    if (value >>> 32 != 0
        || paging && (value & Cpu.CR0_PE) == 0
        || (value & (Cpu.CR0_NW | Cpu.CR0_CD)) == Cpu.CR0_NW) {
      throw c.generalProtection(0);
    }
    value = value & CR0_WRITABLE & 0xFFFF_FFFFL | Cpu.CR0_ET;
    long changed = value ^ c.cr0;
    boolean wasPaging = (c.cr0 & Cpu.CR0_PG) != 0;
    boolean longMode = c.longModeActive();
    if (paging && !wasPaging) {
      if ((c.efer & Cpu.EFER_LME) != 0) {
        checkLongModeEntry(c);
        longMode = true;
      }
    } else if (!paging && wasPaging) {
      if (c.mode64() || (c.cr4 & Cpu.CR4_PCIDE) != 0) {
        throw c.generalProtection(0);
      }
      longMode = false;
    }
    boolean pae = paging && !longMode && (c.cr4 & Cpu.CR4_PAE) != 0;
    if (pae && (changed & (Cpu.CR0_PG | Cpu.CR0_CD | Cpu.CR0_NW)) != 0) {
      loadPdptes(c, c.cr3);
    }
    c.cr0 = value;
    c.efer = longMode ? c.efer | Cpu.EFER_LMA : c.efer & ~Cpu.EFER_LMA;
    if ((changed & (Cpu.CR0_PG | Cpu.CR0_PE | Cpu.CR0_WP)) != 0) {
      c.modeChanged();
      c.mmu.flushAll();
    } else {
      c.vectorsChanged();
    }
  }

  private static void checkLongModeEntry(Cpu c) {
    int tss = c.segAccess[Cpu.TR] & 0x1F;
    boolean narrowTss = tss == Descriptor.TSS_16 || tss == Descriptor.TSS_16_BUSY;
    boolean longCode = (c.segAccess[Cpu.CS] & Descriptor.LONG) != 0;
    if ((c.cr4 & Cpu.CR4_PAE) == 0 || longCode || narrowTss) {
      throw c.generalProtection(0);
    }
  }

  /** LMSW: the four low bits, but PE cannot be cleared. */
  public static void loadMsw(Cpu c, int value) {
    writeCr0(c, c.cr0 & ~0xEL | value & 0xF);
  }

  /** CLTS. */
  public static void clearTaskSwitched(Cpu c) {
    c.cr0 &= ~Cpu.CR0_TS;
    c.vectorsChanged();
  }

  // ---------------------------------------------------------------- CR3

  /** MOV to CR3. With PCIDs bit 63 asks for keeping what is known of the new address space. */
  public static void writeCr3(Cpu c, long value) {
    boolean pcide = (c.cr4 & Cpu.CR4_PCIDE) != 0;
    boolean keep = pcide && (value & CR3_NO_FLUSH) != 0;
    if (c.longModeActive()) {
      if (pcide) {
        value &= ~CR3_NO_FLUSH;
      }
      if (value >>> c.model.physicalAddressBits() != 0) {
        throw c.generalProtection(0);
      }
    } else {
      value &= 0xFFFF_FFFFL;
      if (paePaging(c)) {
        loadPdptes(c, value);
      }
    }
    c.cr3 = value;
    c.mmu.switchSpace(pcide ? (int) value & PCID : 0, keep);
  }

  /** Loads CR3 in a task switch. */
  static void switchAddressSpace(Cpu c, long cr3) {
    if (cr3 != c.cr3) {
      writeCr3(c, cr3);
    }
  }

  private static boolean paePaging(Cpu c) {
    return (c.cr0 & Cpu.CR0_PG) != 0 && (c.cr4 & Cpu.CR4_PAE) != 0 && !c.longModeActive();
  }

  /**
   * Loads the four PDPTEs of PAE paging, or none with #GP(0) when a present one has a reserved bit
   * set.
   */
  private static void loadPdptes(Cpu c, long cr3) {
    long table = cr3 & 0xFFFF_FFE0L;
    long reserved = -1L << c.model.physicalAddressBits() | 0x1E6;
    for (int i = 0; i < 4; i++) {
      long entry = pdpte(c, table + 8 * i);
      if ((entry & 1) != 0 && (entry & reserved) != 0) {
        throw c.generalProtection(0);
      }
    }
    for (int i = 0; i < 4; i++) {
      c.pdpte[i] = pdpte(c, table + 8 * i);
    }
  }

  private static long pdpte(Cpu c, long gpa) {
    return c.memory.isReadable(gpa) ? c.memory.getLong(gpa) : -1L;
  }

  // ---------------------------------------------------------------- CR4

  /** MOV to CR4. */
  public static void writeCr4(Cpu c, long value) {
    if ((value & ~Integer.toUnsignedLong(c.model.cr4Mask())) != 0) {
      throw c.generalProtection(0);
    }
    long changed = value ^ c.cr4;
    if (c.longModeActive()) {
      if ((value & Cpu.CR4_PAE) == 0 || (changed & Cpu.CR4_LA57) != 0) {
        throw c.generalProtection(0);
      }
    }
    boolean enablesPcid = (changed & value & Cpu.CR4_PCIDE) != 0;
    if (enablesPcid && (!c.longModeActive() || (c.cr3 & 0xFFF) != 0)) {
      throw c.generalProtection(0);
    }
    boolean pae = (c.cr0 & Cpu.CR0_PG) != 0 && (value & Cpu.CR4_PAE) != 0 && !c.longModeActive();
    if (pae && (changed & CR4_PDPTE) != 0) {
      loadPdptes(c, c.cr3);
    }
    c.cr4 = value;
    if ((changed & Cpu.CR4_DE) != 0) {
      DebugRegisters.armed(c);
    }
    if ((changed & CR4_TRANSLATION) != 0) {
      c.modeChanged();
      c.mmu.flushAll();
    } else {
      c.vectorsChanged();
    }
  }

  // ---------------------------------------------------------------- CR8

  /** MOV to CR8. A lower task priority may let an interrupt through: the run loop has to look. */
  public static void writeCr8(Cpu c, long value) {
    if ((value & ~0xFL) != 0) {
      throw c.generalProtection(0);
    }
    c.apic.setCr8((int) value);
    c.attention = true;
  }

  // ---------------------------------------------------------------- EFER and XCR0

  /** WRMSR to IA32_EFER. LMA is read-only. */
  static void writeEfer(Cpu c, long value) {
    long writable =
        (c.model.has(Feature.SYSCALL) ? Cpu.EFER_SCE : 0)
            | (c.model.has(Feature.LM) ? Cpu.EFER_LME : 0)
            | (c.model.has(Feature.NX) ? Cpu.EFER_NXE : 0);
    boolean noNx = (value & ~c.efer & Cpu.EFER_NXE) != 0 && c.msrs.disablesNx();
    if ((value & ~(writable | Cpu.EFER_LMA)) != 0 || noNx) {
      throw c.generalProtection(0);
    }
    long changed = (value ^ c.efer) & writable;
    if ((changed & Cpu.EFER_LME) != 0 && (c.cr0 & Cpu.CR0_PG) != 0) {
      throw c.generalProtection(0);
    }
    c.efer ^= changed;
    if ((changed & Cpu.EFER_NXE) != 0) {
      c.mmu.flushAll();
    }
  }

  /** XSETBV; CR4.OSXSAVE and CPL are checked by the caller. */
  public static void writeXcr(Cpu c, int index, long value) {
    boolean x87 = (value & 1) != 0;
    boolean sse = (value & 1 << 1) != 0;
    boolean avx = (value & 1 << 2) != 0;
    if (index != 0 || !x87 || avx && !sse || (value & ~c.model.xcr0Mask()) != 0) {
      throw c.generalProtection(0);
    }
    c.xcr0 = value;
    c.vectorsChanged();
  }

  /**
   * XGETBV; CR4.OSXSAVE is checked by the caller.
   *
   * @param inUse the components that are not in their initial state, for index 1
   */
  public static long readXcr(Cpu c, int index, long inUse) {
    if (index == 0) {
      return c.xcr0;
    }
    if (index == 1 && c.model.has(Feature.XGETBV1)) {
      return c.xcr0 & inUse;
    }
    throw c.generalProtection(0);
  }

  // ---------------------------------------------------------------- invalidation

  /** INVLPG. */
  public static void invalidatePage(Cpu c, long gva) {
    if (c.canonical(gva) || !c.longModeActive()) {
      c.mmu.flushPage(c.linear(gva));
    }
  }

  /**
   * INVPCID.
   *
   * @param type 0 address, 1 one context, 2 all with globals, 3 all without
   * @param low the descriptor's first 8 bytes: PCID and reserved bits
   * @param high the linear address
   */
  public static void invalidatePcid(Cpu c, long type, long low, long high) {
    boolean pcide = (c.cr4 & Cpu.CR4_PCIDE) != 0;
    boolean named = type == 0 || type == 1;
    if (Long.compareUnsigned(type, 3) > 0
        || low >>> 12 != 0
        || named && !pcide && low != 0
        || type == 0 && !c.canonicalBase(high)) {
      throw c.generalProtection(0);
    }
    switch ((int) type) {
      case 0 -> c.mmu.flushPage((int) low, high);
      case 1 -> c.mmu.flushSpace((int) low);
      case 2 -> c.mmu.flushAll();
      default -> c.mmu.flushNonGlobal();
    }
  }
}
