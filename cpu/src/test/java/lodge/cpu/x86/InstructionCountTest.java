package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the counter of instructions counts: those that are done, once each. */
class InstructionCountTest {
  private final TestMachine m = new TestMachine().longMode(0);

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void aRepeatedInstructionIsOneWhateverItTakes() {
    m.c.r[Cpu.RSI] = 0x5_0800;
    m.c.r[Cpu.RDI] = 0x6_0400;
    m.c.r[Cpu.RCX] = 0x3000;

    // NOP; REP MOVSB; HLT
    m.run("90 F3 A4");

    assertThat(m.c.r[Cpu.RCX]).isZero();
    assertThat(m.instructions()).isEqualTo(3);
  }

  @Test
  void aJumpToWhereNothingIsMappedIsOneAndTheFetchNone() {
    // NOP; JMP to 16 MiB, which the page tables end at; the handler's HLT
    m.fault(Vector.PF, "90 E9 FA 7F FF 00");

    assertThat(m.c.cr2).isEqualTo(16 << 20);
    assertThat(m.instructions()).isEqualTo(3);
  }
}
