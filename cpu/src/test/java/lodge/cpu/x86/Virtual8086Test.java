package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import lodge.cpu.x86.Interrupts.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Virtual8086Test {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private boolean deliver(int vector, Source source) {
    return Interrupts.deliver(c, vector, CpuException.NO_ERROR_CODE, source);
  }

  @Test
  void int_n_below_iopl_3_is_a_general_protection_fault() {
    m.virtual8086(0);
    assertThat(m.errorCode(Vector.GP, "CD 21")).isZero();
  }

  @Test
  void int_n_at_iopl_3_goes_through_the_gate() {
    m.virtual8086(3);
    m.gate32(0x21, CODE_32, HANDLER, INTERRUPT_GATE, 3);
    m.code(HANDLER, "F4");
    m.run("CD 21");
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(m.stack32(0)).isEqualTo((int) CODE + 2);
  }

  @Test
  void a_handler_has_to_be_of_level_0() {
    m.virtual8086(3);
    m.gate32(0x20, USER_CODE_32, HANDLER, INTERRUPT_GATE, 3);
    m.gate32(Vector.GP, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    assertThat(deliver(0x20, Source.HARDWARE)).isTrue();
    assertThat(m.stack32(0)).isEqualTo(USER_CODE_32 | 1);
  }

  @Test
  void the_redirection_bitmap_sends_int_n_to_the_8086_handler_with_a_virtual_interrupt_flag() {
    m.virtual8086(0);
    c.cr4 = Cpu.CR4_VME;
    // The bitmap is the 32 bytes before the I/O bitmap; all its bits are clear.
    m.memory.putShort(TSS_BASE + 0x66, (short) 0x88);
    m.memory.putInt(0x21 * 4, 0x900 << 16 | 0x20);
    c.eflags |= Flags.VIF;
    Interrupts.software(c, 0x21, Source.SOFTWARE);
    assertThat(c.virtual8086()).isTrue();
    assertThat(c.selector[Cpu.CS]).isEqualTo(0x900);
    assertThat(c.rip).isEqualTo(0x20);
    assertThat(c.eflags & Flags.VIF).isZero();
    int pushed = m.memory.getShort(0x6FFE) & 0xFFFF;
    assertThat(pushed & (Flags.IF | Flags.IOPL)).isEqualTo(Flags.IF | Flags.IOPL);

    // IRET restores VIF from the image's IF.
    InterruptReturn.execute(c, 2);
    assertThat(c.eflags & Flags.VIF).isNotZero();
    assertThat(c.iopl()).isZero();
    assertThat(c.rip).isEqualTo(CODE);
  }

  @Test
  void the_redirection_bitmap_sends_marked_vectors_to_the_monitor() {
    m.virtual8086(0);
    c.cr4 = Cpu.CR4_VME;
    m.memory.putShort(TSS_BASE + 0x66, (short) 0x88);
    m.memory.putByte(TSS_BASE + 0x68 + 0x21 / 8, (byte) (1 << 0x21 % 8));
    assertThat(m.errorCode(Vector.GP, "CD 21")).isZero();
  }

  @Test
  void cli_sti_pushf_and_popf_below_iopl_3_fault_without_vme_and_act_on_vif_with_it() {
    for (String code : new String[] {"FA", "FB", "9C", "9D", "CF"}) {
      m.virtual8086(0);
      assertThat(m.errorCode(Vector.GP, code)).as(code).isZero();
    }
    m.virtual8086(0);
    c.cr4 = Cpu.CR4_VME;
    FlagControl.setInterruptFlag(c);
    assertThat(c.eflags & (Flags.VIF | Flags.IF)).isEqualTo(Flags.VIF);
    assertThat(FlagControl.pushed(c, 2) & (Flags.IF | Flags.IOPL)).isEqualTo(Flags.IF | Flags.IOPL);
    FlagControl.pop(c, 2, 2);
    assertThat(c.eflags & Flags.VIF).isZero();
    c.eflags |= Flags.VIP;
    assertThat(m.errorCode(Vector.GP, "FB")).isZero();
  }

  @Test
  void segments_are_16_times_the_selector_with_64_kib() {
    m.virtual8086(3);
    m.gate32(0x80, CODE_32, HANDLER, INTERRUPT_GATE, 3);
    m.code(HANDLER, "F4");
    // mov ax, 0x200; mov ds, ax; mov [0x10], ax; int 0x80
    m.run("B8 00 02 8E D8 A3 10 00 CD 80");
    assertThat(m.memory.getShort(0x2010)).isEqualTo((short) 0x200);
  }

  @Test
  void privileged_instructions_fault() {
    for (String code : new String[] {"F4", "0F 20 C0", "0F 01 16 00 05", "0F 06"}) {
      m.virtual8086(3);
      assertThat(m.errorCode(Vector.GP, code)).as(code).isZero();
    }
    for (String code : new String[] {"0F 00 C0", "0F 00 D8", "0F 02 C0"}) {
      m.virtual8086(3);
      assertThat(m.fault(Vector.UD, code)[0]).as(code).isEqualTo(CODE);
    }
  }
}
