package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import lodge.cpu.x86.Interrupts.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RealModeTest {
  private final TestMachine m = new TestMachine().realMode();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void vector(int vector, int selector, int offset) {
    m.memory.putInt(vector * 4, selector << 16 | offset);
  }

  @Test
  void an_interrupt_goes_through_the_vector_table_and_iret_comes_back() {
    vector(0x21, 0x900, 0x10);
    // mov ax, 1; iret
    m.code(0x9010, "B8 01 00 CF");
    c.eflags |= Flags.IF;
    m.run("CD 21");
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    assertThat(c.rip).isEqualTo(CODE + 3);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x7000);
    assertThat(c.eflags & Flags.IF).isNotZero();
    assertThat(m.memory.getShort(0x6FFA)).as("pushed IP").isEqualTo((short) (CODE + 2));
  }

  @Test
  void delivery_clears_if_tf_and_ac_and_pushes_no_error_code() {
    vector(13, 0x900, 0);
    c.eflags |= Flags.IF | Flags.TF | Flags.AC;
    assertThat(Interrupts.deliver(c, Vector.GP, 0, Source.EXCEPTION)).isTrue();
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x7000 - 6);
    assertThat(c.eflags & (Flags.IF | Flags.TF | Flags.AC)).isZero();
    assertThat(c.selector[Cpu.CS]).isEqualTo(0x900);
    assertThat(c.segBase[Cpu.CS]).isEqualTo(0x9000);
  }

  @Test
  void a_vector_outside_the_table_is_a_general_protection_fault() {
    vector(13, 0x900, 0);
    c.idtLimit = 13 * 4 + 3;
    assertThat(Interrupts.deliver(c, 0x20, CpuException.NO_ERROR_CODE, Source.HARDWARE)).isTrue();
    assertThat(c.selector[Cpu.CS]).isEqualTo(0x900);
  }

  @Test
  void far_calls_and_returns_change_cs_by_16_times_the_selector() {
    // mov bx, cs; retf
    m.code(0x1_2350, "8C CB CB");
    m.run("9A 10 00 34 12");
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x1234);
    assertThat(c.segBase[Cpu.CS]).isZero();
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x7000);
  }

  @Test
  void a_far_return_releases_parameters() {
    m.code(0x1_2350, "CA 04 00");
    m.run("50 50 9A 10 00 34 12");
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x7000);
  }

  @Test
  void segment_loads_keep_the_limit_of_protected_mode() {
    c.segLimit[Cpu.DS] = 0xFFFF_FFFFL;
    // mov ax, 0x100; mov ds, ax; mov ebx, 0x200000; mov dword [ebx], 0x12345678
    m.run("B8 00 01 8E D8 66 BB 00 00 20 00 67 66 C7 03 78 56 34 12");
    assertThat(m.memory.getInt(0x20_1000)).isEqualTo(0x1234_5678);
  }

  @Test
  void an_access_across_the_limit_faults() {
    vector(13, 0x900, 0);
    m.code(0x9000, "F4");
    // mov bx, 0xFFFF; mov ax, [bx]
    m.run("BB FF FF 8B 07");
    assertThat(c.segBase[Cpu.CS] + c.rip).isEqualTo(0x9001);
    assertThat(m.memory.getShort(0x6FFA)).isEqualTo((short) (CODE + 3));
  }

  @Test
  void descriptor_instructions_do_not_exist() {
    vector(6, 0x900, 0);
    m.code(0x9000, "F4");
    for (String code :
        new String[] {"0F 00 D8", "0F 00 D0", "0F 00 C0", "0F 02 C0", "0F 00 E0", "63 C0"}) {
      m.realMode();
      m.run(code);
      assertThat(c.segBase[Cpu.CS] + c.rip).as(code).isEqualTo(0x9001);
    }
  }

  @Test
  void lgdt_with_16_bit_operands_loads_24_bits_of_base() {
    m.memory.putShort(0x500, (short) 0x1234);
    m.memory.putInt(0x502, 0x9988_7766);
    m.run("0F 01 16 00 05");
    assertThat(c.gdtLimit).isEqualTo(0x1234);
    assertThat(c.gdtBase).isEqualTo(0x88_7766);
    m.run("66 0F 01 16 00 05");
    assertThat(c.gdtBase).isEqualTo(0x9988_7766L);
  }

  @Test
  void into_interrupts_only_on_overflow() {
    vector(4, 0x900, 0);
    m.code(0x9000, "F4");
    m.run("CE");
    assertThat(c.rip).isEqualTo(CODE + 2);
    m.realMode();
    // mov al, 127; inc al; into
    m.run("B0 7F FE C0 CE");
    assertThat(c.segBase[Cpu.CS] + c.rip).isEqualTo(0x9001);
  }

  @Test
  void code_gets_from_real_mode_to_64_bit_mode_and_back() {
    m.memory.putShort(0x500, (short) 0xFFF);
    m.memory.putInt(0x502, (int) GDT);
    m.memory.putShort(0x510, (short) 0xFFF);
    m.memory.putInt(0x512, (int) IDT);
    // 64-bit code: mov rax, 0x123456789ABCDEF0; jmp far [compat]
    m.code(0x9000, "48 B8 F0 DE BC 9A 78 56 34 12 FF 2C 25 20 05 00 00");
    // jmp far m16:32 to 16-bit compatibility code
    m.memory.putInt(0x520, 0x9100);
    m.memory.putShort(0x524, (short) CODE_16);
    // 16-bit: mov ecx, cr0; and ecx, 0x7FFFFFFE; mov cr0, ecx; jmp 0:0x9200
    m.code(0x9100, "0F 20 C1 66 81 E1 FE FF FF 7F 0F 22 C1 EA 00 92 00 00");
    // real mode: mov bx, 0x5678; hlt
    m.code(0x9200, "BB 78 56 F4");
    m.run(
        "66 0F 01 16 00 05" // lgdt
            + "66 0F 01 1E 10 05" // lidt
            + "66 B8 20 02 00 00 0F 22 E0" // CR4 = PAE | OSFXSR
            + "66 B8 00 00 01 00 0F 22 D8" // CR3
            + "66 B9 80 00 00 C0 66 B8 00 01 00 00 66 31 D2 0F 30" // EFER.LME
            + "66 B8 31 00 00 80 0F 22 C0" // CR0 = PG | PE
            + "EA 00 90 08 00"); // jmp 8:9000
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1234_5678_9ABC_DEF0L);
    assertThat(c.r[Cpu.RBX] & 0xFFFF).isEqualTo(0x5678);
    assertThat(c.longModeActive()).isFalse();
    assertThat(c.efer).as("LME stays, LMA goes").isEqualTo(Cpu.EFER_LME);
    assertThat(c.protectedMode()).isFalse();
  }
}
