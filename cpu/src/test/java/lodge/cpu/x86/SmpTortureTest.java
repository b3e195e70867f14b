package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.stream.Stream;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Processors that get into each other's way in every engine: locked instructions, the order of
 * memory accesses, code and page tables that another one changes. Each test runs for a fraction of
 * a second, or as many milliseconds as the property {@code lodge.torture} says.
 */
@ParameterizedClass
@MethodSource("engines")
@Timeout(120)
record SmpTortureTest(Engine engine, boolean discards) {
  private static final long MILLIS = Long.getLong("lodge.torture", 150);
  private static final int R9 = 9;
  private static final int R13 = 13;
  private static final int VIOLATIONS = 14;
  private static final int ROUNDS = 15;
  private static final int VECTOR = 0x40;

  /** How often the engine under test threw its code away. */
  private static long discarded;

  /** What {@link SmpPrograms#STORE_THEN_LOAD} has between store and load. */
  private static final String GAP = "0F1F840078563412";

  static Stream<Arguments> engines() {
    return Stream.of(
        argumentSet("interpreter", new InterpreterEngine(), false),
        argumentSet("translator", new TranslatorEngine(), false),
        argumentSet("eager translator", new TranslatorEngine(true), false),
        argumentSet("interpreter that keeps nothing", new InterpreterEngine(Bounds.NOTHING), true),
        argumentSet(
            "translator that keeps little", new TranslatorEngine(false, Bounds.LITTLE), true),
        argumentSet(
            "eager translator that keeps nothing",
            new TranslatorEngine(true, Bounds.NOTHING),
            true));
  }

  private void run(SmpMachine machine) throws InterruptedException {
    machine.run(MILLIS);
    discarded += machine.counted("code_discards");
  }

  @AfterParameterizedClassInvocation
  static void codeWasThrownAwayWhereLittleIsKept(Engine engine, boolean discards) {
    if (discards) {
      assertThat(discarded).as("how often the " + engine.name() + " threw code away").isPositive();
    }
    discarded = 0;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void lockedInstructionsCountEveryTime(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      long data = SmpMachine.DATA;
      long step = 0x7FFF_FFFF_FFFF_FFF1L;
      machine.cpus.forEach(c -> c.r[R9] = step);
      machine.memory.putInt(data + 160, 5);
      machine.code(TestMachine.CODE, SmpPrograms.COUNTERS);
      run(machine);

      long n = machine.sum(ROUNDS);
      assertThat(n).isPositive();
      assertThat(machine.sum(VIOLATIONS)).as("bits of others").isZero();
      var memory = machine.memory;
      assertThat(memory.getByte(data)).as("ADD 8").isEqualTo((byte) n);
      assertThat(memory.getByte(data + 1)).as("INC 8").isEqualTo((byte) n);
      assertThat(memory.getShort(data + 2)).as("ADD 16").isEqualTo((short) (3 * n));
      assertThat(memory.getInt(data + 4)).as("XADD 32").isEqualTo((int) n);
      assertThat(memory.getLong(data + 8)).as("ADD 64").isEqualTo(n);
      assertThat(memory.getLong(data + 16)).as("SUB 64").isEqualTo(n);
      assertThat(memory.getInt(data + 24)).as("ADC 32").isEqualTo((int) n);
      assertThat(memory.getInt(data + 28)).as("SBB 32").isEqualTo((int) -n);
      assertThat(memory.getLong(data + 32)).as("DEC 64").isEqualTo(-n);
      assertThat(memory.getLong(data + 40)).as("CMPXCHG 64").isEqualTo(n);
      assertThat(memory.getInt(data + 48)).as("CMPXCHG 32").isEqualTo((int) n);
      assertThat(memory.getShort(data + 52)).as("CMPXCHG 16").isEqualTo((short) n);
      assertThat(memory.getByte(data + 54)).as("CMPXCHG 8").isEqualTo((byte) n);
      assertThat(memory.getLong(data + 56)).as("CMPXCHG8B").isEqualTo(n * 0x7FFF_FFFF);
      assertThat(memory.getLong(data + 64)).as("CMPXCHG16B, low").isEqualTo(n * step);
      assertThat(memory.getLong(data + 72))
          .as("CMPXCHG16B, high")
          .isEqualTo(Math.multiplyHigh(n, step));
      assertThat(memory.getInt(data + 81)).as("INC 32 in 8 bytes").isEqualTo((int) n);
      assertThat(memory.getShort(data + 91)).as("INC 16 across 4").isEqualTo((short) n);
      assertThat(memory.getLong(data + 100)).as("INC 64 across 8").isEqualTo(n);
      assertThat(memory.getInt(data + 118)).as("INC 32 across 8").isEqualTo((int) n);
      assertThat(memory.getLong(data + 0xFFC)).as("INC 64 across pages").isEqualTo(n);
      boolean odd = (n & 1) != 0;
      assertThat(memory.getInt(data + 128)).as("NOT 32").isEqualTo(odd ? -1 : 0);
      assertThat(memory.getInt(data + 132)).as("XOR 32").isEqualTo(odd ? 1 : 0);
      assertThat(memory.getLong(data + 136)).as("BTC 64").isEqualTo(odd ? 32 : 0);
      assertThat(memory.getInt(data + 160)).as("NEG 32").isEqualTo(odd ? -5 : 5);
      assertThat(memory.getLong(data + 152)).as("inside BTS and BTR").isEqualTo(n);
      assertThat(memory.getInt(data + 164)).as("OR and AND").isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void locksKeepOthersOut(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      machine.code(TestMachine.CODE, SmpPrograms.SPINLOCK);
      run(machine);

      assertThat(machine.sum(ROUNDS)).isPositive();
      assertThat(machine.sum(VIOLATIONS)).isZero();
      assertThat(machine.memory.getLong(SmpMachine.DATA + 64)).isEqualTo(machine.sum(ROUNDS));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void ticketLocksOfHalfWordsKeepOthersOut(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      machine.code(TestMachine.CODE, SmpPrograms.TICKETS);
      run(machine);

      assertThat(machine.sum(ROUNDS)).isPositive();
      assertThat(machine.memory.getLong(SmpMachine.DATA + 64)).isEqualTo(machine.sum(ROUNDS));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void whoSeesAStoreSeesThoseBefore(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      machine.code(TestMachine.CODE, SmpPrograms.MESSAGES);
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0FAEF09090909090", // mfence
        "F0830C2400909090", // lock or dword ptr [rsp], 0
        "4887042490909090", // xchg [rsp], rax
        "F00FC14424C09090", // lock xadd [rsp-0x40], eax
        "90900FA290909090", // cpuid
        "0F20D80F22D89090", // mov rax, cr3; mov cr3, rax
      })
  void aFenceKeepsLoadsBehindStores(String fence) throws Exception {
    String program = SmpPrograms.STORE_THEN_LOAD.replace(GAP, fence);
    assertThat(program).isNotEqualTo(SmpPrograms.STORE_THEN_LOAD);
    try (SmpMachine machine = new SmpMachine(engine, 2)) {
      machine.code(TestMachine.CODE, program);
      run(machine);

      assertThat(machine.sum(ROUNDS)).isPositive();
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {SmpPrograms.STORE_THEN_LOAD, SmpPrograms.LOAD_THEN_STORE})
  void loadsMayOnlyPassEarlierStores(String program) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, 2)) {
      machine.code(TestMachine.CODE, program);
      run(machine);

      assertThat(machine.sum(ROUNDS)).isPositive();
      if (program.equals(SmpPrograms.LOAD_THEN_STORE)) {
        assertThat(machine.sum(VIOLATIONS)).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = 2)
  void petersonsLockKeepsTheOtherOut(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      machine.code(TestMachine.CODE, SmpPrograms.PETERSON);
      run(machine);

      assertThat(machine.sum(ROUNDS)).isPositive();
      assertThat(machine.memory.getLong(SmpMachine.DATA + 192)).isEqualTo(machine.sum(ROUNDS));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {SmpMachine.FUNCTIONS, TestMachine.CODE + 0x800})
  void codeIsNewAfterAnInterruptThatFollowedItsChange(long function) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, 2)) {
      machine.cpus.forEach(c -> c.r[Cpu.RBX] = function);
      machine.code(TestMachine.CODE, SmpPrograms.PATCH_AND_INTERRUPT);
      machine.code(function, SmpPrograms.FUNCTION);
      machine.interruptHandler(VECTOR, SmpPrograms.ACKNOWLEDGE);
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {SmpMachine.FUNCTIONS, TestMachine.CODE + 0x800, TestMachine.CODE + 0xFFD})
  void codeIsNewAfterASerializingInstruction(long function) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, 2)) {
      machine.cpus.forEach(c -> c.r[R9] = function);
      machine.code(TestMachine.CODE, SmpPrograms.PATCH_AND_FLAG);
      machine.code(function, SmpPrograms.FUNCTION);
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void everyProcessorSeesTheCodeThatItWrites(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      machine.cpus.forEach(c -> c.r[Cpu.RBX] = SmpMachine.FUNCTIONS);
      machine.code(TestMachine.CODE, SmpPrograms.PATCH_OWN);
      for (int i = 0; i < cpus; i++) {
        machine.code(SmpMachine.FUNCTIONS + 16 * i, SmpPrograms.FUNCTION);
      }
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = 2)
  void walksMarkEntriesWithoutUndoingChanges(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      long table = 0x1_4000;
      long page = 0x60_0000;
      long entry = table + (page >>> 12 & 0x1FF) * 8;
      machine.memory.putLong(TestMachine.PML4 + 0x2000 + (page >>> 21) * 8, table | 7);
      machine.memory.putLong(entry, 0x20_0007);
      machine.cpus.get(0).r[Cpu.RDI] = entry;
      machine.cpus.get(1).r[Cpu.RBX] = page;
      machine.code(TestMachine.CODE, SmpPrograms.MARK_ENTRIES);
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = 2)
  void aFlushedTranslationIsGoneWhenTheInterruptIsAnswered(int cpus) throws Exception {
    try (SmpMachine machine = new SmpMachine(engine, cpus)) {
      long table = 0x1_4000;
      long page = 0x60_0000;
      machine.memory.putLong(TestMachine.PML4 + 0x2000 + (page >>> 21) * 8, table | 7);
      machine.memory.putLong(table, 0x20_0007);
      machine.cpus.forEach(
          c -> {
            c.r[Cpu.RBX] = 0x20_0000;
            c.r[R9] = table;
            c.r[R13] = page;
          });
      machine.code(TestMachine.CODE, SmpPrograms.REMAP);
      machine.interruptHandler(VECTOR, SmpPrograms.FLUSH_AND_ACKNOWLEDGE);
      run(machine);

      assertThat(machine.cpus).allMatch(c -> c.r[ROUNDS] > 0);
      assertThat(machine.sum(VIOLATIONS)).isZero();
    }
  }
}
