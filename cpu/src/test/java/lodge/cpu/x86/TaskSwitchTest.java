package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lodge.cpu.x86.Interrupts.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskSwitchTest {
  private static final int OTHER = FREE;
  private static final int OTHER_GATE = FREE + 0x10;
  private static final long OTHER_BASE = 0x5000;
  private static final long OTHER_CODE = 0xA000;
  private static final long OTHER_STACK = 0x5_0000;

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  @BeforeEach
  void tasks() {
    m.protectedMode(0);
    m.descriptor(TSS, m.descriptor(TSS) | 2L << 40);
    m.system(OTHER, 0x89, OTHER_BASE, 0x67);
    m.descriptor(OTHER_GATE, gate(OTHER, 0, Descriptor.TASK_GATE, 0, 0));
    task32(CODE_32, DATA);
  }

  private void task32(int code, int data) {
    m.memory.putInt(OTHER_BASE + 0x20, (int) OTHER_CODE);
    m.memory.putInt(OTHER_BASE + 0x24, 2);
    m.memory.putInt(OTHER_BASE + 0x28, 0x1111_1111);
    m.memory.putInt(OTHER_BASE + 0x38, (int) OTHER_STACK);
    int[] segments = {data, code, data, data, 0, 0};
    for (int i = 0; i < 6; i++) {
      m.memory.putInt(OTHER_BASE + 0x48 + 4 * i, segments[i]);
    }
    m.memory.putInt(OTHER_BASE + 0x60, 0);
  }

  private int type(int selector) {
    return Descriptor.systemType(m.descriptor(selector));
  }

  @Test
  void a_call_nests_and_iret_goes_back() {
    // inc eax; iret
    m.code(OTHER_CODE, "40 CF");
    m.run("B8 55 00 00 00 9A 00 00 00 00 60 00");
    assertThat(c.selector[Cpu.TR]).isEqualTo(TSS);
    assertThat(c.rip).isEqualTo(CODE + 13);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x55);
    assertThat(m.memory.getInt(OTHER_BASE + 0x28)).as("saved EAX").isEqualTo(0x1111_1112);
    assertThat(m.memory.getInt(OTHER_BASE + 0x20)).as("saved EIP").isEqualTo((int) OTHER_CODE + 2);
    assertThat(m.memory.getShort(OTHER_BASE)).as("back link").isEqualTo((short) TSS);
    assertThat(type(OTHER)).isEqualTo(Descriptor.TSS_32);
    assertThat(type(TSS)).isEqualTo(Descriptor.TSS_32_BUSY);
    assertThat(c.eflags & Flags.NT).isZero();
    assertThat(c.cr0 & Cpu.CR0_TS).isNotZero();
  }

  @Test
  void a_jump_leaves_the_old_task_available() {
    m.code(OTHER_CODE, "F4");
    m.run("EA 00 00 00 00 70 00");
    assertThat(c.selector[Cpu.TR]).isEqualTo(OTHER);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1111_1111);
    assertThat(c.r[Cpu.RSP]).isEqualTo(OTHER_STACK);
    assertThat(type(TSS)).isEqualTo(Descriptor.TSS_32);
    assertThat(type(OTHER)).isEqualTo(Descriptor.TSS_32_BUSY);
    assertThat(c.eflags & Flags.NT).isZero();
    assertThat(m.memory.getInt(TSS_BASE + 0x20)).isEqualTo((int) CODE + 7);
  }

  @Test
  void an_exception_through_a_task_gate_pushes_its_error_code_in_the_new_task() {
    m.gate32(Vector.DF, OTHER, 0, Descriptor.TASK_GATE, 0);
    assertThat(Interrupts.deliver(c, Vector.DF, 0, Source.EXCEPTION)).isTrue();
    assertThat(c.selector[Cpu.TR]).isEqualTo(OTHER);
    assertThat(c.rip).isEqualTo(OTHER_CODE);
    assertThat(c.r[Cpu.RSP]).isEqualTo(OTHER_STACK - 4);
    assertThat(m.stack32(0)).isZero();
    assertThat(c.eflags & Flags.NT).isNotZero();
  }

  @Test
  void a_busy_task_and_a_short_tss_are_refused_in_the_old_task() {
    assertThat(m.errorCode(Vector.GP, "9A 00 00 00 00 40 00")).isEqualTo(TSS);
    m.protectedMode(0);
    m.system(OTHER, 0x89, OTHER_BASE, 0x66);
    assertThat(m.errorCode(Vector.TS, "9A 00 00 00 00 60 00")).isEqualTo(OTHER);
    assertThat(c.selector[Cpu.TR]).isEqualTo(TSS);
  }

  @Test
  void a_bad_segment_faults_in_the_new_task() {
    task32(CODE_32, DATA);
    m.memory.putInt(OTHER_BASE + 0x48, TSS);
    long[] frame = m.fault(Vector.TS, "9A 00 00 00 00 60 00");
    assertThat(frame[0]).isEqualTo(TSS);
    assertThat(frame[1]).isEqualTo(OTHER_CODE);
    assertThat(c.selector[Cpu.TR]).isEqualTo(OTHER);
    assertThat(c.r[Cpu.RSP]).isEqualTo(OTHER_STACK - 16);
  }

  @Test
  void a_task_goes_to_virtual_8086_mode() {
    m.memory.putInt(OTHER_BASE + 0x24, Flags.VM | 2);
    m.memory.putInt(OTHER_BASE + 0x4C, 0xA00);
    m.memory.putInt(OTHER_BASE + 0x20, 0);
    FarTransfers.jump(c, OTHER, 0, 4);
    assertThat(c.virtual8086()).isTrue();
    assertThat(c.cpl).isEqualTo(3);
    assertThat(c.segBase[Cpu.CS]).isEqualTo(0xA000);
  }

  @Test
  void a_16_bit_tss_saves_and_loads_half_registers() {
    m.system(OTHER, 0x81, OTHER_BASE, 0x2B);
    m.memory.putShort(OTHER_BASE + 0xE, (short) OTHER_CODE);
    m.memory.putShort(OTHER_BASE + 0x10, (short) 2);
    m.memory.putShort(OTHER_BASE + 0x12, (short) 0x7777);
    m.memory.putShort(OTHER_BASE + 0x1A, (short) 0x6000);
    short[] segments = {DATA, CODE_32, DATA, DATA};
    for (int i = 0; i < 4; i++) {
      m.memory.putShort(OTHER_BASE + 0x22 + 2 * i, segments[i]);
    }
    m.memory.putShort(OTHER_BASE + 0x2A, (short) 0);
    m.code(OTHER_CODE, "F4");
    m.run("EA 00 00 00 00 60 00");
    assertThat(c.r[Cpu.RAX] & 0xFFFF).isEqualTo(0x7777);
    assertThat(c.r[Cpu.RSP] & 0xFFFF).isEqualTo(0x6000);
    assertThat(c.selector[Cpu.TR]).isEqualTo(OTHER);
  }

  @Test
  void the_trap_bit_asks_for_a_debug_exception() {
    m.memory.putShort(OTHER_BASE + 0x64, (short) 1);
    FarTransfers.jump(c, OTHER, 0, 4);
    assertThat(c.pendingDebug).isEqualTo(DebugRegisters.DR6_BT);
    m.gate32(Vector.DB, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    assertThat(Interrupts.deliverPendingDebug(c)).isTrue();
    assertThat(c.dr[6] & DebugRegisters.DR6_BT).isNotZero();
    assertThat(c.pendingDebug).isZero();
  }

  @Test
  void the_trap_bit_interrupts_the_new_task_before_its_first_instruction() {
    m.memory.putShort(OTHER_BASE + 0x64, (short) 1);
    m.code(OTHER_CODE, "40 F4");
    assertThat(m.fault(Vector.DB, "EA 00 00 00 00 60 00")[0]).isEqualTo(OTHER_CODE);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1111_1111);
  }

  @Test
  void a_new_task_that_cannot_even_take_its_own_faults_shuts_down() {
    m.memory.putInt(OTHER_BASE + 0x50, TSS);
    assertThatThrownBy(() -> m.run("EA 00 00 00 00 60 00")).hasMessageContaining("SHUTDOWN");
    assertThat(c.shutdown).isTrue();
  }

  @Test
  void long_mode_has_no_task_switches() {
    m.longMode(0);
    m.memory.putInt(0x500, 0);
    m.memory.putShort(0x504, (short) OTHER);
    assertThat(m.errorCode(Vector.GP, "FF 1C 25 00 05 00 00")).isEqualTo(OTHER);
  }
}
