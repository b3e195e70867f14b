package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.x87.X87;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What x87 instructions do to the rest of the processor: faults, flags, memory, pointers. */
class X87InstructionTest {
  private static final int MEMORY = 0x3000;
  private static final int ONE = 0x3FFF;
  private static final long TOP = 1L << 63;

  private final X87Bench bench = new X87Bench();
  private final Cpu c = bench.cpu;
  private final X87 x = c.x87;
  private final GuestMemory memory = bench.memory;

  X87InstructionTest() {
    c.r[Cpu.RSI] = MEMORY;
  }

  @AfterEach
  void close() {
    bench.close();
  }

  private void run(int... bytes) {
    Op op = bench.link(bytes);
    assertThat(op.exec(c)).isSameAs(op);
  }

  private void assertFault(int vector, int... bytes) {
    Op op = bench.link(bytes);
    CpuException fault = catchThrowableOfType(CpuException.class, () -> op.exec(c));
    assertThat(fault).isNotNull();
    assertThat(fault.vector).isEqualTo(vector);
  }

  @Test
  void anUnavailableUnitIsNmForEveryInstruction() {
    for (int bit : new int[] {Cpu.CR0_TS, Cpu.CR0_EM}) {
      c.cr0 = Cpu.CR0_PE | Cpu.CR0_NE | bit;
      assertFault(Vector.NM, 0xD8, 0xC1);
      assertFault(Vector.NM, 0xDB, 0xE3);
      assertFault(Vector.NM, 0xDF, 0xE0);
      assertFault(Vector.NM, 0xD9, 0x2E);
      assertFault(Vector.NM, 0xDD, 0x36);
    }
  }

  @Test
  void fwaitIsNmOnlyWithMonitoringAndTaskSwitched() {
    c.cr0 = Cpu.CR0_PE | Cpu.CR0_NE | Cpu.CR0_TS;
    run(0x9B);
    c.cr0 |= Cpu.CR0_MP;
    assertFault(Vector.NM, 0x9B);
  }

  @Test
  void anUnmaskedExceptionFaultsAtTheNextWaitingInstruction() {
    x.setControlWord(X87.INITIAL_CONTROL & ~X87.ZE);
    run(0xD9, 0xE8); // FLD1
    run(0xD9, 0xEE); // FLDZ
    run(0xD8, 0xF9); // FDIVR ST0, ST1: 1 / 0
    assertThat(x.statusWord() & (X87.ES | X87.BUSY | X87.ZE)).isEqualTo(X87.ES | X87.BUSY | X87.ZE);
    assertThat(x.sig(0)).as("the operand stays").isZero();
    assertThat(x.lastOpcode).isEqualTo(0x0F9);
    assertFault(Vector.MF, 0x9B);
    assertFault(Vector.MF, 0xD9, 0xE8);
    assertFault(Vector.MF, 0xD9, 0x2E); // FLDCW waits
    run(0xDF, 0xE0); // FNSTSW AX does not
    assertThat(c.r[Cpu.RAX] & 0xFFFF).isEqualTo(x.statusWord());
    run(0xDB, 0xE2); // FNCLEX
    run(0x9B);
  }

  @Test
  void withoutNumericErrorsTheExternalLineIsRaised() {
    boolean[] line = {false};
    x.ferr = level -> line[0] = level;
    c.cr0 &= ~Cpu.CR0_NE;
    x.setControlWord(X87.INITIAL_CONTROL & ~X87.IE);
    run(0xD9, 0xFA); // FSQRT of nothing
    run(0x9B);
    assertThat(line[0]).isTrue();
    run(0xDB, 0xE2);
    assertThat(line[0]).isFalse();
  }

  @Test
  void anInstructionThatFaultsOnItsOperandHasChangedNothing() {
    x.push(ONE, TOP);
    c.segAccess[Cpu.DS] = 0x93;
    c.segLimit[Cpu.DS] = MEMORY + 6;
    int status = x.statusWord();
    for (int[] code :
        new int[][] {
          {0xDD, 0x1E}, {0xDD, 0x06}, {0xDB, 0x3E}, {0xDF, 0x36}, {0xDC, 0x06}, {0xDD, 0x36}
        }) {
      Op op = bench.link(4, code);
      CpuException fault = catchThrowableOfType(CpuException.class, () -> op.exec(c));
      assertThat(fault).isNotNull();
      assertThat(fault.vector).isEqualTo(Vector.GP);
      assertThat(x.statusWord()).isEqualTo(status);
      assertThat(x.se(0)).isEqualTo(ONE);
      assertThat(x.lastRip).isZero();
      assertThat(memory.getLong(MEMORY)).isZero();
    }
  }

  @Test
  void anExceptionThatForbidsAStoreGoesBeforeTheFaultsOfMemory() {
    x.push(ONE + 40, TOP); // too large for 32 bits
    c.segAccess[Cpu.DS] = 0x93;
    c.segLimit[Cpu.DS] = MEMORY - 1;
    Op fist = bench.link(4, new int[] {0xDB, 0x16});
    assertThat(catchThrowableOfType(CpuException.class, () -> fist.exec(c))).isNotNull();
    x.setControlWord(X87.INITIAL_CONTROL & ~X87.IE);
    fist.exec(c);
    assertThat(x.statusWord() & (X87.IE | X87.ES)).isEqualTo(X87.IE | X87.ES);
    assertThat(x.lastDataPointer).isEqualTo(MEMORY);
  }

  @Test
  void loadsAndStoresOfTenBytesTouchTenBytes() {
    memory.putLong(MEMORY, -1);
    memory.putLong(MEMORY + 8, -1);
    x.push(0x4000, 0xC90F_DAA2_2168_C235L);
    run(0xDB, 0x3E); // FSTP m80
    assertThat(memory.getLong(MEMORY)).isEqualTo(0xC90F_DAA2_2168_C235L);
    assertThat(memory.getLong(MEMORY + 8)).isEqualTo(0xFFFF_FFFF_FFFF_4000L);
    run(0xDB, 0x2E); // FLD m80
    assertThat(x.se(0)).isEqualTo(0x4000);
    assertThat(x.sig(0)).isEqualTo(0xC90F_DAA2_2168_C235L);
  }

  @Test
  void comparisonsToFlagsClearTheOtherArithmeticFlags() {
    x.push(ONE, TOP);
    x.push(ONE + 1, TOP); // ST(0) = 2, ST(1) = 1
    Flags.setArithmetic(c, Flags.ARITHMETIC);
    run(0xDB, 0xF1); // FCOMI
    assertThat(Flags.arithmetic(c)).isZero();
    run(0xD9, 0xC9); // FXCH
    run(0xDB, 0xF1);
    assertThat(Flags.arithmetic(c)).isEqualTo(Flags.CF);
    run(0xDF, 0xF0); // FCOMIP ST0, ST0
    assertThat(Flags.arithmetic(c)).isEqualTo(Flags.ZF);
    run(0xDF, 0xE9); // FUCOMIP with an empty register
    assertThat(Flags.arithmetic(c)).isEqualTo(Flags.ZF | Flags.PF | Flags.CF);
    assertThat(x.statusWord() & (X87.IE | X87.SF)).isEqualTo(X87.IE | X87.SF);
  }

  @Test
  void conditionalMovesLookAtRflags() {
    x.push(ONE, TOP);
    x.push(ONE + 1, TOP);
    Flags.setArithmetic(c, Flags.CF);
    run(0xDB, 0xC1); // FCMOVNB
    assertThat(x.se(0)).isEqualTo(ONE + 1);
    run(0xDA, 0xC1); // FCMOVB
    assertThat(x.se(0)).isEqualTo(ONE);
  }

  @Test
  void pushingOntoAFullStackOverflows() {
    for (int i = 0; i < 8; i++) {
      run(0xD9, 0xE8);
      assertThat(x.statusWord() & X87.IE).isZero();
    }
    run(0xD9, 0xE8);
    assertThat(x.statusWord() & (X87.IE | X87.SF | X87.C1)).isEqualTo(X87.IE | X87.SF | X87.C1);
    assertThat(x.se(0)).isEqualTo(0xFFFF);
    assertThat(x.sig(0)).isEqualTo(3L << 62);
  }

  @Test
  void theInstructionPointerIsThatOfTheLastNumericInstruction() {
    run(0xD9, 0xE8);
    assertThat(x.lastRip).isEqualTo(X87Bench.RIP);
    x.lastRip = 0;
    run(0xD9, 0x3E); // FNSTCW
    run(0x9B);
    assertThat(x.lastRip).isZero();
  }

  @Test
  void theRealModeEnvironmentHoldsLinearAddressesAndTheOpcode() {
    c.cr0 &= ~Cpu.CR0_PE;
    x.lastRip = 0xABCDE;
    x.lastDataPointer = 0x54321;
    x.lastOpcode = 0x5D9;
    run(0x66, 0xD9, 0x36); // FNSTENV, 14 bytes
    assertThat(memory.getShort(MEMORY + 6) & 0xFFFF).isEqualTo(0xBCDE);
    assertThat(memory.getShort(MEMORY + 8) & 0xFFFF).isEqualTo(0xA5D9);
    assertThat(memory.getShort(MEMORY + 10) & 0xFFFF).isEqualTo(0x4321);
    assertThat(memory.getShort(MEMORY + 12) & 0xFFFF).isEqualTo(0x5000);
    assertThat(memory.getShort(MEMORY + 14)).isZero();
    x.init();
    run(0x66, 0xD9, 0x26); // FLDENV
    assertThat(x.lastRip).isEqualTo(0xABCDE);
    assertThat(x.lastDataPointer).isEqualTo(0x54321);
    assertThat(x.lastOpcode).isEqualTo(0x5D9);
    x.lastRip = 0x1234_5678;
    run(0xD9, 0x36); // FNSTENV, 28 bytes
    assertThat(memory.getInt(MEMORY + 12)).isEqualTo(0xFFFF_5678);
    assertThat(memory.getInt(MEMORY + 16)).isEqualTo(0x0123_4000 | 0x5D9);
    x.init();
    run(0xD9, 0x26);
    assertThat(x.lastRip).isEqualTo(0x1234_5678);
  }

  @Test
  void fnstenvMasksAllExceptionsAfterwards() {
    x.setControlWord(0x340);
    run(0xD9, 0x36);
    assertThat(memory.getShort(MEMORY)).isEqualTo((short) 0x340);
    assertThat(x.controlWord()).isEqualTo(0x37F);
  }

  @Test
  void otherMapsInstructionsWithTheSameLastByteAreNotOurs() {
    byte[] code = new byte[16];
    code[0] = 0x0F;
    code[1] = (byte) 0xDB; // PAND
    code[2] = (byte) 0xC1;
    assertThat(X87Linker.link(new lodge.cpu.x86.decode.Decoder().decode(code, 0, 15, 8), 0))
        .isNull();
  }
}
