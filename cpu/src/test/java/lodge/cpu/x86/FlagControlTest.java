package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FlagControlTest {
  private static final int EVERYTHING = 0x3F_7FD7;

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void popf_at_level_0_leaves_vm_rf_and_the_virtual_interrupt_flags() {
    m.longMode(0);
    FlagControl.pop64(c, EVERYTHING);
    int untouched = Flags.VM | Flags.RF | Flags.VIF | Flags.VIP;
    assertThat(Flags.get(c)).isEqualTo(EVERYTHING & ~untouched);
    m.protectedMode(0);
    FlagControl.pop(c, EVERYTHING, 4);
    assertThat(Flags.get(c)).isEqualTo(EVERYTHING & ~untouched);
    FlagControl.pop(c, 0, 2);
    assertThat(Flags.get(c)).as("16 bits reach the lower half").isEqualTo(2 | Flags.AC | Flags.ID);
  }

  @Test
  void popf_in_user_code_silently_keeps_iopl_and_if() {
    m.longMode(3);
    FlagControl.pop64(c, Flags.IF | Flags.IOPL | Flags.CF);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.CF);
    c.eflags |= Flags.IOPL;
    FlagControl.pop64(c, Flags.IF);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.IOPL | Flags.IF);
    m.protectedMode(3);
    FlagControl.pop(c, Flags.IF | Flags.IOPL, 4);
    assertThat(Flags.get(c)).isEqualTo(2);
  }

  @Test
  void pushf_shows_neither_vm_nor_rf() {
    m.longMode(0);
    c.eflags |= Flags.RF | Flags.IF;
    m.run("9C 58");
    assertThat(c.r[Cpu.RAX]).isEqualTo(2 | Flags.IF);
  }

  @Test
  void cli_and_sti_need_iopl() {
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "FA")).isZero();
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "FB")).isZero();
    m.longMode(3);
    c.eflags |= Flags.IOPL;
    FlagControl.setInterruptFlag(c);
    assertThat(c.eflags & Flags.IF).isNotZero();
  }

  @Test
  void protected_mode_virtual_interrupts_act_on_vif_in_user_code() {
    m.protectedMode(3);
    c.cr4 = Cpu.CR4_PVI;
    FlagControl.setInterruptFlag(c);
    assertThat(c.eflags & (Flags.IF | Flags.VIF)).isEqualTo(Flags.VIF);
    FlagControl.clearInterruptFlag(c);
    assertThat(c.eflags & Flags.VIF).isZero();
    c.eflags |= Flags.VIP;
    assertThat(m.errorCode(Vector.GP, "FB")).isZero();
  }

  @Test
  void sti_keeps_interrupts_out_for_one_instruction() {
    var apic = new OneInterrupt();
    try (var other = new TestMachine(apic)) {
      other.longMode(0);
      other.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      other.code(HANDLER, "F4");
      apic.waiting = true;
      other.c.kick();
      // nop; sti; inc eax; inc ebx
      other.run("90 FB FF C0 FF C3");
      assertThat(other.c.rip).isEqualTo(HANDLER + 1);
      assertThat(other.c.r[Cpu.RAX]).isEqualTo(1);
      assertThat(other.c.r[Cpu.RBX]).isZero();
      assertThat(other.stack(0)).isEqualTo(CODE + 4);
    }
  }

  @Test
  void an_interrupt_that_waits_at_sti_hlt_comes_after_the_hlt() {
    var apic = new OneInterrupt();
    try (var other = new TestMachine(apic)) {
      other.longMode(0);
      other.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      other.code(HANDLER, "F4");
      apic.waiting = true;
      other.c.kick();
      other.run("FB");
      assertThat(other.c.rip).isEqualTo(HANDLER + 1);
      assertThat(other.stack(0)).as("after the HLT").isEqualTo(CODE + 2);
    }
  }

  @Test
  void popf_lets_a_waiting_interrupt_in_at_once() {
    var apic = new OneInterrupt();
    try (var other = new TestMachine(apic)) {
      other.longMode(0);
      other.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      other.code(HANDLER, "F4");
      apic.waiting = true;
      other.c.kick();
      // push 0x202; popf; inc eax
      other.run("68 02 02 00 00 9D FF C0");
      assertThat(other.c.r[Cpu.RAX]).isZero();
      assertThat(other.stack(0)).isEqualTo(CODE + 6);
    }
  }

  @Test
  void loading_ss_keeps_interrupts_out_for_one_instruction() {
    var apic = new OneInterrupt();
    try (var other = new TestMachine(apic)) {
      other.longMode(0);
      other.c.eflags |= Flags.IF;
      other.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      other.code(HANDLER, "F4");
      // mov ecx, 0x10; mov ss, ecx; inc eax; inc ebx
      other.code(CODE, "8E D1 FF C0 FF C3 F4");
      other.c.r[Cpu.RCX] = DATA;
      apic.waiting = true;
      other.c.interruptPending = true;
      other.c.interruptShadow = true;
      other.run();
      assertThat(other.c.r[Cpu.RAX]).isEqualTo(1);
      assertThat(other.c.r[Cpu.RBX]).isZero();
    }
  }

  @Test
  void clac_and_stac_open_and_close_user_memory_at_level_0_only() {
    m.longMode(0);
    m.run("0F 01 CB");
    assertThat(c.eflags & Flags.AC).isNotZero();
    m.run("0F 01 CA");
    assertThat(c.eflags & Flags.AC).isZero();
    m.longMode(3);
    assertThat(m.fault(Vector.UD, "0F 01 CB")[0]).isEqualTo(CODE);
  }

  @Test
  void rdtsc_in_user_code_depends_on_cr4() {
    m.clock.now = 0x1_2345_6789L;
    m.longMode(0);
    m.run("0F 31");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x2345_6789L);
    assertThat(c.r[Cpu.RDX]).isEqualTo(1);
    c.cr4 |= Cpu.CR4_TSD;
    m.run("0F 01 F9");
    m.longMode(3);
    c.cr4 |= Cpu.CR4_TSD;
    assertThat(m.errorCode(Vector.GP, "0F 31")).isZero();
  }

  /** An APIC with one interrupt of vector 0x30. */
  private static final class OneInterrupt implements ApicPort {
    private final NoApic none = new NoApic();
    boolean waiting;

    @Override
    public boolean pending() {
      return waiting;
    }

    @Override
    public int acknowledge() {
      waiting = false;
      return 0x30;
    }

    @Override
    public boolean takeNmi() {
      return false;
    }

    @Override
    public int cr8() {
      return 0;
    }

    @Override
    public void setCr8(int value) {}

    @Override
    public boolean hasMsr(int msr) {
      return false;
    }

    @Override
    public long readMsr(int msr) {
      return 0;
    }

    @Override
    public boolean writeMsr(int msr, long value) {
      return false;
    }

    @Override
    public long mmioBase() {
      return none.mmioBase();
    }

    @Override
    public long read(int offset, int size) {
      return none.read(offset, size);
    }

    @Override
    public void write(int offset, int size, long value) {}
  }
}
