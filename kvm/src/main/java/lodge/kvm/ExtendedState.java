package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Cpuid;
import lodge.cpu.x86.vector.Mxcsr;
import lodge.cpu.x86.x87.X87;

/**
 * XCR0, and the registers of x87, SSE, AVX and the protection keys in XSAVE's standard format (SDM
 * volume 1, 13.4), both ways.
 */
final class ExtendedState {
  private static final long AVX = 1 << 2;
  private static final long PKRU = 1 << 9;

  // The legacy region is FXSAVE's (SDM volume 1, table 10-2).
  private static final int CONTROL = 0;
  private static final int STATUS = 2;
  private static final int TAGS = 4;
  private static final int OPCODE = 6;
  private static final int LAST_RIP = 8;
  private static final int LAST_DATA = 16;
  private static final int MXCSR = 24;
  private static final int MXCSR_MASK = 28;
  private static final int X87_REGISTERS = 32;
  private static final int XMM = 160;
  private static final int XSTATE_BV = 512;
  private static final int UPPER_HALVES = 576;

  private static final long COUNT = Structs.XCRS.offset("nr_xcrs");
  private static final long XCR0 = Structs.XCRS.offset("xcrs[0].value");

  private final StateBlock area;
  private final StateBlock xcrs;
  private final long components;
  private final boolean hasXcr0;

  /**
   * @param components what KVM lets guests have of XCR0's
   * @param hasXcr0 false when the host's processor, or what its own hypervisor lets it have, knows
   *     no XSAVE: then the legacy region is all that there is
   */
  ExtendedState(Fd vcpu, long components, boolean hasXcr0) {
    this.hasXcr0 = hasXcr0;
    this.components = components & (3 | AVX | PKRU);
    area = StateBlock.of(vcpu, Ioctl.GET_XSAVE, Ioctl.SET_XSAVE, Structs.XSAVE.size());
    xcrs = StateBlock.of(vcpu, Ioctl.GET_XCRS, Ioctl.SET_XCRS, Structs.XCRS.size());
  }

  void load(Cpu c) {
    if (hasXcr0) {
      xcrs.data.set(JAVA_INT, COUNT, 1);
      xcrs.data.set(JAVA_LONG, XCR0, c.xcr0);
      xcrs.write();
    }
    MemorySegment a = area.data;
    loadX87(c.x87, a);
    a.set(JAVA_INT, MXCSR, c.mxcsr);
    a.set(JAVA_INT, MXCSR_MASK, Mxcsr.VALID);
    a.set(JAVA_LONG, XSTATE_BV, components);
    for (int i = 0; i < 16; i++) {
      a.set(JAVA_LONG, XMM + 16 * i, c.xmm[4 * i]);
      a.set(JAVA_LONG, XMM + 16 * i + 8, c.xmm[4 * i + 1]);
      if ((components & AVX) != 0) {
        a.set(JAVA_LONG, UPPER_HALVES + 16 * i, c.xmm[4 * i + 2]);
        a.set(JAVA_LONG, UPPER_HALVES + 16 * i + 8, c.xmm[4 * i + 3]);
      }
    }
    if ((components & PKRU) != 0) {
      a.set(JAVA_INT, Cpuid.PKRU_OFFSET, c.pkru);
    }
    area.write();
  }

  private static void loadX87(X87 x, MemorySegment a) {
    a.set(JAVA_SHORT, CONTROL, (short) x.control);
    a.set(JAVA_SHORT, STATUS, (short) x.statusWord());
    a.set(JAVA_BYTE, TAGS, (byte) x.fxsaveTags());
    a.set(JAVA_SHORT, OPCODE, (short) x.lastOpcode);
    a.set(JAVA_LONG, LAST_RIP, x.lastRip);
    a.set(JAVA_LONG, LAST_DATA, x.lastDataPointer);
    for (int i = 0; i < 8; i++) {
      int physical = x.top + i & 7;
      a.set(JAVA_LONG, X87_REGISTERS + 16 * i, x.significand[physical]);
      a.set(JAVA_SHORT, X87_REGISTERS + 16 * i + 8, (short) x.signExponent[physical]);
    }
  }

  void save(Cpu c) {
    if (hasXcr0) {
      xcrs.read();
      c.xcr0 = xcrs.data.get(JAVA_LONG, XCR0);
    }
    area.read();
    MemorySegment a = area.data;
    saveX87(c.x87, a);
    c.mxcsr = a.get(JAVA_INT, MXCSR);
    for (int i = 0; i < 16; i++) {
      c.xmm[4 * i] = a.get(JAVA_LONG, XMM + 16 * i);
      c.xmm[4 * i + 1] = a.get(JAVA_LONG, XMM + 16 * i + 8);
      if ((components & AVX) != 0) {
        c.xmm[4 * i + 2] = a.get(JAVA_LONG, UPPER_HALVES + 16 * i);
        c.xmm[4 * i + 3] = a.get(JAVA_LONG, UPPER_HALVES + 16 * i + 8);
      }
    }
    if ((components & PKRU) != 0) {
      c.pkru = a.get(JAVA_INT, Cpuid.PKRU_OFFSET);
    }
  }

  private static void saveX87(X87 x, MemorySegment a) {
    x.setControlWord(a.get(JAVA_SHORT, CONTROL) & 0xFFFF);
    x.setStatusWord(a.get(JAVA_SHORT, STATUS) & 0xFFFF);
    x.setFxsaveTags(a.get(JAVA_BYTE, TAGS));
    x.lastOpcode = a.get(JAVA_SHORT, OPCODE) & 0x7FF;
    x.lastRip = a.get(JAVA_LONG, LAST_RIP);
    x.lastDataPointer = a.get(JAVA_LONG, LAST_DATA);
    for (int i = 0; i < 8; i++) {
      int physical = x.top + i & 7;
      x.significand[physical] = a.get(JAVA_LONG, X87_REGISTERS + 16 * i);
      x.signExponent[physical] = a.get(JAVA_SHORT, X87_REGISTERS + 16 * i + 8) & 0xFFFF;
    }
  }
}
