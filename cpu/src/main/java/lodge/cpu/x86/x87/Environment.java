package lodge.cpu.x86.x87;

import lodge.cpu.x86.Mmu;

/**
 * The memory images of FNSTENV, FLDENV, FNSAVE and FRSTOR in their four formats (SDM volume 1,
 * 8.1.10). The selectors of the last instruction and operand are deprecated and stored as 0.
 * Callers have probed the memory.
 */
public final class Environment {
  private static final int EMPTY = 3;
  private static final int SPECIAL = 2;
  private static final int ZERO = 1;
  private static final int VALID = 0;

  private Environment() {}

  /** Bytes of an environment for an operand size of 2 or 4 bytes. */
  public static int size(int operandSize) {
    return operandSize == 2 ? 14 : 28;
  }

  /** Bytes of a whole state. */
  public static int stateSize(int operandSize) {
    return size(operandSize) + 80;
  }

  /** The full tag word: two bits a physical register. */
  public static int tagWord(X87 x) {
    int tags = 0;
    for (int i = 7; i >= 0; i--) {
      tags =
          tags << 2 | ((x.valid >> i & 1) == 0 ? EMPTY : tag(x.signExponent[i], x.significand[i]));
    }
    return tags;
  }

  private static int tag(int se, long sig) {
    if (ExtFloat.zero(se, sig)) {
      return ZERO;
    }
    return sig < 0
            && (se & ExtFloat.MAX_EXPONENT) != 0
            && (se & ExtFloat.MAX_EXPONENT) != ExtFloat.MAX_EXPONENT
        ? VALID
        : SPECIAL;
  }

  static void setTagWord(X87 x, int tags) {
    x.valid = 0;
    for (int i = 0; i < 8; i++) {
      if ((tags >> 2 * i & 3) != EMPTY) {
        x.valid |= 1 << i;
      }
    }
  }

  /** FNSTENV without the masking of exceptions that follows. */
  private static void write(X87 x, Mmu mmu, long gva, int operandSize, boolean protectedMode) {
    int rip = (int) x.lastRip;
    int data = (int) x.lastDataPointer;
    int ripHigh = rip >>> 16 << 12 | x.lastOpcode;
    int dataHigh = data >>> 16 << 12;
    if (operandSize == 2) {
      mmu.write16(gva, x.control);
      mmu.write16(gva + 2, x.statusWord());
      mmu.write16(gva + 4, tagWord(x));
      mmu.write16(gva + 6, rip);
      mmu.write16(gva + 8, protectedMode ? 0 : ripHigh);
      mmu.write16(gva + 10, data);
      mmu.write16(gva + 12, protectedMode ? 0 : dataHigh);
    } else {
      mmu.write32(gva, 0xFFFF_0000 | x.control);
      mmu.write32(gva + 4, 0xFFFF_0000 | x.statusWord());
      mmu.write32(gva + 8, 0xFFFF_0000 | tagWord(x));
      mmu.write32(gva + 12, protectedMode ? rip : 0xFFFF_0000 | rip);
      mmu.write32(gva + 16, protectedMode ? x.lastOpcode << 16 : ripHigh);
      mmu.write32(gva + 20, protectedMode ? data : 0xFFFF_0000 | data);
      mmu.write32(gva + 24, protectedMode ? 0xFFFF_0000 : dataHigh);
    }
  }

  /** FNSTENV. */
  public static void store(X87 x, Mmu mmu, long gva, int operandSize, boolean protectedMode) {
    write(x, mmu, gva, operandSize, protectedMode);
    x.maskAll();
  }

  /** FLDENV. */
  public static void load(X87 x, Mmu mmu, long gva, int operandSize, boolean protectedMode) {
    int step = operandSize == 2 ? 2 : 4;
    int control = mmu.read16(gva);
    int status = mmu.read16(gva + step);
    int tags = mmu.read16(gva + 2 * step);
    long rip;
    int ripHigh;
    long data;
    int dataHigh;
    if (operandSize == 2) {
      rip = mmu.read16(gva + 6) & 0xFFFF;
      ripHigh = mmu.read16(gva + 8);
      data = mmu.read16(gva + 10) & 0xFFFF;
      dataHigh = mmu.read16(gva + 12) & 0xF000;
    } else {
      rip = mmu.read32(gva + 12) & 0xFFFF_FFFFL;
      ripHigh = mmu.read32(gva + 16);
      data = mmu.read32(gva + 20) & 0xFFFF_FFFFL;
      dataHigh = mmu.read32(gva + 24) & 0x0FFF_F000;
    }
    if (protectedMode) {
      // The 16-bit format has no room for the opcode.
      x.lastOpcode = operandSize == 2 ? 0 : ripHigh >>> 16 & 0x7FF;
    } else {
      rip = rip & 0xFFFF | (ripHigh & (operandSize == 2 ? 0xF000L : 0x0FFF_F000L)) << 4;
      data = data & 0xFFFF | (dataHigh & 0xFFFF_FFFFL) << 4;
      x.lastOpcode = ripHigh & 0x7FF;
    }
    x.lastRip = rip;
    x.lastDataPointer = data;
    setTagWord(x, tags);
    x.setControlWord(control);
    x.setStatusWord(status);
  }

  /** FNSAVE: stores everything, then initializes. */
  public static void save(X87 x, Mmu mmu, long gva, int operandSize, boolean protectedMode) {
    write(x, mmu, gva, operandSize, protectedMode);
    long a = gva + size(operandSize);
    for (int i = 0; i < 8; i++, a += 10) {
      writeRegister(mmu, a, x.se(i), x.sig(i));
    }
    x.init();
  }

  /** FRSTOR. */
  public static void restore(X87 x, Mmu mmu, long gva, int operandSize, boolean protectedMode) {
    load(x, mmu, gva, operandSize, protectedMode);
    long a = gva + size(operandSize);
    for (int i = 0; i < 8; i++, a += 10) {
      int p = x.top + i & 7;
      x.significand[p] = readSignificand(mmu, a);
      x.signExponent[p] = mmu.read16(a + 8);
    }
  }

  // Registers are ten bytes apart: in pieces of two, which are aligned when the image is.

  private static void writeRegister(Mmu mmu, long gva, int se, long sig) {
    for (int i = 0; i < 4; i++) {
      mmu.write16(gva + 2 * i, (int) (sig >>> 16 * i));
    }
    mmu.write16(gva + 8, se);
  }

  private static long readSignificand(Mmu mmu, long gva) {
    long sig = 0;
    for (int i = 0; i < 4; i++) {
      sig |= (long) mmu.read16(gva + 2 * i) << 16 * i;
    }
    return sig;
  }
}
