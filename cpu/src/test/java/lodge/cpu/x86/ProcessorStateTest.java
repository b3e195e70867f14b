package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Instructions that show or change a little of the processor's own state, and INIT. */
class ProcessorStateTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void sgdt_sidt_sldt_str_and_smsw_show_the_registers() {
    m.longMode(0);
    c.gdtBase = 0x1000;
    c.selector[Cpu.LDTR] = LDT;
    m.run(
        "0f01042500060000 0f010c2510060000 0f00042520060000"
            + "0f00c8 480f01e3"); // the last two: str eax; smsw rbx
    assertThat(m.memory.getShort(0x600)).isEqualTo((short) 0xFFF);
    assertThat(m.memory.getLong(0x602)).isEqualTo(GDT);
    assertThat(m.memory.getShort(0x610)).isEqualTo((short) 0xFFF);
    assertThat(m.memory.getLong(0x612)).isEqualTo(IDT);
    assertThat(m.memory.getInt(0x620)).isEqualTo(LDT);
    assertThat(c.r[Cpu.RAX]).isEqualTo(TSS);
    assertThat(c.r[Cpu.RBX]).isEqualTo(c.cr0);
  }

  @Test
  void clts_and_lmsw_change_the_low_bits_of_cr0() {
    m.longMode(0);
    // TS set through CR0; smsw rbx; clts; smsw rcx; lmsw 9; smsw rdx
    m.run("0f20c04883c8080f22c0 480f01e3 0f06 480f01e1 ba090000000f01f2 480f01e2");
    assertThat(c.r[Cpu.RBX] & 0xF).isEqualTo(9);
    assertThat(c.r[Cpu.RCX] & 0xF).isEqualTo(1);
    assertThat(c.r[Cpu.RDX] & 0xF).isEqualTo(9);
    assertThat(c.cr0 & 0x8000_0000L).isNotZero();
  }

  @Test
  void rdpid_and_rdtscp_show_tsc_aux() {
    m.longMode(0);
    m.clock.now += 12345;
    // wrmsr IA32_TSC_AUX; rdpid rbx; rdtscp
    m.run("b87856341231d2b9030100c00f30 f30fc7fb 0f01f9");
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x1234_5678);
    assertThat(c.r[Cpu.RCX]).isEqualTo(0x1234_5678);
    assertThat(c.r[Cpu.RAX]).isEqualTo(12345);
    assertThat(c.r[Cpu.RDX]).isZero();
  }

  @Test
  void random_numbers_come_with_carry_and_differ() {
    m.longMode(0);
    m.run("480fc7f00f92c1 480fc7fb0f92c2");
    assertThat(c.r[Cpu.RCX] & 0xFF).isEqualTo(1);
    assertThat(c.r[Cpu.RDX] & 0xFF).isEqualTo(1);
    assertThat(c.r[Cpu.RAX]).isNotEqualTo(c.r[Cpu.RBX]);
    assertThat(Flags.get(c) & (Flags.OF | Flags.SF | Flags.ZF | Flags.AF | Flags.PF)).isZero();
  }

  @Test
  void invlpg_forgets_the_translation_of_a_page() {
    m.longMode(0);
    m.memory.putByte(0x60_0000, (byte) 1);
    m.memory.putByte(0x40_0000, (byte) 2);
    // Page 3 of 2 MiB is read, mapped to page 2, read, invalidated and read again.
    m.run(
        "8a042500006000 48c7042518200100"
            + "87004000 8a1c2500006000 0f013c2500006000 8a0c2500006000");
    assertThat(c.r[Cpu.RAX] & 0xFF).isEqualTo(1);
    assertThat(c.r[Cpu.RCX] & 0xFF).isEqualTo(2);
  }

  @Test
  void control_and_debug_registers_are_moved() {
    m.longMode(0);
    // mov dr1, rax; mov rbx, dr1; mov cr2, rax; mov rcx, cr2; wbinvd; invd; clflush; serialize
    m.run("b8004023010f23c80f21cb0f22d00f20d1 0f090f08 0fae3c2500060000 0f01e8 b201");
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x123_4000);
    assertThat(c.r[Cpu.RCX]).isEqualTo(0x123_4000);
    assertThat(c.r[Cpu.RDX] & 0xFF).as("it came to the end").isEqualTo(1);
  }

  @Test
  void xsetbv_sets_what_xgetbv_shows() {
    m.longMode(0);
    // CR4.OSXSAVE set; xsetbv with 3; xgetbv
    m.run("0f20e0480fbae8120f22e0 31d231c9b8030000000f01d1 31c00f01d0");
    assertThat(c.r[Cpu.RAX]).isEqualTo(3);
    assertThat(c.xcr0).isEqualTo(3);
  }

  @Test
  void performance_counters_do_not_exist() {
    m.longMode(0);
    c.r[Cpu.RCX] = 0x4000_0000;
    assertThat(m.errorCode(Vector.GP, "0f33")).isZero();
  }

  @Test
  void a_privileged_instruction_is_refused_in_user_code() {
    String[] privileged = {
      "f4",
      "0f06",
      "0f08",
      "0f09",
      "0f30",
      "0f32",
      "0f01f8",
      "0f20c0",
      "0f22c0",
      "0f21c0",
      "0f23c0",
      "0f00d0",
      "0f00d8",
      "0f01142500060000",
      "0f011c2500060000",
      "0f01f0",
      "0f013c2500060000",
      "0f35",
      "480f07"
    };
    for (String code : privileged) {
      m.longMode(3);
      assertThat(m.errorCode(Vector.GP, code)).as(code).isZero();
      assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK - 48);
      assertThat(m.stack(1)).as(code).isEqualTo(CODE);
    }
  }

  @Test
  void init_keeps_caching_extended_state_time_and_msrs() {
    m.longMode(0);
    m.clock.now += 1000;
    c.cr0 |= Cpu.CR0_CD;
    c.xmm[3] = 42;
    c.mxcsr = 0x1FA0;
    c.xcr0 = 3;
    c.msrs.write(MsrTable.IA32_LSTAR, 0x1234);
    long tsc = c.tsc();
    c.halted = true;
    c.init();
    assertThat(c.cr0).isEqualTo(Cpu.CR0_CD | Cpu.CR0_ET);
    assertThat(c.cr3 | c.cr4 | c.efer).isZero();
    assertThat(c.codeSize).isEqualTo(2);
    assertThat(c.rip).isEqualTo(0xFFF0);
    assertThat(c.segBase[Cpu.CS]).isEqualTo(0xFFFF_0000L);
    assertThat(c.r[Cpu.RDX]).isEqualTo(c.model.signature());
    assertThat(c.halted).isFalse();
    assertThat(c.xmm[3]).isEqualTo(42);
    assertThat(c.mxcsr).isEqualTo(0x1FA0);
    assertThat(c.xcr0).isEqualTo(3);
    assertThat(c.msrs.read(MsrTable.IA32_LSTAR)).isEqualTo(0x1234);
    assertThat(c.tsc()).isEqualTo(tsc);
  }

  @Test
  void a_startup_message_names_the_page_where_real_mode_code_begins() {
    c.init();
    c.startup(0x9A);
    // mov ax, cs; hlt
    m.code(0x9_A000, "8cc8f4");
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x9A00);
    assertThat(c.rip).isEqualTo(3);
  }

  @Test
  void reset_is_init_and_everything_else() {
    m.longMode(0);
    c.xmm[3] = 42;
    c.xcr0 = 3;
    m.clock.now += 77;
    c.reset();
    assertThat(c.cr0).isEqualTo(0x6000_0010L);
    assertThat(c.xmm[3]).isZero();
    assertThat(c.xcr0).isEqualTo(1);
    assertThat(c.tsc()).isZero();
  }
}
