package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import lodge.core.Exit;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Feature;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A machine whose engine cannot go on, or cannot even begin, and another one can. */
@Timeout(60)
class EngineChangeTest {
  /** Where the kernel's code begins. */
  private static final long CODE = 0x20_0200;

  /** {@code mov dx, 0x3f8; mov al, 'a'; out dx, al; mov ebx, 7}: 12 bytes, 4 instructions. */
  private static final String BEFORE = "66baf803 b061 ee bb07000000 ";

  /** Where {@link #BEFORE} ends. */
  private static final long LIMIT = CODE + 12;

  /** {@code mov al, 'b'; out dx, al; mov al, bl; out 0xf4, al}, then nothing more. */
  private static final String BEHIND = "b062 ee 88d8 e6f4 f4 ebfd";

  private static final String CHANGED = "engine interpreter: it is too much for the host";

  private final LimitedEngine limited = new LimitedEngine(LIMIT);
  private final ByteArrayOutputStream console = new ByteArrayOutputStream();
  private final List<String> told = new CopyOnWriteArrayList<>();
  @TempDir Path folder;

  static Engine installed(String name) {
    return Engines.installed().stream()
        .filter(engine -> engine.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private MachineBuilder machine(List<Engine> engines, String code) throws Exception {
    byte[] kernel = TestKernels.bzImage();
    byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
    System.arraycopy(bytes, 0, kernel, (TestKernels.SETUP_SECTS + 1) * 512 + 0x200, bytes.length);
    return new MachineBuilder(engines)
        .kernel(Files.write(folder.resolve("kernel"), kernel))
        .memory(32 << 20)
        .engine("auto")
        .debugExit(true)
        .serial(SerialConsole.of(console))
        .onEngineChange(told::add);
  }

  private MachineBuilder machine(String code) throws Exception {
    return machine(List.of(limited, installed("interpreter")), code);
  }

  private static Outcome run(Machine machine) throws Exception {
    machine.start();
    return machine.await();
  }

  private static long instructions(Machine machine) {
    return machine.counters().totals().get("guest_instructions");
  }

  // ---------------------------------------------------------------- while the machine runs

  @Test
  void theGuestGoesOnInAnotherEngineFromWhereItIs() throws Exception {
    try (Machine machine = machine(BEFORE + BEHIND).build()) {
      assertThat(machine.engineChoice()).contains("engine kvm: it works here");
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(7));
      assertThat(machine.engine()).isEqualTo("interpreter");
      assertThat(machine.engineChoice()).contains(CHANGED);
    }
    assertThat(console.toString(StandardCharsets.US_ASCII)).isEqualTo("ab");
    assertThat(told).containsExactly(CHANGED);
  }

  @Test
  void whatBothEnginesCountedIsAddedUp() throws Exception {
    // mov ecx, 0x4711; rdmsr has the guest shut down, after 7 instructions.
    String code = BEFORE + "b062 ee b911470000 0f32";
    try (Machine alone = machine(List.of(installed("interpreter")), code).build();
        Machine both = machine(code).build()) {
      assertThat(run(alone)).isInstanceOf(Outcome.TripleFault.class);
      assertThat(run(both)).isInstanceOf(Outcome.TripleFault.class);
      assertThat(told).hasSize(1);
      assertThat(instructions(alone)).isEqualTo(7);
      assertThat(instructions(both)).isEqualTo(7);
      assertThat(both.counters().totals()).containsEntry("unknown_msr_0x4711", 1L);
    }
  }

  @Test
  void whoNamesTheEngineHasItAndNoOther() throws Exception {
    try (Machine machine = machine(BEFORE + BEHIND).engine("kvm").build()) {
      assertThat(run(machine))
          .isInstanceOfSatisfying(
              Outcome.Failed.class,
              failed -> assertThat(failed.reason()).startsWith("an instruction that is too much"));
    }
    assertThat(told).isEmpty();
  }

  @Test
  void afterOtherFailuresNobodyGoesOn() throws Exception {
    Engine broken = new FakeEngine(vcpu -> Exit.FAILED);
    try (Machine machine =
        machine(BEHIND)
            .engines(
                new Engines.Choice(broken, Optional.empty(), Optional.of(installed("interpreter"))))
            .build()) {
      assertThat(run(machine)).isEqualTo(new Outcome.Failed("the registers\n"));
    }
    assertThat(told).isEmpty();
  }

  @Test
  void aResetBootsInTheEngineThatTheGuestHasComeTo() throws Exception {
    // CMOS RAM outlives the reset: byte 0x50 counts the boots.
    String reset = "b050 e670 b001 e671 66baf90c b006 ee f4 ebfd ";
    String second = "b050 e670 e471 3c00 7406 b009 e6f4 f4 90 ";
    LimitedEngine engine = new LimitedEngine(CODE + second.replace(" ", "").length() / 2);
    try (Machine machine =
        machine(List.of(engine, installed("translator")), second + reset).build()) {
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(9));
      assertThat(machine.engine()).isEqualTo("translator");
      assertThat(machine.counters().totals()).containsEntry("resets", 1L);
    }
    assertThat(told).hasSize(1);
  }

  @Test
  void breakpointsOfADebuggerStay() throws Exception {
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try (Machine machine = machine(BEFORE + BEHIND).gdb(any).freeze(true).build()) {
      machine.start();
      try (GdbClient gdb = new GdbClient(machine.gdb().orElseThrow())) {
        String place = "0," + Long.toHexString(LIMIT + 3) + ",1";
        assertThat(gdb.ask("Z" + place)).isEqualTo("OK");
        assertThat(machine.engine()).isEqualTo("kvm");
        assertThat(gdb.ask("c")).startsWith("T05");
        assertThat(machine.engine()).isEqualTo("interpreter");
        String rip = gdb.ask("p10");
        assertThat(Long.reverseBytes(Long.parseUnsignedLong(rip, 16))).isEqualTo(LIMIT + 3);
        assertThat(gdb.ask("z" + place)).isEqualTo("OK");
        gdb.send("c");
        assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(7));
      }
    }
  }

  @Test
  void allProcessorsChangeTogether() throws Exception {
    int cpus = 4;
    CountDownLatch started = new CountDownLatch(cpus);
    FakeEngine first =
        new FakeEngine(
            vcpu -> {
              if (vcpu.cpu.apicId > 0) {
                started.countDown();
                return vcpu.spin();
              }
              if (vcpu.runs == 1) {
                // INIT and start-up for all others
                vcpu.cpu.apic.write(0x300, 4, 0xC_4500);
                vcpu.cpu.apic.write(0x300, 4, 0xC_4600 | 0x9A);
                started.countDown();
              }
              started.await();
              vcpu.limit = Optional.of("no");
              return Exit.FAILED;
            });
    CountDownLatch arrived = new CountDownLatch(cpus);
    CountDownLatch late = new CountDownLatch(1);
    FakeEngine second =
        new FakeEngine(
            vcpu -> {
              if (first.vcpus.stream().anyMatch(old -> !old.closed)) {
                late.countDown();
              }
              arrived.countDown();
              arrived.await();
              vcpu.out(0xF4, 3);
              return Exit.KICKED;
            });
    try (Machine machine =
        machine(BEHIND)
            .cpus(cpus)
            .engines(new Engines.Choice(first, Optional.empty(), Optional.of(second)))
            .build()) {
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(3));
    }
    assertThat(late.getCount()).as("nobody executes in both engines").isEqualTo(1);
    assertThat(second.vcpus).hasSize(cpus).allMatch(vcpu -> vcpu.runs > 0 && vcpu.closed);
    assertThat(told).containsExactly("engine fake: no");
  }

  /** No KVM executes XORPS where a device is read: its emulator has to, and does not know it. */
  @Test
  void whatTheHostsKvmDoesNotExecuteTheTranslatorDoes() throws Exception {
    Engine kvm = installed("kvm");
    kvm.obstacle()
        .ifPresent(
            obstacle -> {
              System.out.println("no change from KVM: " + obstacle);
              Assumptions.abort(obstacle);
            });
    // mov rax, cr4; or ah, 2; mov cr4, rax; mov edi, 0xd0000000; xorps xmm0, [rdi];
    // movq rax, xmm0; shr rax, 60; out 0xf4, al
    String code =
        BEFORE + "0f20e0 80cc02 0f22e0 bf000000d0 0f5707 66480f7ec0 48c1e83c e6f4 f4 ebfd";
    try (Machine machine =
        machine(code)
            .engines(
                new Engines.Choice(kvm, Optional.empty(), Optional.of(installed("translator"))))
            .build()) {
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(15));
      assertThat(machine.counters().totals()).containsKey("exits_port_write");
    }
    assertThat(console.toString(StandardCharsets.US_ASCII)).isEqualTo("a");
    assertThat(told)
        .singleElement()
        .asString()
        .startsWith("engine translator: the host's KVM cannot go on: ")
        .doesNotContain("\n");
  }

  // ---------------------------------------------------------------- before it runs

  @Test
  void anEngineThatTheHostRefusesIsLeftOrElseNamed() throws Exception {
    limited.refusal = Optional.of("the host's KVM refuses KVM_CREATE_VM: Device or resource busy");
    try (Machine machine = machine(BEFORE + BEHIND).build()) {
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(7));
      assertThat(machine.engine()).isEqualTo("interpreter");
    }
    assertThat(told).containsExactly("engine interpreter: " + limited.refusal.get());
    try (Machine machine = machine(BEFORE + BEHIND).engine("kvm").build()) {
      assertThatThrownBy(machine::start)
          .isInstanceOfSatisfying(
              MachineException.class,
              e -> assertThat(e.kind()).isEqualTo(MachineException.Kind.NO_ENGINE))
          .hasMessage("engine 'kvm': " + limited.refusal.get());
    }
  }

  @Test
  void aModelThatTheEngineCannotGiveTakesAnotherOneOrElseIsRefused() throws Exception {
    limited.features = EnumSet.copyOf(CpuModels.features());
    limited.features.remove(Feature.AVX2);
    String why = "cpu 'x86-64-v3': the engine kvm cannot give avx2 here; 'max' is what it can";
    try (Machine machine = machine(BEFORE + BEHIND).cpu("x86-64-v3").build()) {
      assertThat(machine.engine()).isEqualTo("interpreter");
      assertThat(machine.engineChoice()).contains("engine interpreter: " + why);
      assertThat(run(machine)).isEqualTo(new Outcome.DebugExit(7));
    }
    try (Machine machine = machine(BEFORE + BEHIND).cpu("x86-64-v2").build()) {
      assertThat(machine.engine()).isEqualTo("kvm");
    }
    try (Machine machine = machine(BEFORE + BEHIND).cpu("max,-movbe").build()) {
      assertThat(machine.engine()).as("max is what there is").isEqualTo("kvm");
    }
    assertThatThrownBy(machine(BEFORE + BEHIND).cpu("max,-movbe,+avx2").engine("kvm")::build)
        .hasMessageContaining("the engine kvm cannot give avx2 here");
    assertThatThrownBy(machine(BEFORE + BEHIND).cpu("x86-64-v3").engine("kvm")::build)
        .isInstanceOfSatisfying(
            MachineException.class,
            e -> assertThat(e.kind()).isEqualTo(MachineException.Kind.INVALID))
        .hasMessage(why);
  }
}
