package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InterruptReturnTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void frame(int size, long... words) {
    c.r[Cpu.RSP] = STACK - (long) words.length * size;
    for (int i = 0; i < words.length; i++) {
      c.mmu.writeSystem(c.r[Cpu.RSP] + (long) i * size, size, words[i]);
    }
  }

  private void faults(int size, int vector, int errorCode) {
    long rsp = c.r[Cpu.RSP];
    assertThatThrownBy(() -> InterruptReturn.execute(c, size))
        .isInstanceOfSatisfying(
            CpuException.class,
            e -> {
              assertThat(e.vector).isEqualTo(vector);
              assertThat(e.errorCode).isEqualTo(errorCode);
            });
    assertThat(c.r[Cpu.RSP]).isEqualTo(rsp);
    assertThat(c.rip).isEqualTo(CODE);
  }

  @Test
  void iretq_goes_to_user_code_with_its_flags_and_drops_inner_data_segments() {
    m.longMode(0);
    c.nmiBlocked = true;
    frame(
        8,
        0x1234_5678_9ABCL,
        USER_CODE_64 | 3,
        Flags.IF | Flags.CF | 3 << 12,
        0x7FFF_F000L,
        USER_DATA | 3);
    InterruptReturn.execute(c, 8);
    assertThat(c.rip).isEqualTo(0x1234_5678_9ABCL);
    assertThat(c.cpl).isEqualTo(3);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x7FFF_F000L);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.IF | Flags.CF | 3 << 12);
    assertThat(c.selector[Cpu.DS]).as("DPL 0 data is out of reach").isZero();
    assertThat(c.segAccess[Cpu.DS]).isZero();
    assertThat(c.nmiBlocked).isFalse();
  }

  @Test
  void iretq_to_user_code_keeps_the_base_of_a_dropped_gs() {
    m.longMode(0);
    c.selector[Cpu.GS] = DATA;
    c.segAccess[Cpu.GS] = c.segAccess[Cpu.DS];
    c.segBase[Cpu.GS] = 0x40_0000;
    frame(8, CODE, USER_CODE_64 | 3, 2, STACK, USER_DATA | 3);
    InterruptReturn.execute(c, 8);
    assertThat(c.selector[Cpu.GS]).isZero();
    assertThat(c.segAccess[Cpu.GS]).isZero();
    assertThat(c.segBase[Cpu.GS]).isEqualTo(0x40_0000);
  }

  @Test
  void iretq_goes_to_compatibility_mode() {
    m.longMode(0);
    frame(8, CODE, USER_CODE_32 | 3, 2, 0xFFFF_FFF0L, USER_DATA | 3);
    InterruptReturn.execute(c, 8);
    assertThat(c.codeSize).isEqualTo(4);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0xFFFF_FFF0L);
  }

  @Test
  void iretq_at_the_same_level_takes_a_null_ss_of_that_level() {
    m.longMode(0);
    frame(8, 0x9000, CODE_64, 2, 0x8000_0000_0000_0000L, 0);
    InterruptReturn.execute(c, 8);
    assertThat(c.rip).isEqualTo(0x9000);
    assertThat(c.r[Cpu.RSP])
        .as("the stack need not be canonical")
        .isEqualTo(0x8000_0000_0000_0000L);
    assertThat(c.selector[Cpu.SS]).isZero();
  }

  @Test
  void iretq_refuses_what_is_wrong_and_changes_nothing() {
    m.longMode(0);
    frame(8, 0x8000_0000_0000L, USER_CODE_64 | 3, 2, 0, USER_DATA | 3);
    faults(8, Vector.GP, 0);
    frame(8, CODE, 0, 2, 0, DATA);
    faults(8, Vector.GP, 0);
    frame(8, CODE, DATA, 2, 0, DATA);
    faults(8, Vector.GP, DATA);
    frame(8, CODE, USER_CODE_64, 2, 0, USER_DATA | 3);
    faults(8, Vector.GP, USER_CODE_64);
    frame(8, CODE, USER_CODE_64 | 3, 2, 0, 3);
    faults(8, Vector.GP, 0);
    frame(8, CODE, USER_CODE_64 | 3, 2, 0, DATA);
    faults(8, Vector.GP, DATA);
    frame(8, CODE, 0x2000, 2, 0, DATA);
    faults(8, Vector.GP, 0x2000);
    m.descriptor(FREE, 0x00CF_7300_0000_FFFFL);
    frame(8, CODE, USER_CODE_64 | 3, 2, 0, FREE | 3);
    faults(8, Vector.SS, FREE);
    c.eflags |= Flags.NT;
    frame(8, CODE, USER_CODE_64 | 3, 2, 0, USER_DATA | 3);
    faults(8, Vector.GP, 0);
  }

  @Test
  void iretq_to_inner_code_is_refused() {
    m.longMode(3);
    frame(8, CODE, CODE_64, 2, 0, DATA);
    faults(8, Vector.GP, CODE_64);
  }

  @Test
  void user_code_cannot_change_iopl_and_if_by_iret() {
    m.longMode(3);
    frame(8, 0x9000, USER_CODE_64 | 3, Flags.IF | Flags.IOPL | Flags.AC, STACK, USER_DATA | 3);
    InterruptReturn.execute(c, 8);
    assertThat(c.eflags & (Flags.IF | Flags.IOPL | Flags.AC)).isEqualTo(Flags.AC);
  }

  @Test
  void protected_mode_returns_at_the_same_level_without_ss() {
    m.protectedMode(0);
    frame(4, 0x9000, CODE_32, Flags.IF | Flags.ZF);
    InterruptReturn.execute(c, 4);
    assertThat(c.rip).isEqualTo(0x9000);
    assertThat(c.r[Cpu.RSP]).isEqualTo(STACK);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.IF | Flags.ZF);
  }

  @Test
  void protected_mode_returns_to_an_outer_level() {
    m.protectedMode(0);
    frame(4, 0x9000, USER_CODE_32 | 3, 2, 0x1_2340, USER_DATA | 3);
    InterruptReturn.execute(c, 4);
    assertThat(c.cpl).isEqualTo(3);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x1_2340);
    assertThat(c.selector[Cpu.ES]).isZero();
  }

  @Test
  void protected_mode_refuses_a_target_beyond_the_limit() {
    m.protectedMode(0);
    frame(4, 0x1_0000, CODE_16, 2);
    faults(4, Vector.GP, 0);
  }

  @Test
  void goes_to_virtual_8086_mode_and_an_interrupt_comes_back() {
    m.protectedMode(0);
    frame(4, 0x100, 0x1234, Flags.VM | Flags.IF | 2, 0xFFE, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000);
    InterruptReturn.execute(c, 4);
    assertThat(c.virtual8086()).isTrue();
    assertThat(c.cpl).isEqualTo(3);
    assertThat(c.codeSize).isEqualTo(2);
    assertThat(c.segBase[Cpu.CS]).isEqualTo(0x1_2340);
    assertThat(c.segBase[Cpu.GS]).isEqualTo(0x6_0000);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0xFFE);

    m.gate32(0x20, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    boolean delivered =
        Interrupts.deliver(c, 0x20, CpuException.NO_ERROR_CODE, Interrupts.Source.HARDWARE);
    assertThat(delivered).isTrue();
    assertThat(c.virtual8086()).isFalse();
    assertThat(c.cpl).isZero();
    assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK - 36);
    assertThat(m.stack32(0)).isEqualTo(0x100);
    assertThat(m.stack32(1)).isEqualTo(0x1234);
    assertThat(m.stack32(2) & Flags.VM).isNotZero();
    assertThat(m.stack32(4)).isEqualTo(0x2000);
    assertThat(m.stack32(8)).isEqualTo(0x6000);
    assertThat(c.selector[Cpu.GS]).isZero();
    assertThat(c.selector[Cpu.SS]).isEqualTo(DATA);
  }
}
