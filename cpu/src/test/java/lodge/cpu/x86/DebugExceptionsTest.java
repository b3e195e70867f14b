package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Breakpoints and single steps as a guest's handler sees them (SDM volume 3, 18.2 and 18.3). */
class DebugExceptionsTest {
  /** Appends RIP, DR6 and RFLAGS to the list and returns with RF set. */
  private static final String LOGGING_HANDLER =
      "50 53 48 8B 1C 25 00 60 00 00 48 8B 44 24 10 48 89 03 0F 21 F0 48 89 43 08 48 8B 44 24 20"
          + "48 89 43 10 48 83 C3 18 48 89 1C 25 00 60 00 00 81 4C 24 20 00 00 01 00 5B 58 48 CF";

  private static final long LIST_END = 0x6000;
  private static final long LIST = 0x6100;
  private static final long WATCHED = 0x7000;
  private static final long OTHER_HANDLER = 0x9800;

  private static final int BS = DebugRegisters.DR6_BS;
  private static final long NOTHING = 0xFFFF_0FF0L;

  // pushfq; or dword [rsp], 0x100; popfq
  private static final String SET_TF = "9C 81 0C 24 00 01 00 00 9D";
  private static final int AFTER_SET_TF = (int) CODE + 9;

  // pushfq; and dword [rsp], ~0x100; popfq
  private static final String CLEAR_TF = "9C 81 24 24 FF FE FF FF 9D";

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @BeforeEach
  void prepare() {
    m.longMode(0);
    m.gate64(Vector.DB, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(HANDLER, LOGGING_HANDLER);
    m.memory.putLong(LIST_END, LIST);
  }

  @AfterEach
  void close() {
    m.close();
  }

  private void arm(int index, long address, int condition, int length) {
    c.dr[index] = address;
    c.dr[7] |= 2L << 2 * index | (long) (condition | length << 2) << 16 + 4 * index;
    DebugRegisters.armed(c);
  }

  private int count() {
    return (int) (m.memory.getLong(LIST_END) - LIST) / 24;
  }

  private long rip(int i) {
    return m.memory.getLong(LIST + 24 * i);
  }

  private long dr6(int i) {
    return m.memory.getLong(LIST + 24 * i + 8);
  }

  private boolean rf(int i) {
    return (m.memory.getLong(LIST + 24 * i + 16) & Flags.RF) != 0;
  }

  private void trapsAt(int reasons, long... rips) {
    assertThat(count()).isEqualTo(rips.length);
    for (int i = 0; i < rips.length; i++) {
      assertThat(rip(i)).as("trap " + i).isEqualTo(rips[i]);
      assertThat(dr6(i)).as("DR6 of trap " + i).isEqualTo(NOTHING | reasons);
    }
  }

  // ---------------------------------------------------------------- single step

  @Test
  void a_step_starts_behind_the_popf_that_sets_tf_and_ends_with_the_one_that_clears_it() {
    m.run(SET_TF + "90 90" + CLEAR_TF + "90");
    long nops = AFTER_SET_TF;
    trapsAt(BS, nops + 1, nops + 2, nops + 3, nops + 10, nops + 11);
  }

  @Test
  void sti_does_not_hold_a_step_up() {
    m.run(SET_TF + "FB 90" + CLEAR_TF);
    long sti = AFTER_SET_TF;
    assertThat(rip(0)).isEqualTo(sti + 1);
    assertThat(rip(1)).isEqualTo(sti + 2);
  }

  @Test
  void mov_ss_and_pop_ss_are_stepped_over_with_the_instruction_behind_them() {
    // mov eax, ss; ...; mov ss, eax; nop; nop
    m.run("8C D0" + SET_TF + "8E D0 90 90" + CLEAR_TF);
    long start = AFTER_SET_TF + 2;
    assertThat(rip(0)).isEqualTo(start + 3);
    assertThat(rip(1)).isEqualTo(start + 4);
  }

  @Test
  void a_software_interrupt_is_not_stepped_and_neither_is_its_handler() {
    m.gate64(0x40, CODE_64, OTHER_HANDLER, INTERRUPT_GATE, 0, 0);
    // nop; nop; iretq
    m.code(OTHER_HANDLER, "90 90 48 CF");
    // int 0x40; nop
    m.run(SET_TF + "CD 40 90" + CLEAR_TF);
    assertThat(rip(0)).as("IRET restores TF for what follows").isEqualTo(AFTER_SET_TF + 3);
  }

  @Test
  void hlt_with_tf_ends_at_once() {
    m.run(SET_TF + "F4" + CLEAR_TF);
    assertThat(rip(0)).isEqualTo(AFTER_SET_TF + 1);
    assertThat(count()).isEqualTo(4);
  }

  @Test
  void syscall_that_masks_tf_is_not_stepped_but_sysret_that_sets_it_is() {
    c.msrs.star = (long) CODE_64 << 32 | (long) (USER_CODE_32 | 3) << 48;
    c.msrs.lstar = OTHER_HANDLER;
    c.msrs.fmask = Flags.TF;
    m.gate64(Vector.DB, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    // nop; sysretq
    m.code(OTHER_HANDLER, "90 48 0F 07");
    m.gate64(0x40, CODE_64, OTHER_HANDLER + 0x100, INTERRUPT_GATE, 3, 0);
    m.code(OTHER_HANDLER + 0x100, "F4");
    m.longMode(3);
    // syscall; nop; int 0x40
    m.run(SET_TF + "0F 05 90 CD 40");
    trapsAt(BS, AFTER_SET_TF + 2, AFTER_SET_TF + 3);
  }

  @Test
  void each_repetition_is_a_step_and_rf_is_pushed_in_between() {
    c.r[Cpu.RCX] = 3;
    c.r[Cpu.RDI] = WATCHED;
    // rep stosb; nop
    m.run(SET_TF + "F3 AA 90" + CLEAR_TF);
    long rep = AFTER_SET_TF;
    assertThat(rip(0)).isEqualTo(rep);
    assertThat(rip(1)).isEqualTo(rep);
    assertThat(rip(2)).isEqualTo(rep + 2);
    assertThat(rip(3)).isEqualTo(rep + 3);
    assertThat(rf(0)).isTrue();
    assertThat(rf(1)).isTrue();
    assertThat(rf(2)).as("behind the last one").isFalse();
  }

  @Test
  void with_btf_only_taken_branches_are_stepped_until_one_was() {
    c.msrs.write(0x1D9, 2);
    // nop; jz +0 (not taken, ZF is clear); jmp +1; hlt; nop
    m.run("83 C8 01" + SET_TF + "90 74 01 EB 01 F4 90" + CLEAR_TF);
    long nop = AFTER_SET_TF + 3;
    assertThat(rip(0)).as("the jump").isEqualTo(nop + 6);
    assertThat(c.msrs.read(0x1D9)).isZero();
    assertThat(rip(1)).as("plain steps again").isEqualTo(nop + 7);
  }

  @Test
  void a_step_comes_before_the_interrupt_that_waits() {
    var apic = new FakeApic();
    try (var other = new TestMachine(apic)) {
      other.longMode(0);
      other.gate64(Vector.DB, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      // The interrupt's handler halts, that of the trap marks and returns.
      other.gate64(0x30, CODE_64, OTHER_HANDLER, INTERRUPT_GATE, 0, 0);
      other.code(OTHER_HANDLER, "F4");
      // inc ebp; iretq
      other.code(HANDLER, "FF C5 48 CF");
      other.c.eflags |= Flags.IF | Flags.TF;
      apic.vectorOnWrite = 0x30;
      // wrmsr to the APIC makes the interrupt pending in the middle of a stepped instruction
      other.c.r[Cpu.RCX] = 0x80B;
      other.run("0F 30 90");
      assertThat(other.c.rip).isEqualTo(OTHER_HANDLER + 1);
      assertThat(other.c.r[Cpu.RBP]).isEqualTo(1);
      assertThat(other.stack(0)).isEqualTo(CODE + 2);
    }
  }

  // ---------------------------------------------------------------- instruction breakpoints

  @Test
  void an_instruction_breakpoint_faults_before_its_instruction_unless_rf_is_set() {
    arm(2, CODE + 1, 0, 0);
    // nop; inc eax; nop
    m.run("90 FF C0 90");
    trapsAt(4, CODE + 1);
    assertThat(rf(0)).isFalse();
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
  }

  @Test
  void an_instruction_breakpoint_comes_before_the_fault_of_its_instruction() {
    arm(0, CODE + 1, 0, 0);
    m.gate64(Vector.UD, CODE_64, OTHER_HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(OTHER_HANDLER, "F4");
    m.run("90 0F 0B");
    trapsAt(1, CODE + 1);
    assertThat(c.rip).isEqualTo(OTHER_HANDLER + 1);
    assertThat(m.stack(0)).isEqualTo(CODE + 1);
    assertThat(m.stack(2) & Flags.RF).as("RF of a fault").isNotZero();
  }

  @Test
  void mov_ss_suppresses_the_breakpoint_of_the_next_instruction() {
    arm(0, CODE + 4, 0, 0);
    arm(1, CODE + 5, 0, 0);
    // mov eax, ss; mov ss, eax; nop; nop
    m.run("8C D0 8E D0 90 90");
    trapsAt(2, CODE + 5);
  }

  @Test
  void a_breakpoint_at_a_repeated_instruction_stops_it_once() {
    arm(0, CODE, 0, 0);
    c.r[Cpu.RCX] = 3;
    c.r[Cpu.RDI] = WATCHED;
    m.run("F3 AA");
    trapsAt(1, CODE);
    assertThat(c.r[Cpu.RCX]).isZero();
  }

  @Test
  void breakpoints_are_linear_addresses() {
    m.protectedMode(0);
    m.gate32(Vector.DB, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    m.code(HANDLER, "F4");
    c.segBase[Cpu.CS] = 0x1000;
    c.modeChanged();
    c.rip = CODE - 0x1000;
    c.dr[0] = CODE + 1;
    c.dr[7] |= 1;
    DebugRegisters.armed(c);
    m.run("90 90");
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(m.stack32(0)).isEqualTo((int) CODE - 0x1000 + 1);
  }

  // ---------------------------------------------------------------- data breakpoints

  @Test
  void a_write_breakpoint_traps_behind_writes_alone() {
    arm(1, WATCHED, 1, 3);
    // mov eax, [0x7000]; mov [0x7000], eax; nop
    m.run("8B 04 25 00 70 00 00 89 04 25 00 70 00 00 90");
    trapsAt(2, CODE + 14);
    assertThat(rf(0)).isFalse();
  }

  @Test
  void a_read_or_write_breakpoint_traps_behind_both() {
    arm(3, WATCHED, 3, 0);
    // mov al, [0x7000]; mov [0x7000], al; inc byte [0x7000]; nop
    m.run("8A 04 25 00 70 00 00 88 04 25 00 70 00 00 FE 04 25 00 70 00 00 90");
    trapsAt(8, CODE + 7, CODE + 14, CODE + 21);
    assertThat(m.memory.getByte(WATCHED)).isEqualTo((byte) 1);
  }

  @Test
  void what_overlaps_the_watched_bytes_hits_and_what_only_neighbours_them_does_not() {
    // Four bytes; the two low bits of the address do not count.
    arm(0, WATCHED + 6, 1, 3);
    // mov [0x7003], al; mov [0x7008], al; mov [0x7001], eax; mov [0x7000], rax; mov [0x7007], ax
    m.run(
        "88 04 25 03 70 00 00 88 04 25 08 70 00 00 89 04 25 01 70 00 00"
            + "48 89 04 25 00 70 00 00 66 89 04 25 07 70 00 00 90");
    trapsAt(1, CODE + 21, CODE + 29, CODE + 37);
  }

  @Test
  void eight_bytes_can_be_watched_and_an_access_may_cross_a_page() {
    arm(0, WATCHED + 0x1000, 1, 2);
    // mov [0x7FFE], eax; mov [0x8006], ax is next to code, so: mov [0x7FF8], rax misses
    m.code(0xA000, "89 04 25 FE 7F 00 00 48 89 04 25 F8 7F 00 00 90 F4");
    c.rip = 0xA000;
    m.run();
    trapsAt(1, 0xA007);
  }

  @Test
  void several_conditions_at_once_make_one_exception() {
    arm(0, WATCHED, 1, 0);
    arm(2, WATCHED + 1, 3, 0);
    m.run(SET_TF + "66 89 04 25 00 70 00 00" + CLEAR_TF);
    assertThat(dr6(0)).isEqualTo(NOTHING | BS | 5);
    assertThat(rip(0)).isEqualTo(AFTER_SET_TF + 8);
    assertThat(dr6(1)).as("the handler left DR6 as it was").isEqualTo(NOTHING | BS);
  }

  @Test
  void the_conditions_in_dr6_are_replaced_and_all_else_stays() {
    DebugRegisters.write(c, 6, BS | 2);
    arm(2, CODE, 0, 0);
    m.run("90");
    trapsAt(BS | 4, CODE);
  }

  @Test
  void pushes_are_watched() {
    arm(0, STACK - 8, 1, 2);
    m.run("50 90");
    trapsAt(1, CODE + 1);
  }

  @Test
  void a_repeated_instruction_stops_behind_the_repetition_that_hits() {
    arm(0, WATCHED + 5, 1, 0);
    c.r[Cpu.RCX] = 10;
    c.r[Cpu.RDI] = WATCHED;
    m.code(HANDLER, "48 89 CD" + LOGGING_HANDLER);
    m.run("F3 AA 90");
    trapsAt(1, CODE);
    assertThat(rf(0)).isTrue();
    assertThat(c.r[Cpu.RBP]).as("repetitions left").isEqualTo(4);
    assertThat(c.r[Cpu.RCX]).isZero();
  }

  @Test
  void an_instruction_that_faults_hits_nothing() {
    arm(0, WATCHED, 3, 0);
    m.gate64(Vector.SS, CODE_64, OTHER_HANDLER, INTERRUPT_GATE, 0, 1);
    m.code(OTHER_HANDLER, "F4");
    c.r[Cpu.RSP] = 1L << 60;
    // push qword [0x7000]
    m.run("FF 34 25 00 70 00 00 90");
    assertThat(count()).isZero();
    assertThat(c.rip).isEqualTo(OTHER_HANDLER + 1);
  }

  @Test
  void breakpoints_that_are_not_enabled_do_nothing() {
    c.dr[0] = WATCHED;
    c.dr[1] = CODE;
    c.dr[7] = 0x400 | 1 << 16;
    DebugRegisters.armed(c);
    m.run("89 04 25 00 70 00 00");
    assertThat(count()).isZero();
  }

  @Test
  void a_watched_page_is_fast_again_when_nothing_is_watched_any_more() {
    arm(0, WATCHED, 3, 0);
    m.run("8A 04 25 01 70 00 00");
    DebugRegisters.write(c, 7, 0);
    c.mmu.read8(WATCHED);
    long misses = c.mmu.tlbMisses;
    c.mmu.read8(WATCHED);
    assertThat(c.mmu.tlbMisses).isEqualTo(misses);
  }

  // ---------------------------------------------------------------- I/O breakpoints

  @Test
  void io_breakpoints_need_debugging_extensions() {
    arm(0, 0x80, 2, 1);
    // out 0x81, al; nop
    m.run("E6 81 90");
    assertThat(count()).isZero();
    m.longMode(0);
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_DE);
    // in al, 0x82; out 0x81, al; in eax, 0x7E; nop
    m.run("E4 82 E6 81 E5 7E 90");
    trapsAt(1, CODE + 4, CODE + 6);
  }

  // ---------------------------------------------------------------- MOV SS and a breakpoint

  private void watchTheSelector() {
    m.memory.putLong(WATCHED, DATA);
    arm(0, WATCHED, 3, 1);
  }

  // mov ss, [0x7000]
  private static final String MOV_SS = "8E 14 25 00 70 00 00";

  @Test
  void a_breakpoint_that_mov_ss_hits_comes_behind_the_next_instruction() {
    watchTheSelector();
    m.run(MOV_SS + "90 90");
    trapsAt(1, CODE + 8);
  }

  @Test
  void int1_behind_mov_ss_takes_the_breakpoint_along() {
    watchTheSelector();
    m.run(MOV_SS + "F1 90");
    trapsAt(1, CODE + 8);
  }

  @Test
  void a_software_interrupt_behind_mov_ss_goes_first_and_its_handler_is_interrupted() {
    watchTheSelector();
    m.gate64(0x40, CODE_64, OTHER_HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(OTHER_HANDLER, "90 48 CF");
    m.run(MOV_SS + "CD 40 90");
    trapsAt(1, OTHER_HANDLER);
  }

  // ---------------------------------------------------------------- INT1 and general detect

  @Test
  void int1_is_a_trap_that_leaves_dr6_alone() {
    m.run("F1 90");
    trapsAt(0, CODE + 1);
  }

  @Test
  void general_detect_is_a_fault_with_rf_and_not_held_up_by_mov_ss() {
    c.dr[7] |= DebugRegisters.DR7_GD;
    // mov eax, ss; mov ss, eax; mov dr6, rcx
    m.run("8C D0 8E D0 0F 23 F1");
    trapsAt(DebugRegisters.DR6_BD, CODE + 4);
    assertThat(rf(0)).isTrue();
    assertThat(c.dr[7]).isEqualTo(0x400);
    assertThat(c.dr[6]).isEqualTo(NOTHING);
  }

  @Test
  void a_debug_register_faults_for_its_number_before_the_privilege_level() {
    c.cr4 |= Cpu.CR4_DE;
    m.longMode(3);
    c.cr4 |= Cpu.CR4_DE;
    // mov rax, dr4; mov rax, dr0
    assertThat(m.fault(Vector.UD, "0F 21 E0")[0]).isEqualTo(CODE);
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 21 C0")).isZero();
    m.longMode(0);
    assertThat(m.fault(Vector.UD, "44 0F 21 C0")[0]).as("DR8").isEqualTo(CODE);
  }
}
