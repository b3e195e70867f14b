package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Fetches at the end of a code segment and of the address space (SDM volume 3, 5.3). */
class CodeLimitTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  /** 32-bit code with another segment end; #GP goes to a handler in the flat segment that halts. */
  private void segment(long base, long limit) {
    m.protectedMode(0);
    m.gate32(Vector.GP, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    m.code(HANDLER, "F4");
    c.segBase[Cpu.CS] = base;
    c.segLimit[Cpu.CS] = limit;
    c.modeChanged();
    c.rip = CODE - base;
  }

  private void faultsAt(long rip) {
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(m.stack32(0)).as("error code").isZero();
    assertThat(m.stack32(1)).as("EIP").isEqualTo((int) rip);
  }

  @Test
  void execution_that_runs_over_the_limit_faults_behind_it() {
    segment(0, CODE + 2);
    // inc eax three times
    m.run("40 40 40 40 40");
    faultsAt(CODE + 3);
    assertThat(c.r[Cpu.RAX]).isEqualTo(3);
  }

  @Test
  void an_instruction_that_goes_on_behind_the_limit_faults_as_a_whole() {
    segment(0, CODE + 4);
    // inc eax; mov eax, 0x12345678
    m.run("40 B8 78 56 34 12");
    faultsAt(CODE + 1);
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
  }

  @Test
  void code_that_was_decoded_under_a_wider_limit_is_not_taken_for_it() {
    segment(0, 0xFFFF_FFFFL);
    m.run("40 40 40");
    segment(0, CODE + 1);
    c.r[Cpu.RAX] = 0;
    m.run();
    faultsAt(CODE + 2);
    assertThat(c.r[Cpu.RAX]).isEqualTo(2);
    segment(0, CODE + 0x10);
    c.r[Cpu.RAX] = 0;
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(3);
  }

  @Test
  void branches_within_the_last_page_work_and_stores_into_it_are_seen() {
    segment(0, CODE + 0x1F);
    // mov byte [CODE + 10], 0x40 (inc eax over a nop); jmp +1; hlt; nop; dec ecx; jnz -4
    c.r[Cpu.RCX] = 3;
    m.run("C6 05 0A 80 00 00 40 EB 01 F4 90 49 75 FC");
    assertThat(c.r[Cpu.RAX]).isEqualTo(3);
    assertThat(c.rip).isEqualTo(CODE + 15);
  }

  @Test
  void an_instruction_across_pages_is_checked_against_the_limit_before_the_second_page() {
    segment(0, 0x9_0FFF);
    c.rip = 0x9_0FFE;
    m.code(0x9_0FFE, "B8 78 56 34 12 F4");
    m.run();
    faultsAt(0x9_0FFE);
    segment(0, 0x9_1001);
    c.rip = 0x9_0FFE;
    m.run();
    faultsAt(0x9_0FFE);
    segment(0, 0x9_1003);
    c.rip = 0x9_0FFE;
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1234_5678);
  }

  @Test
  void real_mode_faults_behind_64_kib() {
    m.realMode();
    c.segBase[Cpu.CS] = 0x1_2340;
    c.selector[Cpu.CS] = 0x1234;
    c.modeChanged();
    m.memory.putInt(Vector.GP * 4, (int) HANDLER);
    m.code(HANDLER, "F4");
    c.rip = 0xFFFE;
    // inc ax; inc ax
    m.code(0x1_2340 + 0xFFFE, "40 40 40");
    m.run();
    assertThat(c.r[Cpu.RAX] & 0xFFFF).isEqualTo(2);
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(m.memory.getShort(c.r[Cpu.RSP])).as("IP").isZero();
  }

  @Test
  void flat_32_bit_code_goes_on_at_0_behind_4_gib() {
    // Paging puts memory at the last page: 32-bit mode, 4 MiB pages.
    m.protectedMode(0);
    long directory = 0x5_0000;
    for (int i = 0; i < 4; i++) {
      m.memory.putInt(directory + 4 * i, i << 22 | 0x83);
    }
    m.memory.putInt(directory + 4 * 1023, 0x40_0083);
    c.cr3 = directory;
    ControlRegisters.writeCr4(c, Cpu.CR4_PSE);
    ControlRegisters.writeCr0(c, 0x8000_0031L);
    m.code(0x7F_FFFD, "40 40 B8");
    m.code(0, "78 56 34 12 F4");
    c.rip = 0xFFFF_FFFDL;
    m.run();
    assertThat(c.r[Cpu.RAX]).as("an instruction across the end").isEqualTo(0x1234_5678);
    assertThat(c.rip).isEqualTo(5);
    m.code(0x7F_FFFE, "40 40");
    m.code(0, "40 F4");
    c.r[Cpu.RAX] = 0;
    c.rip = 0xFFFF_FFFEL;
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(3);
    assertThat(c.rip).isEqualTo(2);
  }

  @Test
  void code_that_runs_into_addresses_that_are_not_canonical_faults_there() {
    m.longMode(0);
    m.gate64(Vector.GP, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(HANDLER, "F4");
    // The last 2 MiB of the lower half are the second ones of memory.
    m.memory.putLong(PML4 + 8 * 255, 0x5_0007);
    m.memory.putLong(0x5_0000 + 8 * 511, 0x5_1007);
    m.memory.putLong(0x5_1000 + 8 * 511, 0x20_0087);
    m.code(0x3F_FFFE, "FF C0");
    c.rip = 0x7FFF_FFFF_FFFEL;
    m.run();
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(m.stack(1)).isEqualTo(0x8000_0000_0000L);
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
  }
}
