package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import lodge.cpu.x86.Interrupts.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LongModeDeliveryTest {
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
  void pushes_ss_and_rsp_and_aligns_the_stack_even_without_a_change_of_level() {
    m.longMode(0);
    m.gate64(32, CODE_64, 0xFFFF_8000_1234_5678L, INTERRUPT_GATE, 0, 0);
    c.r[Cpu.RSP] = STACK - 3;
    c.eflags = 2 | Flags.IF | Flags.TF | Flags.NT;

    assertThat(deliver(32, Source.HARDWARE)).isTrue();

    assertThat(c.rip).isEqualTo(0xFFFF_8000_1234_5678L);
    assertThat(c.r[Cpu.RSP]).isEqualTo(STACK - 16 - 40);
    assertThat(m.stack(0)).isEqualTo(CODE);
    assertThat(m.stack(1)).isEqualTo(CODE_64);
    assertThat(m.stack(2) & (Flags.IF | Flags.TF | Flags.NT))
        .isEqualTo(Flags.IF | Flags.TF | Flags.NT);
    assertThat(m.stack(3)).isEqualTo(STACK - 3);
    assertThat(m.stack(4)).isEqualTo(DATA);
    assertThat(c.eflags & (Flags.IF | Flags.TF | Flags.NT)).isZero();
    assertThat(c.selector[Cpu.SS]).isEqualTo(DATA);
  }

  @Test
  void from_user_code_takes_rsp0_and_a_null_ss() {
    m.longMode(3);
    m.gate64(14, CODE_64, HANDLER, TRAP_GATE, 0, 0);
    c.eflags |= Flags.IF;

    assertThat(Interrupts.deliver(c, Vector.PF, 7, Source.EXCEPTION)).isTrue();

    assertThat(c.cpl).isZero();
    assertThat(c.selector[Cpu.CS]).isEqualTo(CODE_64);
    assertThat(c.selector[Cpu.SS]).isZero();
    assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK - 48);
    assertThat(m.stack(0)).isEqualTo(7);
    assertThat(m.stack(2)).isEqualTo(USER_CODE_64 | 3);
    assertThat(m.stack(3) & Flags.RF).as("faults restart past breakpoints").isNotZero();
    assertThat(m.stack(5)).isEqualTo(USER_DATA | 3);
    assertThat(c.eflags & Flags.IF).as("a trap gate leaves IF").isNotZero();
  }

  @Test
  void uses_the_interrupt_stack_table_without_a_change_of_level_too() {
    m.longMode(0);
    m.gate64(2, CODE_64, HANDLER, INTERRUPT_GATE, 0, 1);

    assertThat(deliver(2, Source.HARDWARE)).isTrue();

    assertThat(c.r[Cpu.RSP]).isEqualTo(IST_STACK - 40);
    assertThat(c.selector[Cpu.SS]).isEqualTo(DATA);
    assertThat(c.nmiBlocked).isTrue();
  }

  @Test
  void enters_from_compatibility_mode() {
    m.compatibilityMode();
    m.gate64(0x80, CODE_64, HANDLER, INTERRUPT_GATE, 3, 0);

    assertThat(deliver(0x80, Source.SOFTWARE)).isTrue();

    assertThat(c.codeSize).isEqualTo(8);
    assertThat(m.stack(1)).isEqualTo(USER_CODE_32 | 3);
  }

  @Test
  void checks_the_gates_privilege_for_int_n_but_not_for_int1() {
    m.longMode(3);
    m.gate64(1, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(13, CODE_64, HANDLER + 16, INTERRUPT_GATE, 0, 0);

    assertThat(deliver(1, Source.PRIVILEGED)).isTrue();
    assertThat(c.rip).isEqualTo(HANDLER);

    m.longMode(3);
    assertThat(deliver(1, Source.SOFTWARE)).isTrue();
    assertThat(c.rip).isEqualTo(HANDLER + 16);
    assertThat(m.stack(0)).as("IDT entry 1, EXT clear").isEqualTo(1 << 3 | 2);
  }

  @Test
  void sets_ext_in_error_codes_of_faults_while_a_hardware_interrupt_is_delivered() {
    m.longMode(0);
    m.gate64(13, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);

    assertThat(deliver(0x30, Source.HARDWARE)).isTrue();

    assertThat(m.stack(0)).isEqualTo(0x30 << 3 | 2 | 1);
  }

  @Test
  void raises_not_present_for_an_absent_gate_and_an_absent_code_segment() {
    m.longMode(0);
    m.gate64(11, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.memory.putByte(IDT + 0x30 * 16 + 5, (byte) 0x0E);
    assertThat(deliver(0x30, Source.SOFTWARE)).isTrue();
    assertThat(m.stack(0)).isEqualTo(0x30 << 3 | 2);

    m.longMode(0);
    m.descriptor(FREE, 0x00AF_1B00_0000_FFFFL);
    m.gate64(0x30, FREE, HANDLER, INTERRUPT_GATE, 0, 0);
    assertThat(deliver(0x30, Source.SOFTWARE)).isTrue();
    assertThat(m.stack(0)).isEqualTo(FREE);
  }

  @Test
  void refuses_a_handler_that_is_not_64_bit_code() {
    m.longMode(0);
    m.gate64(13, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(0x30, CODE_32, HANDLER, INTERRUPT_GATE, 0, 0);
    assertThat(deliver(0x30, Source.SOFTWARE)).isTrue();
    assertThat(m.stack(0)).isEqualTo(CODE_32);
  }

  @Test
  void marks_the_handlers_code_segment_accessed() {
    m.longMode(0);
    m.descriptor(FREE, 0x00AF_9A00_0000_FFFFL);
    m.gate64(0x30, FREE, HANDLER, INTERRUPT_GATE, 0, 0);
    assertThat(deliver(0x30, Source.HARDWARE)).isTrue();
    assertThat(m.descriptor(FREE)).isEqualTo(0x00AF_9B00_0000_FFFFL);
  }

  @Test
  void promotes_a_page_fault_that_has_no_stack_to_a_double_fault() {
    m.longMode(3);
    m.gate64(8, CODE_64, HANDLER, INTERRUPT_GATE, 0, 1);
    m.gate64(14, CODE_64, HANDLER + 16, INTERRUPT_GATE, 0, 0);
    m.memory.putLong(TSS_BASE + 4, 0x7000_0000L);

    assertThat(Interrupts.deliver(c, Vector.PF, 4, Source.EXCEPTION)).isTrue();

    assertThat(c.rip).isEqualTo(HANDLER);
    assertThat(c.r[Cpu.RSP]).isEqualTo(IST_STACK - 48);
    assertThat(m.stack(0)).isZero();
    assertThat(c.cr2).isEqualTo(0x7000_0000L - 8);
    assertThat(c.shutdown).isFalse();
  }

  @Test
  void delivers_a_page_fault_after_a_benign_exception_in_its_turn() {
    m.longMode(3);
    m.gate64(6, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(14, CODE_64, HANDLER, INTERRUPT_GATE, 0, 1);
    m.memory.putLong(TSS_BASE + 4, 0x7000_0000L);

    assertThat(deliver(Vector.UD, Source.EXCEPTION)).isTrue();

    assertThat(c.r[Cpu.RSP]).isEqualTo(IST_STACK - 48);
    assertThat(m.stack(0)).isEqualTo(2);
    assertThat(m.stack(1)).isEqualTo(CODE);
  }

  @Test
  void shuts_down_when_the_double_fault_cannot_be_delivered() {
    m.longMode(0);
    assertThat(deliver(Vector.GP, Source.EXCEPTION)).isFalse();
    assertThat(c.shutdown).isTrue();
    assertThat(c.rip).as("the state stays that of the first fault").isEqualTo(CODE);
  }

  @Test
  void shuts_down_when_the_interrupt_table_has_no_room() {
    m.longMode(0);
    c.idtLimit = 0;
    assertThat(deliver(32, Source.HARDWARE)).isFalse();
  }

  @Test
  void raises_stack_fault_for_a_stack_that_is_not_canonical() {
    m.longMode(3);
    m.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(12, CODE_64, HANDLER, INTERRUPT_GATE, 0, 1);
    m.memory.putLong(TSS_BASE + 4, 0x8000_0000_0000_0000L);
    assertThat(deliver(0x30, Source.HARDWARE)).isTrue();
    assertThat(c.r[Cpu.RSP]).isEqualTo(IST_STACK - 48);
    assertThat(m.stack(0)).isEqualTo(1);
  }

  @Test
  void wakes_a_halted_processor_and_ends_the_interrupt_shadow() {
    m.longMode(0);
    m.gate64(0x30, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    c.halted = true;
    c.interruptShadow = true;
    assertThat(deliver(0x30, Source.HARDWARE)).isTrue();
    assertThat(c.halted).isFalse();
    assertThat(c.interruptShadow).isFalse();
  }

  @Test
  void int_n_that_faults_reports_its_own_address() {
    m.longMode(0);
    long[] frame = m.fault(Vector.GP, "CD 55");
    assertThat(frame[0]).isEqualTo(0x55 << 3 | 2);
    assertThat(frame[1]).isEqualTo(CODE);
  }

  @Test
  void int3_and_icebp_report_the_address_after_them() {
    m.longMode(0);
    assertThat(m.fault(Vector.BP, "90 CC")[0]).isEqualTo(CODE + 2);
    m.longMode(0);
    assertThat(m.fault(Vector.DB, "90 F1")[0]).isEqualTo(CODE + 2);
  }
}
