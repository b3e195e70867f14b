package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** In which modes VEX prefixes are known, and that control registers take effect at once. */
class VexAvailabilityTest {
  private static final String VXORPS = "C5 F8 57 C1";

  /** andn eax, ecx, edx. */
  private static final String ANDN = "C4 E2 70 F2 C2";

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void enable() {
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_OSXSAVE);
    ControlRegisters.writeXcr(c, 0, 7);
  }

  private void load() {
    c.r[Cpu.RCX] = 0x0F;
    c.r[Cpu.RDX] = 0x3C;
  }

  @Test
  void xsetbv_makes_avx_available() {
    m.longMode(0);
    m.fault(Vector.UD, VXORPS);
    m.longMode(0);
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_OSXSAVE);
    // mov eax, 7; xor edx, edx; xor ecx, ecx; xsetbv
    m.run("B8 07 00 00 00 31 D2 31 C9 0F 01 D1" + VXORPS);
    assertThat(c.xcr0).isEqualTo(7);
  }

  @Test
  void clts_makes_vectors_available_again() {
    m.longMode(0);
    enable();
    ControlRegisters.writeCr0(c, c.cr0 | Cpu.CR0_TS);
    m.fault(Vector.NM, VXORPS);
    m.longMode(0);
    enable();
    ControlRegisters.writeCr0(c, c.cr0 | Cpu.CR0_TS);
    m.fault(Vector.NM, "0F 57 C1");
    m.longMode(0);
    enable();
    ControlRegisters.writeCr0(c, c.cr0 | Cpu.CR0_TS);
    m.run("0F 06" + VXORPS + "0F 57 C1");
  }

  @Test
  void bit_manipulation_needs_no_extended_state() {
    m.longMode(0);
    load();
    m.run(ANDN);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x30);
    m.protectedMode(0);
    load();
    m.run(ANDN);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x30);
  }

  @Test
  void protected_mode_has_vex() {
    m.protectedMode(0);
    enable();
    c.xmm[0] = 5;
    c.xmm[3] = 6;
    m.run(VXORPS);
    assertThat(c.xmm[0]).isEqualTo(5);
    assertThat(c.xmm[3]).isZero();
  }

  @Test
  void virtual_8086_mode_has_no_vex() {
    m.virtual8086(3);
    enable();
    m.fault(Vector.UD, VXORPS);
    m.virtual8086(3);
    m.fault(Vector.UD, ANDN);
  }

  @Test
  void real_mode_has_no_vex_but_les_and_lds() {
    for (String code : new String[] {VXORPS, ANDN}) {
      m.realMode();
      enable();
      m.memory.putInt(4 * Vector.UD, 0x9000);
      m.code(0x9000, "F4");
      m.run(code);
      assertThat(c.rip).isEqualTo(0x9001);
    }
    m.realMode();
    m.memory.putInt(0x500, 0x1234_0008);
    c.r[Cpu.RBX] = 0x500;
    // les cx, [bx]
    m.run("C4 0F");
    assertThat(c.r[Cpu.RCX] & 0xFFFF).isEqualTo(8);
    assertThat(c.segBase[Cpu.ES]).isEqualTo(0x1_2340);
  }
}
