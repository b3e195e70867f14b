package lodge.cpu.x86.silicon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The helper process loads and reports everything: known instructions, checked one by one. */
class SiliconTest {
  private static Silicon silicon;

  @BeforeAll
  static void start() {
    silicon = Silicon.startOrSkip();
  }

  @AfterAll
  static void stop() {
    if (silicon != null) {
      silicon.close();
    }
  }

  private static Case code(String hex) {
    Case c = new Case();
    c.code = HexFormat.of().parseHex(hex.replace(" ", ""));
    return c;
  }

  private static Case filled(String hex) {
    Case c = code(hex);
    for (int i = 0; i < 16; i++) {
      c.gpr[i] = i == Cpu.RSP ? c.gpr[i] : 0x1111_1111_1111_1111L * i;
    }
    for (int i = 0; i < 64; i++) {
      c.ymm[i] = Case.pattern(i + 5000);
    }
    FpuImage fpu = c.fpu.withStatusAndTag(0x1800, 0xA5).withControl(0x27F);
    for (int i = 0; i < 8; i++) {
      fpu.significand()[i] = 0x8000_0000_0000_0000L | i;
      fpu.signExponent()[i] = 0x3FFF + i;
    }
    c.fpu =
        new FpuImage(
            fpu.control(),
            fpu.status(),
            fpu.tag(),
            0x123,
            0x7654_3210_1234L,
            0x1234_5678_9ABCL,
            fpu.significand(),
            fpu.signExponent());
    c.mxcsr = 0x5FA1;
    c.rflags = 0x202 | Flags.CF | Flags.AF | Flags.SF | Flags.DF | Flags.OF;
    return c;
  }

  @Test
  void whatACaseDoesNotChangeComesBackAsItWasLoaded() {
    Case c = filled("90");
    CpuSnapshot s = silicon.run(c);
    assertThat(s.endsAt(c)).isTrue();
    assertThat(s.gpr()).isEqualTo(c.gpr);
    assertThat(s.rflags()).isEqualTo(c.rflags);
    assertThat(s.ymm()).isEqualTo(c.ymm);
    assertThat(s.mxcsr()).isEqualTo(c.mxcsr);
    assertThat(s.fpu()).isEqualTo(c.fpu);
    assertThat(s.fsBase()).isEqualTo(c.fsBase);
    assertThat(s.gsBase()).isEqualTo(c.gsBase);
    assertThat(s.selectors()).containsExactly(0, 0x33, 0x2B, 0, 0, 0);
    assertThat(s.changes()).isEmpty();
  }

  @Test
  void anAdditionSetsRegisterAndFlags() {
    Case c = code("48 01 d8");
    c.gpr[Cpu.RAX] = Long.MAX_VALUE;
    c.gpr[Cpu.RBX] = 1;
    CpuSnapshot s = silicon.run(c);
    assertThat(s.endsAt(c)).isTrue();
    assertThat(s.gpr()[Cpu.RAX]).isEqualTo(Long.MIN_VALUE);
    assertThat(s.rflags()).isEqualTo(0x202 | Flags.OF | Flags.SF | Flags.AF | Flags.PF);
  }

  @Test
  void storesShowAsChangedWordsAndAreGoneInTheNextCase() {
    Case store = code("48 89 04 25 08 00 00 10");
    store.gpr[Cpu.RAX] = 42;
    CpuSnapshot s = silicon.run(store);
    assertThat(s.changes()).containsOnly(java.util.Map.entry(8, 42L));
    Case load = code("48 8b 04 25 08 00 00 10");
    assertThat(silicon.run(load).gpr()[Cpu.RAX]).isEqualTo(Case.pattern(1));
    load.poke(Case.SCRATCH + 9, (byte) 0x77, (byte) 0x66);
    CpuSnapshot poked = silicon.run(load);
    assertThat(poked.gpr()[Cpu.RAX]).isEqualTo(Case.pattern(1) & ~0xFFFF00L | 0x667700);
    assertThat(poked.changes()).isEmpty();
  }

  @Test
  void aDivisionByZeroReportsTheFaultingInstruction() {
    CpuSnapshot s = silicon.run(code("90 48 f7 f1"));
    assertThat(s.vector()).isEqualTo(Vector.DE);
    assertThat(s.rip()).isEqualTo(Case.CODE + 0x801);
    assertThat(s.rflags() & Flags.RF).isNotZero();
  }

  @Test
  void pageFaultsReportAddressAndErrorCode() {
    Case read = code("8b 01");
    read.gpr[Cpu.RCX] = Case.SCRATCH + Case.SCRATCH_SIZE - 2;
    CpuSnapshot s = silicon.run(read);
    assertThat(s.vector()).isEqualTo(Vector.PF);
    assertThat(s.cr2()).isEqualTo(Case.SCRATCH + Case.SCRATCH_SIZE);
    assertThat(s.error()).isEqualTo(4);
    Case write = code("89 01");
    write.gpr[Cpu.RCX] = Case.CODE;
    assertThat(silicon.run(write).error()).isEqualTo(7);
    Case jump = code("ff e1");
    jump.gpr[Cpu.RCX] = Case.SCRATCH;
    assertThat(silicon.run(jump).error()).isEqualTo(0x15);
  }

  @Test
  void otherFaultsReportTheirVectors() {
    assertThat(silicon.run(code("0f 0b")).vector()).isEqualTo(Vector.UD);
    assertThat(silicon.run(code("f4")).vector()).isEqualTo(Vector.GP);
    Case unaligned = code("8b 04 25 01 00 00 10");
    unaligned.rflags |= Flags.AC;
    assertThat(silicon.run(unaligned).vector()).isEqualTo(Vector.AC);
    Case stack = code("8b 04 24");
    stack.gpr[Cpu.RSP] = Long.MIN_VALUE;
    assertThat(silicon.run(stack).vector()).isEqualTo(Vector.SS);
    Case simd = code("0f 5e c1");
    simd.mxcsr = 0x1D80;
    simd.ymm[0] = 0x3F80_0000L;
    assertThat(silicon.run(simd).vector()).isEqualTo(Vector.XM);
    Case x87 = code("9b");
    x87.fpu = x87.fpu.withControl(0x37E).withStatusAndTag(0x8081, 0);
    assertThat(silicon.run(x87).vector()).isEqualTo(Vector.MF);
    Case step = code("90 90");
    step.rflags |= Flags.TF;
    CpuSnapshot stepped = silicon.run(step);
    assertThat(stepped.vector()).isEqualTo(Vector.DB);
    assertThat(stepped.rip()).isEqualTo(Case.CODE + 0x801);
  }

  @Test
  void compatibilityModeRunsThirtyTwoBitCode() {
    Case c = code("40 43 8b 05 10 00 00 10");
    c.codeSize = 4;
    c.gpr[Cpu.RAX] = 0xFFFF_FFFFL;
    CpuSnapshot s = silicon.run(c);
    assertThat(s.endsAt(c)).isTrue();
    assertThat(s.gpr()[Cpu.RAX]).isEqualTo(Case.pattern(2) & 0xFFFF_FFFFL);
    assertThat(s.gpr()[Cpu.RBX]).isEqualTo(1);
    assertThat(s.selectors()[1]).isEqualTo(0x23);
  }

  @Test
  void anEndlessLoopIsCutShort() {
    assertThat(silicon.run(code("eb fe")).vector()).isEqualTo(CpuSnapshot.TIMEOUT);
    assertThat(silicon.run(code("90")).vector()).isEqualTo(Vector.BP);
  }

  @Test
  void aBatchKeepsItsOrder() {
    List<Case> cases = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      Case c = code("48 ff c0");
      c.gpr[Cpu.RAX] = i;
      cases.add(c);
    }
    List<CpuSnapshot> results = silicon.run(cases);
    for (int i = 0; i < 3000; i++) {
      assertThat(results.get(i).gpr()[Cpu.RAX]).isEqualTo(i + 1);
    }
  }
}
