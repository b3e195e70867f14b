package lodge.cpu.x86;

/**
 * RFLAGS, with its six arithmetic flags computed on demand from two longs:
 *
 * <ul>
 *   <li>{@code result}: the operation's result, sign-extended from its operand size. ZF is {@code
 *       result == 0}.
 *   <li>{@code aux}: bit 63 is CF; bit 62 is CF xor OF; bit 3 is AF; bit 0 is xored onto the sign
 *       of {@code result} to give SF; bits 15:8 are xored onto the low byte of {@code result}
 *       before its parity gives PF.
 * </ul>
 *
 * An ADD or SUB stores its carry-out vector there; logic stores 0; POPF and the like use the xor
 * bits to express what no result could (ZF and SF together).
 */
public final class Flags {
  public static final int CF = 1;
  public static final int PF = 1 << 2;
  public static final int AF = 1 << 4;
  public static final int ZF = 1 << 6;
  public static final int SF = 1 << 7;
  public static final int TF = 1 << 8;
  public static final int IF = 1 << 9;
  public static final int DF = 1 << 10;
  public static final int OF = 1 << 11;
  public static final int IOPL = 3 << 12;
  public static final int NT = 1 << 14;
  public static final int RF = 1 << 16;
  public static final int VM = 1 << 17;
  public static final int AC = 1 << 18;
  public static final int VIF = 1 << 19;
  public static final int VIP = 1 << 20;
  public static final int ID = 1 << 21;

  /** The lazily kept ones. */
  public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

  /** Bits of {@code aux}. */
  public static final long AUX_CF = 1L << 63;

  public static final long AUX_PO = 1L << 62;
  public static final long AUX_AF = 1L << 3;
  private static final long CARRY_BITS = AUX_CF | AUX_PO | AUX_AF;

  private Flags() {}

  /** {@code aux} of a 64-bit operation from its vector of carries (or borrows) out of each bit. */
  public static long aux64(long carries) {
    return carries & CARRY_BITS;
  }

  /** {@code aux} of a 32-bit operation from its vector of carries (or borrows) out of each bit. */
  public static long aux32(int carries) {
    return (long) carries << 32 & (AUX_CF | AUX_PO) | carries & AUX_AF;
  }

  public static long aux16(int carries) {
    return (long) carries << 48 & (AUX_CF | AUX_PO) | carries & AUX_AF;
  }

  public static long aux8(int carries) {
    return (long) carries << 56 & (AUX_CF | AUX_PO) | carries & AUX_AF;
  }

  /** {@code aux} for a size in bytes. */
  public static long aux(int size, long carries) {
    return carries << 64 - 8 * size & (AUX_CF | AUX_PO) | carries & AUX_AF;
  }

  public static boolean cf(Cpu c) {
    return c.flagAux < 0;
  }

  public static boolean of(Cpu c) {
    long aux = c.flagAux;
    return (aux ^ aux << 1) < 0;
  }

  public static boolean zf(Cpu c) {
    return c.flagResult == 0;
  }

  public static boolean sf(Cpu c) {
    return (c.flagResult ^ c.flagAux << 63) < 0;
  }

  public static boolean pf(Cpu c) {
    return (Integer.bitCount((int) (c.flagResult ^ c.flagAux >>> 8) & 0xFF) & 1) == 0;
  }

  public static boolean af(Cpu c) {
    return (c.flagAux & AUX_AF) != 0;
  }

  /** SF != OF. */
  public static boolean less(Cpu c) {
    long aux = c.flagAux;
    return (c.flagResult ^ aux << 63 ^ aux ^ aux << 1) < 0;
  }

  /** Condition codes 0 to 15 as Jcc, SETcc and CMOVcc encode them. */
  public static boolean condition(Cpu c, int code) {
    boolean holds =
        switch (code >> 1) {
          case 0 -> of(c);
          case 1 -> cf(c);
          case 2 -> zf(c);
          case 3 -> cf(c) || zf(c);
          case 4 -> sf(c);
          case 5 -> pf(c);
          case 6 -> less(c);
          default -> zf(c) || less(c);
        };
    return holds ^ (code & 1) != 0;
  }

  /** All of RFLAGS. */
  public static int get(Cpu c) {
    return c.eflags | arithmetic(c);
  }

  /** The six arithmetic flags at their places, all else 0. */
  public static int arithmetic(Cpu c) {
    return (cf(c) ? CF : 0)
        | (pf(c) ? PF : 0)
        | (af(c) ? AF : 0)
        | (zf(c) ? ZF : 0)
        | (sf(c) ? SF : 0)
        | (of(c) ? OF : 0);
  }

  /** Sets the six arithmetic flags from their places in {@code flags}; other bits are ignored. */
  public static void setArithmetic(Cpu c, int flags) {
    boolean cf = (flags & CF) != 0;
    boolean of = (flags & OF) != 0;
    boolean zf = (flags & ZF) != 0;
    boolean sf = (flags & SF) != 0;
    boolean pf = (flags & PF) != 0;
    // The result is 0 or 1, both of positive sign; parity of 0 is even, of 1 odd.
    c.flagResult = zf ? 0 : 1;
    c.flagAux =
        (cf ? AUX_CF : 0)
            | (cf ^ of ? AUX_PO : 0)
            | ((flags & AF) != 0 ? AUX_AF : 0)
            | (sf ? 1 : 0)
            | (pf == zf ? 0 : 0x100);
  }

  /**
   * Sets all of RFLAGS; the caller has decided which bits may change and calls {@link
   * Cpu#modeChanged} where needed.
   */
  public static void set(Cpu c, int flags) {
    setArithmetic(c, flags);
    c.eflags = flags & ~ARITHMETIC & 0x3F_7FD7 | 2;
  }

  /** Replaces CF alone. */
  public static void setCf(Cpu c, boolean cf) {
    if (cf != cf(c)) {
      // CF and CF^OF both flip, so that OF stays.
      c.flagAux ^= AUX_CF | AUX_PO;
    }
  }

  /** Replaces CF and OF, leaving the others. */
  public static void setCfOf(Cpu c, boolean cf, boolean of) {
    c.flagAux = c.flagAux & ~(AUX_CF | AUX_PO) | (cf ? AUX_CF : 0) | (cf ^ of ? AUX_PO : 0);
  }
}
