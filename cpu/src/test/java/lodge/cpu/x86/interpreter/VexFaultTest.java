package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When VEX-encoded vector instructions fault, and what has happened then. */
class VexFaultTest {
  private static final int NONE = -1;
  private static final int[] VADDPS = {0xC5, 0xF0, 0x58, 0xC2};
  private static final int[] VMOVUPS_LOAD = {0xC5, 0xFC, 0x10, 0x06};
  private static final int[] VMOVUPS_STORE = {0xC5, 0xFC, 0x11, 0x06};

  /** vpgatherdd xmm1, [rsi + xmm2 * 4], xmm3. */
  private static final int[] VPGATHERDD = {0xC4, 0xE2, 0x61, 0x90, 0x0C, 0x96};

  private final VectorMachine machine = new VectorMachine();
  private final Cpu cpu = machine.cpu;

  @BeforeEach
  void fill() {
    for (int i = 0; i < 64; i++) {
      cpu.xmm[i] = 0x1000 + i;
    }
  }

  @AfterEach
  void close() {
    machine.close();
  }

  private void set(long cr0, long cr4, long xcr0) {
    cpu.cr0 |= cr0;
    cpu.cr4 = cr4;
    cpu.xcr0 = xcr0;
    cpu.vectorsChanged();
  }

  @Test
  void avxNeedsOsxsaveAndBothBitsOfXcr0() {
    assertThat(machine.execute(VADDPS)).isEqualTo(NONE);
    set(0, cpu.cr4, 3);
    assertThat(machine.execute(VADDPS)).isEqualTo(Vector.UD);
    set(0, cpu.cr4 & ~Cpu.CR4_OSXSAVE, 7);
    assertThat(machine.execute(VADDPS)).isEqualTo(Vector.UD);
    set(0, Cpu.CR4_OSXSAVE, 7);
    assertThat(machine.execute(VADDPS)).as("without CR4.OSFXSR").isEqualTo(NONE);
  }

  @Test
  void emulationDoesNotMatterToAvxAndTaskSwitchedMakesItUnavailable() {
    set(Cpu.CR0_EM, cpu.cr4, 7);
    assertThat(machine.execute(VADDPS)).isEqualTo(NONE);
    set(Cpu.CR0_TS, cpu.cr4, 7);
    assertThat(machine.execute(VADDPS)).isEqualTo(Vector.NM);
    assertThat(machine.execute(0xC5, 0xFC, 0x77)).as("vzeroall").isEqualTo(Vector.NM);
    assertThat(machine.execute(0xC5, 0xF8, 0x2E, 0xC1)).as("vucomiss").isEqualTo(Vector.NM);
    assertThat(machine.execute(0xC5, 0xF8, 0xAE, 0x1E)).as("vstmxcsr").isEqualTo(Vector.NM);
    set(0, cpu.cr4, 3);
    assertThat(machine.execute(VADDPS)).as("#UD comes first").isEqualTo(Vector.UD);
  }

  @Test
  void vex128ClearsTheUpperHalfAndLegacyLeavesIt() {
    assertThat(machine.execute(VADDPS)).isEqualTo(NONE);
    assertThat(cpu.xmm[2] | cpu.xmm[3]).isZero();
    // addps xmm1, xmm2
    assertThat(machine.execute(0x0F, 0x58, 0xCA)).isEqualTo(NONE);
    assertThat(cpu.xmm[6]).isEqualTo(0x1006);
  }

  @Test
  void onlyTheAlignedMovesHaveToBeAlignedToTheirWholeSize() {
    cpu.r[Cpu.RSI] = 0x20010;
    assertThat(machine.execute(0xC5, 0xFC, 0x28, 0x06)).as("vmovaps ymm").isEqualTo(Vector.GP);
    assertThat(machine.execute(0xC5, 0xF8, 0x28, 0x06)).as("vmovaps xmm").isEqualTo(NONE);
    assertThat(machine.execute(0xC5, 0xFD, 0xE7, 0x06)).as("vmovntdq ymm").isEqualTo(Vector.GP);
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x2A, 0x06)).as("vmovntdqa").isEqualTo(Vector.GP);
    cpu.r[Cpu.RSI] = 0x20001;
    assertThat(machine.execute(0xC5, 0xF8, 0x29, 0x06)).as("vmovaps store").isEqualTo(Vector.GP);
    assertThat(machine.execute(0xC5, 0xF4, 0x58, 0x06)).as("vaddps ymm").isEqualTo(NONE);
    assertThat(machine.execute(VMOVUPS_LOAD)).isEqualTo(NONE);
    assertThat(machine.execute(VMOVUPS_STORE)).isEqualTo(NONE);
  }

  @Test
  void wideMovesAcrossAMissingPageMoveNothing() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x20FE8;
    machine.memory.putLong(0x20FE8, 7);
    assertThat(machine.execute(VMOVUPS_STORE)).isEqualTo(Vector.PF);
    assertThat(cpu.cr2).isEqualTo(0x21000);
    assertThat(machine.memory.getLong(0x20FE8)).isEqualTo(7);
    assertThat(machine.execute(VMOVUPS_LOAD)).isEqualTo(Vector.PF);
    assertThat(cpu.xmm[0]).isEqualTo(0x1000);
    cpu.r[Cpu.RSI] = 0x20FE0;
    assertThat(machine.execute(VMOVUPS_STORE)).isEqualTo(NONE);
    assertThat(machine.execute(VMOVUPS_LOAD)).isEqualTo(NONE);
  }

  @Test
  void formsThatReadLessThanARegisterReadNoMoreThanThat() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x20FFF;
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x78, 0x06)).as("vpbroadcastb").isEqualTo(NONE);
    cpu.r[Cpu.RSI] = 0x20FF0;
    assertThat(machine.execute(0xC5, 0xFC, 0x5A, 0x06)).as("vcvtps2pd ymm").isEqualTo(NONE);
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x30, 0x06)).as("vpmovzxbw ymm").isEqualTo(NONE);
    assertThat(machine.execute(0xC5, 0xFD, 0xD1, 0x06)).as("vpsrlw ymm").isEqualTo(NONE);
    cpu.r[Cpu.RSI] = 0x20FF8;
    assertThat(machine.execute(0xC5, 0xF8, 0x5A, 0x06)).as("vcvtps2pd xmm").isEqualTo(NONE);
    assertThat(machine.execute(0xC5, 0xFB, 0x12, 0x06)).as("vmovddup xmm").isEqualTo(NONE);
    assertThat(machine.execute(0xC5, 0xFF, 0x12, 0x06)).as("vmovddup ymm").isEqualTo(Vector.PF);
  }

  @Test
  void elementsThatAreMaskedOffCannotFault() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x20FF8;
    // The mask is in register 0: two doublewords, then none.
    cpu.xmm[0] = 0x8000_0000_8000_0000L;
    cpu.xmm[1] = 0x7FFF_FFFF_7FFF_FFFFL;
    cpu.xmm[2] = 0;
    cpu.xmm[3] = 0;
    machine.memory.putLong(0x20FF8, 0x1122_3344_5566_7788L);
    // vmaskmovps ymm1, ymm0, [rsi]
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x2C, 0x0E)).isEqualTo(NONE);
    assertThat(cpu.xmm[4]).isEqualTo(0x1122_3344_5566_7788L);
    assertThat(cpu.xmm[5] | cpu.xmm[6] | cpu.xmm[7]).isZero();
    cpu.xmm[4] = -1;
    // vmaskmovps [rsi], ymm0, ymm1
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x2E, 0x0E)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(0x20FF8)).isEqualTo(-1);
    cpu.xmm[3] = 1L << 63;
    cpu.xmm[4] = 5;
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x2E, 0x0E)).isEqualTo(Vector.PF);
    assertThat(machine.memory.getLong(0x20FF8)).as("a fault stores nothing").isEqualTo(-1);
    cpu.r[Cpu.RSI] = 1L << 62;
    cpu.xmm[0] = 0;
    cpu.xmm[3] = 0;
    assertThat(machine.execute(0xC4, 0xE2, 0x7D, 0x2E, 0x0E)).as("nothing at all").isEqualTo(NONE);
  }

  @Test
  void aGatherThatFaultsGoesOnWhereItStopped() {
    machine.paging();
    machine.unmap(0x21000);
    cpu.r[Cpu.RSI] = 0x20FF0;
    for (int i = 0; i < 8; i++) {
      machine.memory.putInt(0x20FF0 + 4 * i, 100 + i);
    }
    // Indices 0, 2, 4 and 1; the third one is on the missing page.
    cpu.xmm[8] = 2L << 32;
    cpu.xmm[9] = 1L << 32 | 4;
    cpu.xmm[12] = -1;
    cpu.xmm[13] = -1;
    assertThat(machine.execute(VPGATHERDD)).isEqualTo(Vector.PF);
    assertThat(cpu.cr2).isEqualTo(0x21000);
    assertThat(cpu.xmm[4]).isEqualTo(102L << 32 | 100);
    assertThat(cpu.xmm[5]).isEqualTo(0x1005);
    assertThat(cpu.xmm[12]).isZero();
    assertThat(cpu.xmm[13]).isEqualTo(-1);
    machine.memory.putLong(0x4000 + 8 * 0x21, 0x21000 | 7);
    cpu.mmu.flushAll();
    // What was gathered already is not looked at again.
    machine.memory.putInt(0x20FF0, 0);
    assertThat(machine.execute(VPGATHERDD)).isEqualTo(NONE);
    assertThat(cpu.xmm[4]).isEqualTo(102L << 32 | 100);
    assertThat(cpu.xmm[5]).isEqualTo(101L << 32 | 104);
    for (int lane : new int[] {6, 7, 12, 13, 14, 15}) {
      assertThat(cpu.xmm[lane]).as("lane " + lane).isZero();
    }
  }

  @Test
  void gathersReadWhatTheMaskSelectsAlone() {
    cpu.r[Cpu.RSI] = 0x20000;
    machine.memory.putInt(0x20004, 9);
    cpu.xmm[8] = 1L << 32 | 0x4000_0000;
    cpu.xmm[9] = 0x4000_0000_4000_0000L;
    cpu.xmm[12] = 1L << 63;
    cpu.xmm[13] = 0;
    cpu.xmm[4] = 3;
    cpu.xmm[5] = 4;
    assertThat(machine.execute(VPGATHERDD)).isEqualTo(NONE);
    assertThat(cpu.xmm[4]).isEqualTo(9L << 32 | 3);
    assertThat(cpu.xmm[5]).isEqualTo(4);
  }

  @Test
  void theZeroingInstructionsReachTheRegistersOfTheMode() {
    assertThat(machine.execute(0xC5, 0xF8, 0x77)).isEqualTo(NONE);
    for (int i = 0; i < 64; i++) {
      assertThat(cpu.xmm[i]).as("lane " + i).isEqualTo((i & 2) != 0 ? 0 : 0x1000 + i);
    }
    cpu.codeSize = 4;
    assertThat(machine.execute(0xC5, 0xFC, 0x77)).isEqualTo(NONE);
    for (int i = 0; i < 64; i++) {
      assertThat(cpu.xmm[i]).as("lane " + i).isEqualTo(i < 32 || (i & 2) != 0 ? 0 : 0x1000 + i);
    }
  }

  @Test
  void unmaskedExceptionsLeaveTheDestination() {
    cpu.xmm[8] = 0;
    cpu.xmm[4] = Double.doubleToRawLongBits(1);
    cpu.mxcsr = 0x1F80 & ~(1 << 9);
    // vdivsd xmm0, xmm1, xmm2
    assertThat(machine.execute(0xC5, 0xF3, 0x5E, 0xC2)).isEqualTo(Vector.XM);
    assertThat(cpu.xmm[0]).isEqualTo(0x1000);
    assertThat(cpu.xmm[2]).isEqualTo(0x1002);
    assertThat(cpu.mxcsr & 0x3F).isEqualTo(4);
  }
}
