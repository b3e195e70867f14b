package lodge.cpu.x86.x87;

/** Loads, stores and moves within the register stack. */
public final class Transfers {
  private Transfers() {}

  /**
   * Pushes what {@link X87#number} holds from {@link Conversions}: FLD m32fp and m64fp, FILD, FBLD.
   */
  public static void load(X87 x) {
    if (x.pushFaults()) {
      return;
    }
    ExtFloat f = x.number;
    // An unmasked DE does not keep the number from being pushed.
    if (x.complete(f.flags) || (f.flags & X87.DE) != 0) {
      x.push(f.se, (f.flags & X87.IE) != 0 ? f.sig | ExtFloat.QUIET_BIT : f.sig);
    }
  }

  /** FLD m80fp: as it is. */
  public static void loadExtended(X87 x, int se, long sig) {
    if (!x.pushFaults()) {
      x.complete(0);
      x.push(se, sig);
    }
  }

  /** FLD ST(i). */
  public static void loadRegister(X87 x, int i) {
    if (x.empty(i)) { // goes before a push that overflows
      if (x.underflows()) {
        x.push(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
      }
    } else if (!x.pushFaults()) {
      x.complete(0);
      x.push(x.se(i), x.sig(i));
    }
  }

  // What the stores store. These leave the value and the exceptions in x.number and change nothing
  // else, since memory may
  // fault yet; an exception that keeps the value from being stored goes before the faults of
  // memory.

  /**
   * What FST m32fp and m64fp store, in {@link ExtFloat#sig}.
   *
   * @param size 4 or 8 bytes
   * @return whether anything is to be stored and popped
   */
  public static boolean real(X87 x, int size) {
    ExtFloat f = x.number;
    if (x.empty(0)) {
      f.sig = size == 4 ? Conversions.SINGLE_INDEFINITE : Conversions.DOUBLE_INDEFINITE;
      return nothingThere(x, f);
    }
    f.sig =
        size == 4
            ? Conversions.toSingle(f, x.control, x.se(0), x.sig(0))
            : Conversions.toDouble(f, x.control, x.se(0), x.sig(0));
    return (f.flags & ~x.control & (X87.IE | X87.OE | X87.UE)) == 0;
  }

  private static boolean nothingThere(X87 x, ExtFloat f) {
    f.flags = X87.IE | X87.SF;
    return (x.control & X87.IE) != 0;
  }

  /**
   * What FSTP m80fp stores, in {@link ExtFloat#se} and {@link ExtFloat#sig}; returns as {@link
   * #real} does.
   */
  public static boolean extended(X87 x) {
    ExtFloat f = x.number;
    if (x.empty(0)) {
      f.set(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
      return nothingThere(x, f);
    }
    f.set(x.se(0), x.sig(0));
    f.flags = 0;
    return true;
  }

  /**
   * What FIST and FISTTP store, in {@link ExtFloat#sig}.
   *
   * @param size 2, 4 or 8 bytes
   * @return as {@link #real} does
   */
  public static boolean integer(X87 x, int size, boolean truncate) {
    ExtFloat f = x.number;
    if (x.empty(0)) {
      f.sig = -1L << 8 * size - 1;
      return nothingThere(x, f);
    }
    f.sig = Conversions.toInteger(f, x.control, x.se(0), x.sig(0), size, truncate);
    return (f.flags & ~x.control & X87.IE) == 0;
  }

  /**
   * What FBSTP stores: upper two bytes in {@link ExtFloat#se}, the lower eight in {@link
   * ExtFloat#sig}; returns as {@link #real} does.
   */
  public static boolean bcd(X87 x) {
    ExtFloat f = x.number;
    if (x.empty(0)) {
      f.set(Conversions.BCD_INDEFINITE_HIGH, Conversions.BCD_INDEFINITE_LOW);
      return nothingThere(x, f);
    }
    Conversions.toBcd(f, x.control, x.se(0), x.sig(0));
    return (f.flags & ~x.control & X87.IE) == 0;
  }

  /** FST ST(i) and FSTP ST(i). */
  public static void storeRegister(X87 x, int i, boolean pop) {
    if (!x.empty(0)) {
      x.complete(0);
      x.set(i, x.se(0), x.sig(0));
    } else if (x.underflows()) {
      x.setIndefinite(i);
    } else {
      return;
    }
    if (pop) {
      x.pop();
    }
  }

  /**
   * D9 D8+i, the FSTP whose reading of an empty register is no exception: nothing is stored then.
   */
  public static void storeUnchecked(X87 x, int i) {
    x.complete(0);
    if (!x.empty(0)) {
      x.set(i, x.se(0), x.sig(0));
    }
    x.pop();
  }

  /** FXCH. */
  public static void exchange(X87 x, int i) {
    if (x.empty(0) || x.empty(i)) {
      if (!x.underflows()) {
        return;
      }
      if (x.empty(0)) {
        x.setIndefinite(0);
      }
      if (x.empty(i)) {
        x.setIndefinite(i);
      }
    } else {
      x.complete(0);
    }
    int se = x.se(0);
    long sig = x.sig(0);
    x.set(0, x.se(i), x.sig(i));
    x.set(i, se, sig);
  }

  /** FCMOVcc. */
  public static void moveIf(X87 x, int i, boolean condition) {
    if (x.empty(0) || x.empty(i)) {
      if (x.underflows()) {
        x.setIndefinite(0);
      }
    } else { // C1 stays
      if (condition) {
        x.set(0, x.se(i), x.sig(i));
      }
    }
  }

  /** FFREE. */
  public static void free(X87 x, int i) {
    x.status &= ~X87.C1;
    x.valid &= ~(1 << (x.top + i & 7));
  }

  /** FINCSTP (1) and FDECSTP (-1): tags stay. */
  public static void rotate(X87 x, int step) {
    x.top = x.top + step & 7;
    x.status &= ~X87.C1;
  }
}
