package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SystemCallsTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  @BeforeEach
  void registers() {
    // Kernel 0x08/0x10; user: 32-bit code at 0x18, data at 0x20, 64-bit code at 0x28.
    c.msrs.write(MsrTable.IA32_STAR, 0x001B_0008L << 32);
    c.msrs.write(MsrTable.IA32_LSTAR, HANDLER);
    c.msrs.write(MsrTable.IA32_FMASK, Flags.IF | Flags.DF);
    c.msrs.write(MsrTable.IA32_SYSENTER_CS, CODE_64);
    c.msrs.write(MsrTable.IA32_SYSENTER_ESP, KERNEL_STACK);
    c.msrs.write(MsrTable.IA32_SYSENTER_EIP, HANDLER);
  }

  @Test
  void syscall_saves_rip_and_flags_and_masks_flags() {
    m.longMode(3);
    c.eflags |= Flags.IF | Flags.DF;
    m.code(HANDLER, "F4");
    m.run("F9 0F 05");
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(c.cpl).isZero();
    assertThat(c.r[Cpu.RCX]).isEqualTo(CODE + 3);
    assertThat(c.r[Cpu.R11]).isEqualTo(2 | Flags.IF | Flags.DF | Flags.CF);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.CF);
    assertThat(c.selector[Cpu.CS]).isEqualTo(CODE_64);
    assertThat(c.selector[Cpu.SS]).isEqualTo(DATA);
    assertThat(c.r[Cpu.RSP]).as("the stack stays").isEqualTo(STACK);
  }

  @Test
  void sysret_goes_to_64_bit_code() {
    m.longMode(0);
    c.r[Cpu.RCX] = 0x7FFF_1234_5678L;
    c.r[Cpu.R11] = Flags.IF | Flags.ZF | Flags.RF | Flags.VM;
    SystemCalls.sysret(c, true);
    assertThat(c.rip).isEqualTo(0x7FFF_1234_5678L);
    assertThat(c.cpl).isEqualTo(3);
    assertThat(c.codeSize).isEqualTo(8);
    assertThat(c.selector[Cpu.CS]).isEqualTo(USER_CODE_64 | 3);
    assertThat(c.selector[Cpu.SS]).isEqualTo(USER_DATA | 3);
    assertThat(Flags.get(c)).isEqualTo(2 | Flags.IF | Flags.ZF);
  }

  @Test
  void sysret_goes_to_compatibility_mode_with_half_of_rcx() {
    m.longMode(0);
    c.r[Cpu.RCX] = 0x1234_5678_0000_9000L;
    c.r[Cpu.R11] = 2;
    SystemCalls.sysret(c, false);
    assertThat(c.rip).isEqualTo(0x9000);
    assertThat(c.codeSize).isEqualTo(4);
    assertThat(c.selector[Cpu.CS]).isEqualTo(USER_CODE_32 | 3);
  }

  @Test
  void sysret_to_an_address_that_is_not_canonical_faults_in_the_kernel() {
    m.longMode(0);
    c.r[Cpu.RCX] = 0x8000_0000_0000L;
    assertThat(m.errorCode(Vector.GP, "48 0F 07")).isZero();
    m.longMode(0);
    c.r[Cpu.RCX] = 0x8000_0000_0000L;
    assertThat(m.fault(Vector.GP, "48 0F 07")[2]).as("CS of the fault").isEqualTo(CODE_64);
  }

  @Test
  void syscall_and_sysret_do_not_exist_unless_enabled_or_at_level_3() {
    m.longMode(3);
    c.efer &= ~Cpu.EFER_SCE;
    assertThat(m.fault(Vector.UD, "0F 05")[0]).isEqualTo(CODE);
    m.compatibilityMode();
    assertThat(m.fault(Vector.UD, "0F 05")[0]).isEqualTo(CODE);
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "48 0F 07")).isZero();
  }

  @Test
  void sysenter_from_compatibility_mode_enters_64_bit_code_and_sysexit_returns() {
    m.compatibilityMode();
    c.eflags |= Flags.IF;
    m.code(HANDLER, "F4");
    m.run("0F 34");
    assertThat(c.codeSize).isEqualTo(8);
    assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK);
    assertThat(c.eflags & Flags.IF).isZero();

    c.r[Cpu.RDX] = 0xFFFF_FFFF_0000_9100L;
    c.r[Cpu.RCX] = 0xFFFF_FFFF_0001_0000L;
    c.msrs.write(MsrTable.IA32_SYSENTER_CS, 8);
    SystemCalls.sysexit(c, false);
    assertThat(c.rip).isEqualTo(0x9100);
    assertThat(c.r[Cpu.RSP]).isEqualTo(0x1_0000);
    assertThat(c.selector[Cpu.CS]).isEqualTo(0x1B);
    assertThat(c.selector[Cpu.SS]).isEqualTo(0x23);
    assertThat(c.cpl).isEqualTo(3);
  }

  @Test
  void sysexit_checks_level_and_addresses() {
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 35")).isZero();
    m.longMode(0);
    c.r[Cpu.RDX] = 1L << 47;
    assertThat(m.errorCode(Vector.GP, "48 0F 35")).isZero();
    m.longMode(3);
    c.msrs.sysenterCs = 3;
    assertThat(m.errorCode(Vector.GP, "0F 34")).isZero();
  }

  @Test
  void swapgs_exchanges_the_bases() {
    m.longMode(0);
    c.msrs.write(MsrTable.IA32_GS_BASE, 0x1111);
    c.msrs.write(MsrTable.IA32_KERNEL_GS_BASE, 0x2222);
    m.run("0F 01 F8");
    assertThat(c.segBase[Cpu.GS]).isEqualTo(0x2222);
    assertThat(c.msrs.read(MsrTable.IA32_KERNEL_GS_BASE)).isEqualTo(0x1111);
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 01 F8")).isZero();
    m.compatibilityMode();
    assertThat(m.fault(Vector.UD, "0F 01 F8")[0]).isEqualTo(CODE);
  }

  @Test
  void segment_bases_move_with_their_instructions_where_they_are_enabled() {
    m.longMode(3);
    assertThat(m.fault(Vector.UD, "F3 48 0F AE D0")[0]).isEqualTo(CODE);
    m.longMode(0);
    c.cr4 |= Cpu.CR4_FSGSBASE;
    c.r[Cpu.RAX] = 0xFFFF_FFFF_1234_5678L;
    // wrfsbase eax; rdfsbase rbx
    m.run("F3 0F AE D0 F3 48 0F AE C3");
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x1234_5678L);
    m.longMode(0);
    c.cr4 |= Cpu.CR4_FSGSBASE;
    c.r[Cpu.RAX] = 1L << 56;
    assertThat(m.errorCode(Vector.GP, "F3 48 0F AE D8")).isZero();
  }
}
