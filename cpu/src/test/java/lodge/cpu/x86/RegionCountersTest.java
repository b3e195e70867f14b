package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** By what cause translated regions were left. */
class RegionCountersTest {
  private final TestMachine m = new TestMachine().longMode(0);

  @AfterEach
  void close() {
    m.close();
  }

  /** Runs to the HLT at the handler's address, by a jump, a return or a fault. */
  private Map<String, Long> run(String hex) {
    m.code(TestMachine.CODE, hex).code(TestMachine.HANDLER, "F4");
    m.gate64(13, TestMachine.CODE_64, TestMachine.HANDLER, TestMachine.INTERRUPT_GATE, 0, 0);
    Counters counters = new Counters();
    try (Vcpu vcpu = new TranslatorEngine(true).create(m.c)) {
      assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
      vcpu.count(counters);
    }
    assertThat(m.c.rip).isEqualTo(TestMachine.HANDLER + 1);
    return counters.totals();
  }

  @Test
  void aJumpOutIsADirectExit() {
    assertThat(run("90 E9 FA 0F 00 00"))
        .containsEntry("region_exits_direct", 1L)
        .containsEntry("region_exits_indirect", 0L)
        .containsEntry("region_exits_polled", 0L)
        .containsEntry("region_exits_declined", 0L)
        .containsEntry("region_exits_stopped", 0L)
        .containsEntry("region_exits_fault", 0L)
        .containsEntry("region_entries_bypassed", 0L)
        .containsEntry("regions_invalidated", 0L);
  }

  @Test
  void aJumpToARegisterIsAnIndirectExit() {
    assertThat(run("B8 00 90 00 00 FF E0")).containsEntry("region_exits_indirect", 1L);
  }

  @Test
  void anAccessThatNeedsAPageWalkIsDeclined() {
    // MOV EAX, [RBX] with an empty TLB.
    m.c.r[Cpu.RBX] = 0x7000;
    assertThat(run("8B 03 E9 F9 0F 00 00")).containsEntry("region_exits_declined", 1L);
  }

  @Test
  void aFaultOfAnInstructionInsideIsAFault() {
    // SGDT to an address that is not canonical.
    m.c.r[Cpu.RAX] = 1L << 62;
    assertThat(run("0F 01 00")).containsEntry("region_exits_fault", 1L);
  }

  @Test
  void aStoreIntoItsOwnCodeInvalidatesARegion() {
    // MOV AL, 1; MOV byte [0x8000], 0xB0; JMP
    assertThat(run("B0 01 C6 05 F7 FF FF FF B0 E9 F2 0F 00 00").get("regions_invalidated"))
        .isPositive();
  }
}
