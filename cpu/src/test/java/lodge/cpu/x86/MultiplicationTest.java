package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MultiplicationTest {
  private static final BigInteger TWO_64 = BigInteger.ONE.shiftLeft(64);

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

  private static BigInteger unsigned(long value) {
    return BigInteger.valueOf(value).mod(TWO_64);
  }

  /** Values with long runs of equal bits, where quotient estimates go wrong. */
  private static long interesting(Random random) {
    return switch (random.nextInt(5)) {
      case 0 -> random.nextLong();
      case 1 -> -1L << random.nextInt(64);
      case 2 -> (1L << random.nextInt(64)) - 1;
      case 3 -> random.nextInt(3) - 1;
      default -> random.nextLong() & -1L << random.nextInt(64) | random.nextInt(2);
    };
  }

  @Test
  void division128By64AgreesWithBigInteger() {
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      long high = interesting(random);
      long low = interesting(random);
      long divisor = interesting(random);
      c.r[Cpu.RDX] = high;
      c.r[Cpu.RAX] = low;
      if (divisor == 0 || Long.compareUnsigned(high, divisor) >= 0) {
        assertThatThrownBy(() -> Multiplication.div(c, 8, divisor))
            .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isZero());
        continue;
      }
      Multiplication.div(c, 8, divisor);
      BigInteger[] expected =
          unsigned(high).shiftLeft(64).add(unsigned(low)).divideAndRemainder(unsigned(divisor));
      assertThat(unsigned(c.r[Cpu.RAX])).isEqualTo(expected[0]);
      assertThat(unsigned(c.r[Cpu.RDX])).isEqualTo(expected[1]);
    }
  }

  @Test
  void signedDivisionFaultsExactlyWhenTheQuotientDoesNotFit() {
    Random random = new Random(2);
    for (int i = 0; i < 200_000; i++) {
      long divisor = interesting(random);
      long low = interesting(random);
      long high =
          random.nextBoolean() ? low >> 63 : interesting(random) % Math.max(1, Math.abs(divisor));
      c.r[Cpu.RDX] = high;
      c.r[Cpu.RAX] = low;
      BigInteger dividend = BigInteger.valueOf(high).shiftLeft(64).add(unsigned(low));
      BigInteger[] expected =
          divisor == 0 ? null : dividend.divideAndRemainder(BigInteger.valueOf(divisor));
      if (expected == null || expected[0].bitLength() > 63) {
        assertThatThrownBy(() -> Multiplication.idiv(c, 8, divisor))
            .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isZero());
        continue;
      }
      Multiplication.idiv(c, 8, divisor);
      assertThat(c.r[Cpu.RAX]).isEqualTo(expected[0].longValue());
      assertThat(c.r[Cpu.RDX]).isEqualTo(expected[1].longValue());
    }
  }

  @Test
  void productsOfEverySizeFillTheRightRegisters() {
    c.r[Cpu.RAX] = 0x1111_1111_1111_11FFL;
    Multiplication.mul(c, 1, 0xFF);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1111_1111_1111_FE01L);
    assertThat(Flags.cf(c)).isTrue();
    c.r[Cpu.RAX] = 0xFFFF_FFFF_8000_0000L;
    c.r[Cpu.RDX] = -1;
    Multiplication.imul(c, 4, 2);
    assertThat(c.r[Cpu.RAX]).isZero();
    assertThat(c.r[Cpu.RDX]).isEqualTo(0xFFFF_FFFFL);
    assertThat(Flags.of(c)).isTrue();
    c.r[Cpu.RAX] = -1;
    Multiplication.mul(c, 8, -1);
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    assertThat(c.r[Cpu.RDX]).isEqualTo(-2);
  }
}
