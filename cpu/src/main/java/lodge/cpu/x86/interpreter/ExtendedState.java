package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Cpuid;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.Mxcsr;

/**
 * FXSAVE, FXRSTOR and the XSAVE family (SDM volume 1, 10.5 and chapter 13).
 *
 * <p>Components are x87 (bit 0), SSE (bit 1), the upper halves of the YMM registers (bit 2) and
 * PKRU (bit 9). Both formats have the upper halves right behind the header; PKRU has a place of its
 * own in the standard format and follows what is there in the compacted one. The processor has no
 * supervisor components: IA32_XSS is 0.
 */
final class ExtendedState {
  private static final long X87 = 1;
  private static final long SSE = 1 << 1;
  private static final long AVX = 1 << 2;
  private static final long PKRU = 1 << 9;
  private static final long COMPACT = 1L << 63;

  private static final int MXCSR = 24;
  private static final int REGISTERS = 160;
  private static final int HEADER = 512;
  private static final int XSTATE_BV = HEADER;
  private static final int XCOMP_BV = HEADER + 8;
  private static final int RESERVED = HEADER + 16;
  private static final int UPPER_HALVES = HEADER + 64;
  private static final int UPPER_BYTES = 256;
  private static final int PKRU_BYTES = 8;

  private ExtendedState() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case FXSAVE -> new FxSave(insn, offset);
      case FXRSTOR -> new FxRestore(insn, offset);
      case XSAVE -> new XSave(insn, offset, false);
      case XSAVEOPT -> new XSave(insn, offset, true);
      case XSAVEC -> new XSaveCompact(insn, offset, false);
      case XSAVES -> new XSaveCompact(insn, offset, true);
      case XRSTOR -> new XRestore(insn, offset, false);
      case XRSTORS -> new XRestore(insn, offset, true);
      default -> null;
    };
  }

  // ---------------------------------------------------------------- parts

  /** XMM registers that the mode has: 16 in 64-bit mode, else 8. */
  private static int registers(Cpu c) {
    return c.mode64() ? 16 : 8;
  }

  private static void storeRegisters(Cpu c, long area) {
    for (int i = 0; i < registers(c); i++) {
      c.mmu.write64(area + REGISTERS + 16 * i, c.xmm[4 * i]);
      c.mmu.write64(area + REGISTERS + 16 * i + 8, c.xmm[4 * i + 1]);
    }
  }

  private static void loadRegisters(Cpu c, long area) {
    for (int i = 0; i < registers(c); i++) {
      c.xmm[4 * i] = c.mmu.read64(area + REGISTERS + 16 * i);
      c.xmm[4 * i + 1] = c.mmu.read64(area + REGISTERS + 16 * i + 8);
    }
  }

  private static void storeUpperHalves(Cpu c, long area) {
    for (int i = 0; i < registers(c); i++) {
      c.mmu.write64(area + UPPER_HALVES + 16 * i, c.xmm[4 * i + 2]);
      c.mmu.write64(area + UPPER_HALVES + 16 * i + 8, c.xmm[4 * i + 3]);
    }
  }

  private static void loadUpperHalves(Cpu c, long area) {
    for (int i = 0; i < registers(c); i++) {
      c.xmm[4 * i + 2] = c.mmu.read64(area + UPPER_HALVES + 16 * i);
      c.xmm[4 * i + 3] = c.mmu.read64(area + UPPER_HALVES + 16 * i + 8);
    }
  }

  /** Zeroes two of the four lanes of each register that the mode has. */
  private static void clear(Cpu c, int lane) {
    for (int i = 0; i < registers(c); i++) {
      c.xmm[4 * i + lane] = 0;
      c.xmm[4 * i + lane + 1] = 0;
    }
  }

  private static void storeMxcsr(Cpu c, long area) {
    c.mmu.write64(area + MXCSR, c.mxcsr | (long) Mxcsr.VALID << 32);
  }

  private static int readMxcsr(Cpu c, long area) {
    int value = c.mmu.read32(area + MXCSR);
    if ((value & ~Mxcsr.VALID) != 0) {
      throw c.generalProtection(0);
    }
    return value;
  }

  /** XGETBV with ECX = 1: XINUSE as software sees it (SDM volume 1, 13.6). */
  static long inUseForSoftware(Cpu c) {
    return inUse(c) | X87 | (c.mxcsr != Mxcsr.DEFAULT ? SSE : 0);
  }

  /** XINUSE: the components that differ from their initial state. */
  private static long inUse(Cpu c) {
    long sse = 0;
    long avx = 0;
    for (int i = 0; i < 64; i += 4) {
      sse |= c.xmm[i] | c.xmm[i + 1];
      avx |= c.xmm[i + 2] | c.xmm[i + 3];
    }
    return (c.x87.inUse() ? X87 : 0)
        | (sse != 0 ? SSE : 0)
        | (avx != 0 ? AVX : 0)
        | (c.pkru != 0 ? PKRU : 0);
  }

  /**
   * Where PKRU stands in the compacted format.
   *
   * @param layout the components that have a place in the area
   */
  private static int compactPkru(long layout) {
    return (layout & AVX) != 0 ? UPPER_HALVES + UPPER_BYTES : UPPER_HALVES;
  }

  /**
   * How far an area reaches, in bytes, that holds these components.
   *
   * @param pkru where PKRU stands
   */
  private static int extent(long components, int pkru) {
    if ((components & PKRU) != 0) {
      return pkru + PKRU_BYTES;
    }
    return (components & AVX) != 0 ? UPPER_HALVES + UPPER_BYTES : UPPER_HALVES;
  }

  /** Cached translations hold the rights that the keys gave them. */
  private static void loadPkru(Cpu c, int value) {
    if (c.pkru != value) {
      c.pkru = value;
      c.mmu.flushAll();
    }
  }

  /** An op on a save area. */
  abstract static class AreaOp extends MemOp {
    /** The 64-bit formats of the x87 pointers. */
    final boolean wide;

    AreaOp(Insn insn, int offset) {
      super(insn, offset);
      wide = insn.rexW;
    }

    static void checkXsave(Cpu c) {
      if ((c.cr4 & Cpu.CR4_OSXSAVE) == 0) {
        throw c.undefined();
      }
      if ((c.cr0 & Cpu.CR0_TS) != 0) {
        throw c.fault(Vector.NM);
      }
    }

    static void checkAlignment(Cpu c, long gva, int alignment) {
      if ((gva & alignment - 1) != 0) {
        throw c.generalProtection(0);
      }
    }

    /** RFBM: the components that EDX:EAX asks for and XCR0 allows. */
    static long requested(Cpu c) {
      return (c.r[Cpu.RDX] << 32 | c.r[Cpu.RAX] & 0xFFFF_FFFFL) & c.xcr0;
    }
  }

  // ---------------------------------------------------------------- FXSAVE

  static final class FxSave extends AreaOp {
    FxSave(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkAvailable(c);
      long area = writeAddress(c, 512);
      checkAlignment(c, area, 16);
      c.mmu.probeWrite(area, 512);
      c.x87.storeLegacyArea(c.mmu, area, wide);
      storeMxcsr(c, area);
      storeRegisters(c, area);
      return next;
    }
  }

  static final class FxRestore extends AreaOp {
    FxRestore(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkAvailable(c);
      long area = readAddress(c, 512);
      checkAlignment(c, area, 16);
      c.mmu.probeRead(area, 512);
      c.mxcsr = readMxcsr(c, area);
      c.x87.loadLegacyArea(c.mmu, area, wide);
      loadRegisters(c, area);
      return next;
    }
  }

  // ---------------------------------------------------------------- XSAVE

  /** XSAVE and XSAVEOPT, in the standard format. */
  static final class XSave extends AreaOp {
    private final boolean optimized;

    XSave(Insn insn, int offset, boolean optimized) {
      super(insn, offset);
      this.optimized = optimized;
    }

    @Override
    public Op exec(Cpu c) {
      checkXsave(c);
      long requested = requested(c);
      long inUse = inUse(c);
      int extent = extent(requested, Cpuid.PKRU_OFFSET);
      long area = writeAddress(c, extent);
      checkAlignment(c, area, 64);
      c.mmu.probeWrite(area, extent);
      long old = c.mmu.read64(area + XSTATE_BV);
      long saved = optimized ? requested & inUse : requested;
      if ((saved & X87) != 0) {
        c.x87.storeLegacyArea(c.mmu, area, wide);
      }
      if ((saved & SSE) != 0) {
        storeRegisters(c, area);
      }
      if ((requested & (SSE | AVX)) != 0) {
        storeMxcsr(c, area);
      }
      if ((saved & AVX) != 0) {
        storeUpperHalves(c, area);
      }
      if ((saved & PKRU) != 0) {
        c.mmu.write64(area + Cpuid.PKRU_OFFSET, c.pkru & 0xFFFF_FFFFL);
      }
      c.mmu.write64(area + XSTATE_BV, old & ~requested | inUse & requested);
      return next;
    }
  }

  /** XSAVEC and XSAVES, in the compacted format. */
  static final class XSaveCompact extends AreaOp {
    private final boolean supervisor;

    XSaveCompact(Insn insn, int offset, boolean supervisor) {
      super(insn, offset);
      this.supervisor = supervisor;
    }

    @Override
    public Op exec(Cpu c) {
      checkXsave(c);
      if (supervisor && c.cpl != 0) {
        throw c.generalProtection(0);
      }
      long requested = requested(c);
      int pkru = compactPkru(requested);
      int extent = extent(requested, pkru);
      long area = writeAddress(c, extent);
      checkAlignment(c, area, 64);
      c.mmu.probeWrite(area, extent);
      long saved = requested & inUse(c);
      if (c.mxcsr != Mxcsr.DEFAULT) {
        saved |= requested & SSE;
      }
      if ((saved & X87) != 0) {
        c.x87.storeLegacyArea(c.mmu, area, wide);
      }
      if ((saved & SSE) != 0) {
        storeMxcsr(c, area);
        storeRegisters(c, area);
      }
      if ((saved & AVX) != 0) {
        storeUpperHalves(c, area);
      }
      if ((saved & PKRU) != 0) {
        c.mmu.write64(area + pkru, c.pkru & 0xFFFF_FFFFL);
      }
      c.mmu.write64(area + XSTATE_BV, saved);
      c.mmu.write64(area + XCOMP_BV, requested | COMPACT);
      return next;
    }
  }

  // ---------------------------------------------------------------- XRSTOR

  /** XRSTOR of both formats and XRSTORS. */
  static final class XRestore extends AreaOp {
    private final boolean supervisor;

    XRestore(Insn insn, int offset, boolean supervisor) {
      super(insn, offset);
      this.supervisor = supervisor;
    }

    @Override
    public Op exec(Cpu c) {
      checkXsave(c);
      if (supervisor && c.cpl != 0) {
        throw c.generalProtection(0);
      }
      long requested = requested(c);
      long area = readAddress(c, UPPER_HALVES);
      checkAlignment(c, area, 64);
      c.mmu.probeRead(area, UPPER_HALVES);
      long present = c.mmu.read64(area + XSTATE_BV);
      long format = c.mmu.read64(area + XCOMP_BV);
      boolean compact = format < 0;
      checkHeader(c, area, present, format);
      long loaded = requested & present;
      int pkru = compact ? compactPkru(format) : Cpuid.PKRU_OFFSET;
      int extent = extent(loaded, pkru);
      if (extent > UPPER_HALVES) {
        c.mmu.probeRead(readAddress(c, extent), extent);
      }
      // In the standard format MXCSR is loaded for SSE and for AVX, whether or not the header says
      // that it is there.
      boolean control = compact ? (loaded & SSE) != 0 : (requested & (SSE | AVX)) != 0;
      if (control) {
        c.mxcsr = readMxcsr(c, area);
      } else if (compact && (requested & SSE) != 0) {
        c.mxcsr = Mxcsr.DEFAULT;
      }
      if ((loaded & X87) != 0) {
        c.x87.loadLegacyArea(c.mmu, area, wide);
      } else if ((requested & X87) != 0) {
        c.x87.initForXrstor();
      }
      if ((loaded & SSE) != 0) {
        loadRegisters(c, area);
      } else if ((requested & SSE) != 0) {
        clear(c, 0);
      }
      if ((loaded & AVX) != 0) {
        loadUpperHalves(c, area);
      } else if ((requested & AVX) != 0) {
        clear(c, 2);
      }
      if ((requested & PKRU) != 0) {
        loadPkru(c, (loaded & PKRU) != 0 ? c.mmu.read32(area + pkru) : 0);
      }
      return next;
    }

    private void checkHeader(Cpu c, long area, long present, long format) {
      boolean valid;
      if (format < 0) {
        long listed = format & ~COMPACT;
        valid = (listed & ~c.xcr0) == 0 && (present & ~listed) == 0;
      } else {
        valid = !supervisor && format == 0 && (present & ~c.xcr0) == 0;
      }
      long reserved = c.mmu.read64(area + RESERVED);
      if (format < 0) {
        for (int i = 8; i < 48; i += 8) {
          reserved |= c.mmu.read64(area + RESERVED + i);
        }
      }
      if (!valid || reserved != 0) {
        throw c.generalProtection(0);
      }
    }
  }
}
