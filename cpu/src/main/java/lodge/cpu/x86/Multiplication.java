package lodge.cpu.x86;

/** MUL, IMUL, DIV and IDIV with the implied accumulator registers (SDM volume 2). */
public final class Multiplication {
  private Multiplication() {}

  public static void mul(Cpu c, int size, long b) {
    long[] r = c.r;
    switch (size) {
      case 8 -> {
        long a = r[Cpu.RAX];
        long high = Math.unsignedMultiplyHigh(a, b);
        r[Cpu.RAX] = a * b;
        r[Cpu.RDX] = high;
        Alu.mulFlags(c, 8, a * b, high != 0);
      }
      case 4 -> {
        long product = (r[Cpu.RAX] & 0xFFFF_FFFFL) * (b & 0xFFFF_FFFFL);
        r[Cpu.RAX] = product & 0xFFFF_FFFFL;
        r[Cpu.RDX] = product >>> 32;
        Alu.mulFlags(c, 4, product, product >>> 32 != 0);
      }
      case 2 -> {
        long product = (r[Cpu.RAX] & 0xFFFF) * (b & 0xFFFF);
        set16(r, Cpu.RAX, product);
        set16(r, Cpu.RDX, product >>> 16);
        Alu.mulFlags(c, 2, product, product >>> 16 != 0);
      }
      default -> {
        long product = (r[Cpu.RAX] & 0xFF) * (b & 0xFF);
        set16(r, Cpu.RAX, product);
        Alu.mulFlags(c, 1, product, product >>> 8 != 0);
      }
    }
  }

  /** IMUL with one operand; {@code b} of any extension. */
  public static void imul(Cpu c, int size, long b) {
    long[] r = c.r;
    if (size == 8) {
      long a = r[Cpu.RAX];
      long high = Math.multiplyHigh(a, b);
      long low = a * b;
      r[Cpu.RAX] = low;
      r[Cpu.RDX] = high;
      Alu.mulFlags(c, 8, low, high != low >> 63);
      return;
    }
    long product = Alu.signExtend(size, r[Cpu.RAX]) * Alu.signExtend(size, b);
    switch (size) {
      case 4 -> {
        r[Cpu.RAX] = product & 0xFFFF_FFFFL;
        r[Cpu.RDX] = product >>> 32;
      }
      case 2 -> {
        set16(r, Cpu.RAX, product);
        set16(r, Cpu.RDX, product >>> 16);
      }
      default -> set16(r, Cpu.RAX, product);
    }
    Alu.mulFlags(c, size, product, product != Alu.signExtend(size, product));
  }

  /** IMUL with two or three operands. */
  public static long imul(Cpu c, int size, long a, long b) {
    if (size == 8) {
      long low = a * b;
      Alu.mulFlags(c, 8, low, Math.multiplyHigh(a, b) != low >> 63);
      return low;
    }
    long product = Alu.signExtend(size, a) * Alu.signExtend(size, b);
    Alu.mulFlags(c, size, product, product != Alu.signExtend(size, product));
    return product;
  }

  /** DIV; #DE when the divisor is 0 or the quotient does not fit. */
  public static void div(Cpu c, int size, long b) {
    long[] r = c.r;
    long divisor = Alu.zeroExtend(size, b);
    if (divisor == 0) {
      throw c.fault(Vector.DE);
    }
    switch (size) {
      case 8 -> {
        long high = r[Cpu.RDX];
        long low = r[Cpu.RAX];
        if (Long.compareUnsigned(high, divisor) >= 0) {
          throw c.fault(Vector.DE);
        }
        long quotient = divide128(high, low, divisor);
        r[Cpu.RAX] = quotient;
        r[Cpu.RDX] = low - quotient * divisor;
      }
      case 4 -> {
        long dividend = r[Cpu.RDX] << 32 | r[Cpu.RAX] & 0xFFFF_FFFFL;
        long quotient = Long.divideUnsigned(dividend, divisor);
        if (quotient >>> 32 != 0) {
          throw c.fault(Vector.DE);
        }
        r[Cpu.RAX] = quotient;
        r[Cpu.RDX] = dividend - quotient * divisor;
      }
      case 2 -> {
        long dividend = (r[Cpu.RDX] & 0xFFFF) << 16 | r[Cpu.RAX] & 0xFFFF;
        long quotient = dividend / divisor;
        if (quotient >>> 16 != 0) {
          throw c.fault(Vector.DE);
        }
        set16(r, Cpu.RAX, quotient);
        set16(r, Cpu.RDX, dividend % divisor);
      }
      default -> {
        long dividend = r[Cpu.RAX] & 0xFFFF;
        long quotient = dividend / divisor;
        if (quotient >>> 8 != 0) {
          throw c.fault(Vector.DE);
        }
        set16(r, Cpu.RAX, quotient | dividend % divisor << 8);
      }
    }
  }

  /** IDIV; #DE when the divisor is 0 or the quotient does not fit. */
  public static void idiv(Cpu c, int size, long b) {
    long[] r = c.r;
    long divisor = Alu.signExtend(size, b);
    if (divisor == 0) {
      throw c.fault(Vector.DE);
    }
    if (size == 8) {
      idiv64(c, r[Cpu.RDX], r[Cpu.RAX], divisor);
      return;
    }
    long dividend =
        switch (size) {
          case 4 -> r[Cpu.RDX] << 32 | r[Cpu.RAX] & 0xFFFF_FFFFL;
          case 2 -> (int) ((r[Cpu.RDX] & 0xFFFF) << 16 | r[Cpu.RAX] & 0xFFFF);
          default -> (short) r[Cpu.RAX];
        };
    // Long.MIN_VALUE / -1 wraps around and then fails to fit, as it should.
    long quotient = dividend / divisor;
    if (quotient != Alu.signExtend(size, quotient)) {
      throw c.fault(Vector.DE);
    }
    long remainder = dividend - quotient * divisor;
    switch (size) {
      case 4 -> {
        r[Cpu.RAX] = quotient & 0xFFFF_FFFFL;
        r[Cpu.RDX] = remainder & 0xFFFF_FFFFL;
      }
      case 2 -> {
        set16(r, Cpu.RAX, quotient);
        set16(r, Cpu.RDX, remainder);
      }
      default -> set16(r, Cpu.RAX, quotient & 0xFF | (remainder & 0xFF) << 8);
    }
  }

  private static void idiv64(Cpu c, long high, long low, long divisor) {
    boolean negative = high < 0;
    long magnitudeHigh = high;
    long magnitudeLow = low;
    if (negative) {
      magnitudeLow = -low;
      magnitudeHigh = ~high + (low == 0 ? 1 : 0);
    }
    long magnitude = Math.abs(divisor);
    if (Long.compareUnsigned(magnitudeHigh, magnitude) >= 0) {
      throw c.fault(Vector.DE);
    }
    long quotient = divide128(magnitudeHigh, magnitudeLow, magnitude);
    long remainder = magnitudeLow - quotient * magnitude;
    boolean quotientNegative = negative ^ divisor < 0;
    // Up to 2^63 - 1, or 2^63 for a negative quotient.
    if (quotientNegative ? Long.compareUnsigned(quotient, Long.MIN_VALUE) > 0 : quotient < 0) {
      throw c.fault(Vector.DE);
    }
    c.r[Cpu.RAX] = quotientNegative ? -quotient : quotient;
    c.r[Cpu.RDX] = negative ? -remainder : remainder;
  }

  /**
   * Unsigned {@code (high:low) / divisor} with {@code high < divisor}: schoolbook division by
   * 32-bit digits.
   */
  static long divide128(long high, long low, long divisor) {
    if (high == 0) {
      return Long.divideUnsigned(low, divisor);
    }
    int shift = Long.numberOfLeadingZeros(divisor);
    long d = divisor << shift;
    long dHigh = d >>> 32;
    long dLow = d & 0xFFFF_FFFFL;
    long n = shift == 0 ? high : high << shift | low >>> 64 - shift;
    long rest = low << shift;
    long q1 = digit(n, dHigh, dLow, rest >>> 32);
    long n2 = (n << 32 | rest >>> 32) - q1 * d;
    long q0 = digit(n2, dHigh, dLow, rest & 0xFFFF_FFFFL);
    return (q1 << 32) + q0;
  }

  /** One quotient digit: the estimate from the leading digits is at most 2 too large. */
  private static long digit(long n, long dHigh, long dLow, long nextDigit) {
    long q = Long.divideUnsigned(n, dHigh);
    long remainder = n - q * dHigh;
    while (q >>> 32 != 0 || Long.compareUnsigned(q * dLow, remainder << 32 | nextDigit) > 0) {
      q--;
      remainder += dHigh;
      if (remainder >>> 32 != 0) {
        break;
      }
    }
    return q;
  }

  private static void set16(long[] r, int register, long value) {
    r[register] = r[register] & ~0xFFFFL | value & 0xFFFF;
  }
}
