package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Flags against their definitions in SDM volume 1, 3.4.3.1, over all 8-bit operands. */
class AluTest {
  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final Cpu c =
      new Cpu(
          0,
          new CpuModel(),
          memory,
          new PortBus(),
          new MmioBus(),
          new StoppedClock(),
          new NoApic());

  @AfterEach
  void close() {
    memory.close();
  }

  private static int flags(int result, boolean cf, boolean of, boolean af) {
    int r = result & 0xFF;
    return (cf ? Flags.CF : 0)
        | (of ? Flags.OF : 0)
        | (af ? Flags.AF : 0)
        | (r == 0 ? Flags.ZF : 0)
        | (r > 0x7F ? Flags.SF : 0)
        | (Integer.bitCount(r) % 2 == 0 ? Flags.PF : 0);
  }

  @Test
  void additionsAndSubtractionsSetAllSixFlags() {
    for (int a = 0; a < 256; a++) {
      for (int b = 0; b < 256; b++) {
        for (int carry = 0; carry < 2; carry++) {
          Flags.setArithmetic(c, carry);
          long sum = Alu.apply(c, Alu.ADC, 1, a, b);
          assertThat(sum & 0xFF).isEqualTo(a + b + carry & 0xFF);
          assertThat(Flags.arithmetic(c))
              .as("%d + %d + %d", a, b, carry)
              .isEqualTo(
                  flags(
                      a + b + carry,
                      a + b + carry > 0xFF,
                      (byte) a + (byte) b + carry != (byte) (a + b + carry),
                      (a & 15) + (b & 15) + carry > 15));
          Flags.setArithmetic(c, carry);
          Alu.apply(c, Alu.SBB, 1, a, b);
          assertThat(Flags.arithmetic(c))
              .as("%d - %d - %d", a, b, carry)
              .isEqualTo(
                  flags(
                      a - b - carry,
                      a - b - carry < 0,
                      (byte) a - (byte) b - carry != (byte) (a - b - carry),
                      (a & 15) - (b & 15) - carry < 0));
        }
      }
    }
  }

  @Test
  void widerOperandsSetTheSameFlagsAsTheirTopBytesDo() {
    long[] edges = {
      0,
      1,
      0x7F,
      0x80,
      0xFF,
      0x80_00,
      0x7FFF_FFFFL,
      0x8000_0000L,
      0xFFFF_FFFFL,
      -1,
      Long.MIN_VALUE,
      Long.MAX_VALUE
    };
    for (long a : edges) {
      for (long b : edges) {
        Alu.add64(c, a, b);
        int add = Flags.arithmetic(c);
        Alu.apply(c, Alu.ADD, 8, a, b);
        assertThat(Flags.arithmetic(c)).isEqualTo(add);
        assertThat((add & Flags.CF) != 0).isEqualTo(Long.compareUnsigned(a + b, a) < 0);
        assertThat((add & Flags.OF) != 0).isEqualTo(((a ^ a + b) & (b ^ a + b)) < 0);
        Alu.sub32(c, (int) a, (int) b);
        int sub = Flags.arithmetic(c);
        Alu.apply(c, Alu.SUB, 4, a & 0xFFFF_FFFFL, b & 0xFFFF_FFFFL);
        assertThat(Flags.arithmetic(c)).isEqualTo(sub);
        assertThat((sub & Flags.CF) != 0).isEqualTo(Integer.compareUnsigned((int) a, (int) b) < 0);
        assertThat((sub & Flags.OF) != 0).isEqualTo((int) a - (long) (int) b != (int) a - (int) b);
      }
    }
  }

  @Test
  void incrementAndDecrementLeaveCarry() {
    for (int a = 0; a < 256; a++) {
      for (int carry = 0; carry < 2; carry++) {
        Flags.setArithmetic(c, carry);
        Alu.inc(c, 1, a);
        assertThat(Flags.arithmetic(c))
            .isEqualTo(flags(a + 1, carry == 1, a == 0x7F, (a & 15) == 15));
        Flags.setArithmetic(c, carry);
        Alu.dec(c, 1, a);
        assertThat(Flags.arithmetic(c))
            .isEqualTo(flags(a - 1, carry == 1, a == 0x80, (a & 15) == 0));
      }
    }
  }

  @Test
  void negationBorrowsUnlessTheOperandIsZero() {
    for (int a = 0; a < 256; a++) {
      Alu.neg(c, 1, a);
      assertThat(Flags.arithmetic(c)).isEqualTo(flags(-a, a != 0, a == 0x80, (a & 15) != 0));
    }
  }

  @Test
  void everyCombinationOfFlagsCanBeSetAndReadBack() {
    for (int i = 0; i < 64; i++) {
      int flags =
          (i & 1) | (i & 2) << 1 | (i & 4) << 2 | (i & 8) << 3 | (i & 16) << 3 | (i & 32) << 6;
      Flags.setArithmetic(c, flags);
      assertThat(Flags.arithmetic(c)).isEqualTo(flags);
      boolean less = (flags & Flags.SF) != 0 ^ (flags & Flags.OF) != 0;
      assertThat(Flags.condition(c, 0xC)).isEqualTo(less);
      assertThat(Flags.condition(c, 0xF)).isEqualTo(!less && (flags & Flags.ZF) == 0);
      assertThat(Flags.condition(c, 0x6)).isEqualTo((flags & (Flags.CF | Flags.ZF)) != 0);
      Flags.setCf(c, true);
      assertThat(Flags.arithmetic(c)).isEqualTo(flags | Flags.CF);
      Flags.setCfOf(c, false, true);
      assertThat(Flags.arithmetic(c)).isEqualTo(flags & ~Flags.CF | Flags.OF);
    }
  }
}
