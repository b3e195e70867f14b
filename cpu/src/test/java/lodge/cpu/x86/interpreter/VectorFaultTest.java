package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.x87.X87;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When vector instructions fault, and that nothing has happened then. */
class VectorFaultTest {
  private static final int NONE = -1;
  private static final int[] ADDPS = {0x0F, 0x58, 0xC1};
  private static final int[] PADDB_MMX = {0x0F, 0xFC, 0xC1};
  private static final int[] EMMS = {0x0F, 0x77};
  private static final int[] LDMXCSR_RSI = {0x0F, 0xAE, 0x16};
  private static final int[] MOVNTI_RSI_EAX = {0x0F, 0xC3, 0x06};

  private final VectorMachine machine = new VectorMachine();
  private final Cpu cpu = machine.cpu;

  @AfterEach
  void close() {
    machine.close();
  }

  private void set(long cr0, long cr4) {
    cpu.cr0 |= cr0;
    cpu.cr4 = cr4;
    cpu.modeChanged();
  }

  @Test
  void sseIsUndefinedWithoutOsfxsr() {
    set(0, 0);
    assertThat(machine.execute(ADDPS)).isEqualTo(Vector.UD);
    assertThat(machine.execute(LDMXCSR_RSI)).isEqualTo(Vector.UD);
    assertThat(machine.execute(PADDB_MMX)).isEqualTo(NONE);
    assertThat(machine.execute(MOVNTI_RSI_EAX)).isEqualTo(NONE);
  }

  @Test
  void emulationMakesVectorInstructionsUndefinedAndTaskSwitchedUnavailable() {
    set(Cpu.CR0_TS, cpu.cr4);
    assertThat(machine.execute(ADDPS)).isEqualTo(Vector.NM);
    assertThat(machine.execute(PADDB_MMX)).isEqualTo(Vector.NM);
    assertThat(machine.execute(MOVNTI_RSI_EAX)).isEqualTo(NONE);
    set(Cpu.CR0_EM, cpu.cr4);
    assertThat(machine.execute(ADDPS)).isEqualTo(Vector.UD);
    assertThat(machine.execute(PADDB_MMX)).isEqualTo(Vector.UD);
    assertThat(machine.execute(EMMS)).isEqualTo(Vector.UD);
  }

  @Test
  void aPendingX87ExceptionStopsMmxButNotSse() {
    cpu.x87.init();
    cpu.x87.setControlWord(0x37F & ~X87.ZE);
    cpu.x87.setStatusWord(X87.ZE);
    assertThat(machine.execute(PADDB_MMX)).isEqualTo(Vector.MF);
    assertThat(machine.execute(EMMS)).isEqualTo(Vector.MF);
    assertThat(cpu.x87.valid).isZero();
    assertThat(machine.execute(ADDPS)).isEqualTo(NONE);
    // cvtpi2pd xmm0, [rsi] needs no MMX register; cvtpi2pd xmm0, mm1 does.
    assertThat(machine.execute(0x66, 0x0F, 0x2A, 0x06)).isEqualTo(NONE);
    assertThat(machine.execute(0x66, 0x0F, 0x2A, 0xC1)).isEqualTo(Vector.MF);
  }

  @Test
  void mmxTakesOverTheX87Registers() {
    cpu.x87.init();
    cpu.x87.top = 5;
    cpu.x87.significand[0] = 1;
    cpu.x87.significand[1] = 2;
    assertThat(machine.execute(PADDB_MMX)).isEqualTo(NONE);
    assertThat(cpu.x87.significand[0]).isEqualTo(3);
    assertThat(cpu.x87.signExponent[0]).isEqualTo(0xFFFF);
    assertThat(cpu.x87.top).isZero();
    assertThat(cpu.x87.valid).isEqualTo(0xFF);
    assertThat(machine.execute(EMMS)).isEqualTo(NONE);
    assertThat(cpu.x87.valid).isZero();
  }

  @Test
  void sixteenByteOperandsHaveToBeAligned() {
    cpu.r[Cpu.RSI] = 0x20008;
    assertThat(machine.execute(0x0F, 0x58, 0x06)).as("addps").isEqualTo(Vector.GP);
    assertThat(machine.execute(0x66, 0x0F, 0xEF, 0x06)).as("pxor").isEqualTo(Vector.GP);
    assertThat(machine.execute(0x0F, 0x29, 0x06)).as("movaps store").isEqualTo(Vector.GP);
    assertThat(machine.execute(0x66, 0x0F, 0xE7, 0x06)).as("movntdq").isEqualTo(Vector.GP);
    assertThat(machine.execute(0x0F, 0x10, 0x06)).as("movups").isEqualTo(NONE);
    assertThat(machine.execute(0xF2, 0x0F, 0xF0, 0x06)).as("lddqu").isEqualTo(NONE);
    assertThat(machine.execute(0x66, 0x0F, 0x3A, 0x63, 0x06, 0)).as("pcmpistri").isEqualTo(NONE);
    cpu.r[Cpu.RSI] = 0x20003;
    assertThat(machine.execute(0xF2, 0x0F, 0x58, 0x06)).as("addsd").isEqualTo(NONE);
    assertThat(machine.execute(0x0F, 0xFC, 0x06)).as("paddb mm").isEqualTo(NONE);
  }

  @Test
  void unmaskedExceptionsLeaveTheDestinationAndSetTheFlag() {
    long one = Double.doubleToRawLongBits(1);
    cpu.xmm[0] = one;
    cpu.xmm[4] = 0;
    cpu.mxcsr = 0x1F80 & ~(1 << 9);
    assertThat(machine.execute(0xF2, 0x0F, 0x5E, 0xC1)).isEqualTo(Vector.XM);
    assertThat(cpu.xmm[0]).isEqualTo(one);
    assertThat(cpu.mxcsr & 0x3F).isEqualTo(4);
    set(0, Cpu.CR4_OSFXSR);
    assertThat(machine.execute(0xF2, 0x0F, 0x5E, 0xC1)).isEqualTo(Vector.UD);
    cpu.mxcsr = 0x1F80;
    assertThat(machine.execute(0xF2, 0x0F, 0x5E, 0xC1)).isEqualTo(NONE);
    assertThat(cpu.xmm[0]).isEqualTo(Double.doubleToRawLongBits(Double.POSITIVE_INFINITY));
  }

  @Test
  void anUnmaskedInvalidOperandInOneElementHidesTheInexactResultOfAnother() {
    cpu.xmm[0] = Double.doubleToRawLongBits(1);
    cpu.xmm[1] = Double.doubleToRawLongBits(1);
    cpu.xmm[4] = Double.doubleToRawLongBits(3);
    cpu.xmm[5] = 0;
    cpu.mxcsr = 0x1F80 & ~(1 << 9);
    assertThat(machine.execute(0x66, 0x0F, 0x5E, 0xC1)).isEqualTo(Vector.XM);
    assertThat(cpu.mxcsr & 0x3F).isEqualTo(4);
  }

  @Test
  void reservedBitsOfMxcsrCannotBeSet() {
    cpu.r[Cpu.RSI] = 0x20000;
    machine.memory.putInt(0x20000, 0x1_1F80);
    assertThat(machine.execute(LDMXCSR_RSI)).isEqualTo(Vector.GP);
    assertThat(cpu.mxcsr).isEqualTo(0x1F80);
    machine.memory.putInt(0x20000, 0xFFFF);
    assertThat(machine.execute(LDMXCSR_RSI)).isEqualTo(NONE);
    assertThat(cpu.mxcsr).isEqualTo(0xFFFF);
  }

  @Test
  void scalarFormsReadNoMoreThanTheirElement() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x20FFC;
    assertThat(machine.execute(0xF3, 0x0F, 0x58, 0x06)).as("addss").isEqualTo(NONE);
    assertThat(machine.execute(0x66, 0x0F, 0x3A, 0x21, 0x06, 0)).as("insertps").isEqualTo(NONE);
    assertThat(machine.execute(0x0F, 0x60, 0x06)).as("punpcklbw mm").isEqualTo(NONE);
    assertThat(machine.execute(0xF2, 0x0F, 0x58, 0x06)).as("addsd").isEqualTo(Vector.PF);
    cpu.r[Cpu.RSI] = 0x20FF8;
    assertThat(machine.execute(0xF2, 0x0F, 0x58, 0x06)).as("addsd").isEqualTo(NONE);
    assertThat(machine.execute(0x0F, 0x5A, 0x06)).as("cvtps2pd").isEqualTo(NONE);
    assertThat(machine.execute(0xF2, 0x0F, 0x12, 0x06)).as("movddup").isEqualTo(NONE);
    assertThat(machine.execute(0x66, 0x0F, 0x38, 0x20, 0x06)).as("pmovsxbw").isEqualTo(NONE);
    assertThat(machine.execute(0x0F, 0x10, 0x06)).as("movups").isEqualTo(Vector.PF);
    assertThat(cpu.cr2).isEqualTo(0x21000);
  }

  @Test
  void storesAcrossAMissingPageWriteNothing() {
    machine.paging();
    machine.unmap(0x21000);
    machine.memory.putLong(0x20FF8, 7);
    cpu.r[Cpu.RSI] = 0x20FF8;
    cpu.xmm[0] = -1;
    assertThat(machine.execute(0x0F, 0x11, 0x06)).isEqualTo(Vector.PF);
    assertThat(machine.memory.getLong(0x20FF8)).isEqualTo(7);
  }

  @Test
  void maskedStoresWriteOnlyTheSelectedBytesButNeedAllOfThemWritable() {
    machine.paging();
    machine.unmap(0x21000);
    machine.memory.putLong(0x20FF0, 0);
    cpu.r[Cpu.RDI] = 0x20FF0;
    cpu.xmm[0] = 0x1122_3344_5566_7788L;
    cpu.xmm[4] = 0x80FF_0000_7F00_0080L;
    assertThat(machine.execute(0x66, 0x0F, 0xF7, 0xC1)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(0x20FF0)).isEqualTo(0x1122_0000_0000_0088L);
    machine.memory.putLong(0x20FF8, 0);
    cpu.r[Cpu.RDI] = 0x20FF8;
    assertThat(machine.execute(0x66, 0x0F, 0xF7, 0xC1)).isEqualTo(Vector.PF);
    assertThat(machine.memory.getLong(0x20FF8)).isZero();
    assertThat(cpu.cr2).isEqualTo(0x21000);
  }

  @Test
  void prefetchesNeverFaultAndCacheLineFlushesDo() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x21000;
    assertThat(machine.execute(0x0F, 0x18, 0x0E)).isEqualTo(NONE);
    assertThat(machine.execute(0x0F, 0xAE, 0x3E)).isEqualTo(Vector.PF);
    cpu.r[Cpu.RSI] = 0x20000;
    assertThat(machine.execute(0x0F, 0xAE, 0x3E)).isEqualTo(NONE);
  }

  @Test
  void legacyInstructionsLeaveTheUpperHalvesOfTheYmmRegisters() {
    cpu.xmm[2] = 5;
    cpu.xmm[3] = 6;
    cpu.r[Cpu.RSI] = 0x20000;
    assertThat(machine.execute(0x0F, 0x28, 0x06)).isEqualTo(NONE);
    assertThat(machine.execute(0xF2, 0x0F, 0x10, 0x06)).isEqualTo(NONE);
    assertThat(machine.execute(0x66, 0x0F, 0xEF, 0xC0)).isEqualTo(NONE);
    assertThat(cpu.xmm[2]).isEqualTo(5);
    assertThat(cpu.xmm[3]).isEqualTo(6);
  }
}
