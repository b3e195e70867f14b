package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.CODE;
import static lodge.cpu.x86.TestMachine.CODE_64;
import static lodge.cpu.x86.TestMachine.HANDLER;
import static lodge.cpu.x86.TestMachine.INTERRUPT_GATE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where a debugger outside of the guest has a processor stop. */
class DebugStopsTest {
  private static final long DATA = 0x7000;
  private static final DebugStops STEP = new DebugStops(true, Set.of(), List.of());

  private final FakeApic apic = new FakeApic();
  private final TestMachine m = new TestMachine(apic);
  private final Cpu c = m.c;
  private Vcpu vcpu;

  static List<Engine> engines() {
    Engine named = TestMachine.engine();
    return named.name().equals("kvm")
        ? List.of(named)
        : List.of(new InterpreterEngine(), new TranslatorEngine(true));
  }

  @BeforeEach
  void prepare() {
    m.longMode(0);
  }

  @AfterEach
  void close() {
    m.close();
  }

  private void load(Engine engine, String hex) {
    m.code(CODE, hex);
    vcpu = engine.create(c);
  }

  private void breakAt(long... addresses) {
    Set<Long> all = Arrays.stream(addresses).boxed().collect(Collectors.toSet());
    assertThat(vcpu.stopAt(new DebugStops(false, all, List.of()))).isTrue();
  }

  private void watch(long address, int length, Access access) {
    Watchpoint watchpoint = new Watchpoint(address, length, access);
    if (!vcpu.stopAt(new DebugStops(false, Set.of(), List.of(watchpoint)))) {
      assertThat(access).as("all engines can watch stores").isEqualTo(Access.READ);
      System.out.println("not tested: this engine cannot watch loads alone");
      Assumptions.abort("no watchpoints for loads");
    }
  }

  private void stopsAt(long rip) {
    assertThat(run()).isEqualTo(Exit.BREAKPOINT);
    assertThat(c.rip).isEqualTo(rip);
  }

  private Exit run() {
    Exit exit = vcpu.run();
    while (exit == Exit.KICKED) {
      exit = vcpu.run();
    }
    if (exit == Exit.FAILED) {
      // Only engines that are not Lodge's own leave instructions out.
      String reason = vcpu.failure().lines().findFirst().orElse("");
      System.out.println("not executed by this host: " + reason);
      Assumptions.abort(reason);
    }
    return exit;
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aBreakpointStopsBeforeItsInstruction(Engine engine) {
    // mov eax, 1; mov eax, 2; hlt
    load(engine, "B8 01 00 00 00 B8 02 00 00 00 F4");
    breakAt(CODE + 5);
    stopsAt(CODE + 5);
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    stopsAt(CODE + 5);
    breakAt();
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(c.r[Cpu.RAX]).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aBreakpointInCodeThatWasExecutedBeforeStopsEachTime(Engine engine) {
    // mov ecx, 1000; 1: inc eax; inc edx; loop 1b; hlt; jmp CODE
    load(engine, "B9 E8 03 00 00 FF C0 FF C2 E2 FA F4 EB F2");
    c.r[Cpu.RDX] = 0;
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(c.r[Cpu.RAX]).isEqualTo(1000);
    c.halted = false;
    for (int i = 1; i < 4; i++) {
      breakAt(CODE + 7);
      stopsAt(CODE + 7);
      assertThat(c.r[Cpu.RAX]).isEqualTo(1000 + i);
      assertThat(c.r[Cpu.RDX]).isEqualTo(1000 + i - 1);
      vcpu.stopAt(STEP);
      stopsAt(CODE + 9);
    }
    breakAt();
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(c.r[Cpu.RDX]).isEqualTo(2000);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aBreakpointIsAtALinearAddressNotInAPage(Engine engine) {
    // mov eax, 1; hlt
    load(engine, "B8 01 00 00 00 F4");
    breakAt(CODE + 0x100_0000, CODE + 0x1000);
    assertThat(run()).isEqualTo(Exit.HALTED);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void breakpointsInSegmentsAreAtLinearAddresses(Engine engine) {
    m.protectedMode(0);
    c.segBase[Cpu.CS] = 0x1000;
    c.rip = CODE - 0x1000;
    load(engine, "40 40 F4");
    breakAt(CODE + 1);
    stopsAt(CODE + 1 - 0x1000);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aStepIsOneInstructionAndTheGuestDoesNotSeeIt(Engine engine) {
    // pushfq; pop rax; nop
    load(engine, "9C 58 90");
    vcpu.stopAt(STEP);
    stopsAt(CODE + 1);
    stopsAt(CODE + 2);
    stopsAt(CODE + 3);
    assertThat(c.r[Cpu.RAX] & Flags.TF).isZero();
    assertThat(c.dr[6]).isEqualTo(0xFFFF_0FF0L);
    assertThat(c.dr[7]).isEqualTo(0x400);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aStepOfARepeatedInstructionIsOneRepetition(Engine engine) {
    // rep stosb
    load(engine, "F3 AA");
    c.r[Cpu.RCX] = 2;
    c.r[Cpu.RDI] = DATA;
    vcpu.stopAt(STEP);
    stopsAt(CODE);
    assertThat(c.r[Cpu.RCX]).isEqualTo(1);
    stopsAt(CODE + 2);
    assertThat(c.r[Cpu.RCX]).isZero();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aStepThatFaultsEndsAtTheHandler(Engine engine) {
    m.gate64(Vector.UD, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    load(engine, "0F 0B");
    vcpu.stopAt(STEP);
    stopsAt(HANDLER);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void interruptsWaitForStepsUnlessTheProcessorHaltsForThem(Engine engine) {
    m.gate64(0x40, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    // sti; nop; nop; hlt
    load(engine, "FB 90 90 F4");
    apic.vector = 0x40;
    c.kick();
    vcpu.stopAt(STEP);
    stopsAt(CODE + 1);
    stopsAt(CODE + 2);
    stopsAt(CODE + 3);
    stopsAt(CODE + 4);
    stopsAt(HANDLER);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aHaltedProcessorThatStepsGoesOnWaiting(Engine engine) {
    load(engine, "F4 90");
    vcpu.stopAt(STEP);
    stopsAt(CODE + 1);
    assertThat(run()).isEqualTo(Exit.HALTED);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aWatchpointStopsBehindTheAccess(Engine engine) {
    // mov [0x7000], eax; mov ebx, [0x7000]; mov [0x7004], eax; hlt
    String code = "89 04 25 00 70 00 00 8B 1C 25 00 70 00 00 89 04 25 04 70 00 00 F4";
    load(engine, code);
    watch(DATA + 2, 1, Access.WRITE);
    stopsAt(CODE + 7);
    assertThat(vcpu.watchpointHit()).contains(new Watchpoint(DATA + 2, 1, Access.WRITE));
    assertThat(run()).isEqualTo(Exit.HALTED);
    c.rip = CODE;
    c.halted = false;
    watch(DATA, 1, Access.READ);
    stopsAt(CODE + 14);
    assertThat(run()).isEqualTo(Exit.HALTED);
    c.rip = CODE;
    c.halted = false;
    watch(DATA, 8, Access.ANY);
    stopsAt(CODE + 7);
    stopsAt(CODE + 14);
    stopsAt(CODE + 21);
    watch(DATA + 0x1000, 8, Access.ANY);
    assertThat(run()).isEqualTo(Exit.HALTED);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aWatchpointStopsALoopThatWasExecutedBefore(Engine engine) {
    // mov ecx, 1000; 1: mov [0x7000], ecx; loop 1b; hlt; jmp CODE
    load(engine, "B9 E8 03 00 00 89 0C 25 00 70 00 00 E2 F7 F4 EB EF");
    assertThat(run()).isEqualTo(Exit.HALTED);
    c.halted = false;
    watch(DATA, 4, Access.WRITE);
    stopsAt(CODE + 12);
    stopsAt(CODE + 12);
    assertThat(m.memory.getInt(DATA)).isEqualTo(999);
    vcpu.stopAt(DebugStops.NONE);
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(m.memory.getInt(DATA)).isEqualTo(1);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void lockedInstructionsReadAndWrite(Engine engine) {
    // lock add [0x7000], eax; hlt
    load(engine, "F0 01 04 25 00 70 00 00 F4");
    watch(DATA, 4, Access.READ);
    stopsAt(CODE + 8);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aFaultingInstructionHasAccessedNothing(Engine engine) {
    m.gate64(Vector.PF, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(HANDLER, "F4");
    // mov rsi, DATA; mov rdi, 1 << 30; movsb
    load(engine, "BE 00 70 00 00 BF 00 00 00 40 A4");
    watch(DATA, 1, Access.ANY);
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(c.rip).isEqualTo(HANDLER + 1);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theGuestsOwnBreakpointsAreNotTouched(Engine engine) {
    m.gate64(Vector.DB, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.code(HANDLER, "F4");
    load(engine, "89 04 25 00 70 00 00 90 90 F4");
    c.dr[0] = DATA;
    c.dr[7] |= 0x1_0002;
    DebugRegisters.armed(c);
    watch(DATA, 1, Access.WRITE);
    stopsAt(CODE + 7);
    vcpu.stopAt(DebugStops.NONE);
    assertThat(run()).isEqualTo(Exit.HALTED);
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(c.dr[6] & 0xF).isEqualTo(1);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void memoryIsSeenThroughThePageTables(Engine engine) {
    load(engine, "F4");
    assertThat(c.mmu.peek(CODE)).isEqualTo(CODE);
    assertThat(c.mmu.peek(1L << 30)).isEqualTo(-1);
    assertThat(c.mmu.peek(1L << 50)).isEqualTo(-1);
    m.protectedMode(0);
    assertThat(c.mmu.peek(0x1_0000_0000L + CODE)).isEqualTo(CODE);
  }
}
