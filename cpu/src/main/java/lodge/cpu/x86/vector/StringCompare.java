package lodge.cpu.x86.vector;

import lodge.cpu.x86.Flags;

/** PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (SDM volume 2, 4.1). */
public final class StringCompare {
  private StringCompare() {}

  private static boolean words(int control) {
    return (control & 1) != 0;
  }

  /** How many elements a 16-byte operand has under a control byte: 16 or 8. */
  public static int elements(int control) {
    return words(control) ? 8 : 16;
  }

  /** The length of a string that ends at its first zero element. */
  public static int implicitLength(long low, long high, int control) {
    int count = elements(control);
    for (int i = 0; i < count; i++) {
      if (element(low, high, i, control & 1) == 0) {
        return i;
      }
    }
    return count;
  }

  /** The length that a register states: its absolute value, saturated. */
  public static int explicitLength(long register, int control) {
    int count = elements(control);
    return register > -count && register < count ? (int) Math.abs(register) : count;
  }

  /**
   * @param kind bit 0: words, bit 1: signed
   */
  private static int element(long low, long high, int i, int kind) {
    return switch (kind) {
      case 0 -> (int) ((i < 8 ? low : high) >>> 8 * (i & 7)) & 0xFF;
      case 1 -> (int) ((i < 4 ? low : high) >>> 16 * (i & 3)) & 0xFFFF;
      case 2 -> (byte) ((i < 8 ? low : high) >>> 8 * (i & 7));
      default -> (short) ((i < 4 ? low : high) >>> 16 * (i & 3));
    };
  }

  /** IntRes2: one bit for each element of the second operand. */
  public static int compare(
      long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
    int count = elements(control);
    int result =
        switch (control >> 2 & 3) {
          case 0 -> equalAny(aLow, aHigh, aLength, bLow, bHigh, bLength, control);
          case 1 -> ranges(aLow, aHigh, aLength, bLow, bHigh, bLength, control);
          case 2 -> equalEach(aLow, aHigh, aLength, bLow, bHigh, bLength, control);
          default -> equalOrdered(aLow, aHigh, aLength, bLow, bHigh, bLength, control);
        };
    int all = (1 << count) - 1;
    return switch (control >> 4 & 3) {
      case 1 -> result ^ all;
      case 3 -> result ^ (1 << bLength) - 1;
      default -> result;
    };
  }

  private static int equalAny(
      long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
    int result = 0;
    for (int j = 0; j < bLength; j++) {
      int b = element(bLow, bHigh, j, control & 3);
      for (int i = 0; i < aLength; i++) {
        if (element(aLow, aHigh, i, control & 3) == b) {
          result |= 1 << j;
          break;
        }
      }
    }
    return result;
  }

  private static int ranges(
      long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
    int result = 0;
    for (int j = 0; j < bLength; j++) {
      int b = element(bLow, bHigh, j, control & 3);
      for (int i = 0; i + 1 < aLength; i += 2) {
        if (element(aLow, aHigh, i, control & 3) <= b
            && b <= element(aLow, aHigh, i + 1, control & 3)) {
          result |= 1 << j;
          break;
        }
      }
    }
    return result;
  }

  private static int equalEach(
      long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
    int result = 0;
    int count = elements(control);
    for (int i = 0; i < count; i++) {
      boolean equal;
      if (i < aLength && i < bLength) {
        equal = element(aLow, aHigh, i, control & 3) == element(bLow, bHigh, i, control & 3);
      } else {
        // Beyond both ends elements count as equal, beyond one of them as different.
        equal = i >= aLength && i >= bLength;
      }
      result |= equal ? 1 << i : 0;
    }
    return result;
  }

  private static int equalOrdered(
      long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
    int result = 0;
    int count = elements(control);
    for (int j = 0; j < count; j++) {
      boolean match = true;
      // What would lie beyond the register's end is not compared: the match may go on in the next
      // one.
      for (int i = 0; i < aLength && i + j < count && match; i++) {
        match =
            i + j < bLength
                && element(aLow, aHigh, i, control & 3) == element(bLow, bHigh, i + j, control & 3);
      }
      result |= match ? 1 << j : 0;
    }
    return result;
  }

  /** ECX of PCMPxSTRI. */
  public static int index(int result, int control) {
    if (result == 0) {
      return elements(control);
    }
    return (control & 0x40) == 0
        ? Integer.numberOfTrailingZeros(result)
        : 31 - Integer.numberOfLeadingZeros(result);
  }

  /** A lane (0 or 1) of XMM0 of PCMPxSTRM. */
  public static long mask(int result, int control, int lane) {
    if ((control & 0x40) == 0) {
      return lane == 0 ? result : 0;
    }
    long mask = 0;
    int perLane = elements(control) / 2;
    int width = 64 / perLane;
    for (int i = 0; i < perLane; i++) {
      if ((result >> i + lane * perLane & 1) != 0) {
        mask |= (words(control) ? 0xFFFFL : 0xFFL) << width * i;
      }
    }
    return mask;
  }

  /** The arithmetic flags; AF and PF are 0. */
  public static int flags(int result, int aLength, int bLength, int control) {
    int count = elements(control);
    return (result != 0 ? Flags.CF : 0)
        | (bLength < count ? Flags.ZF : 0)
        | (aLength < count ? Flags.SF : 0)
        | ((result & 1) != 0 ? Flags.OF : 0);
  }
}
