package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import lodge.cpu.x86.Engine;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Small guests that take interrupts, under every engine that the host has: with KVM, the local
 * APICs are the kernel's.
 */
@Timeout(60)
class InterruptGuestTest {
  /** mov esp, 0x8000; lidt of a table at 0x5000. */
  private static final String START = "bc00800000 6800500000 6668ff07 0f011c24 ";

  /** mov ebx, 0xfee00000; SVR = 0x1ff. */
  private static final String APIC = "bb0000e0fe c783f0000000ff010000 ";

  private static final String STI = "fb ";
  private static final String HALT_FOREVER = "f4 ebfd ";

  /** Not the name of one engine: the guest comes upon something that no KVM executes. */
  private static final String CHANGE = "kvm, then the translator";

  /** mov eax, cr4; or ah, 2; mov cr4, eax; xorps xmm0, [0xd0000000]. */
  private static final String BEYOND_KVM = "0f20e0 80cc02 0f22e0 0f5705000000d0 ";

  @TempDir Path folder;

  static List<String> engines() {
    return GuestCodeTest.engines();
  }

  static List<String> enginesAndChange() {
    List<String> engines = new ArrayList<>(engines());
    if (engines.contains("kvm")) {
      engines.add(CHANGE);
    }
    return engines;
  }

  /** Takes interrupts, under another engine if it is to change. */
  private static String sti(String engine) {
    return (engine.equals(CHANGE) ? BEYOND_KVM : "") + STI;
  }

  /** Room for what {@link #gate} gives. */
  private static final String GATE = gate(0, 0);

  /** A 32-bit gate is filled in. */
  private static String gate(int vector, int handler) {
    int place = 0x5000 + 8 * vector;
    return "c705"
        + word(place)
        + word(8 << 16 | handler & 0xFFFF)
        + "c705"
        + word(place + 4)
        + word(handler & 0xFFFF_0000 | 0x8E00);
  }

  private static String word(int value) {
    return HexFormat.of().toHexDigits(Integer.reverseBytes(value));
  }

  private static int length(String hex) {
    return hex.replace(" ", "").length() / 2;
  }

  /** Address of code that stands behind other code. */
  private static int behind(String code) {
    return TestKernels.MULTIBOOT_ADDRESS + TestKernels.MULTIBOOT_CODE + length(code);
  }

  /** A guest that has a handler for one interrupt. */
  private MachineBuilder guest(int cpus, int vector, String code, String handler)
      throws IOException {
    String whole = START + gate(vector, behind(START + GATE + code)) + code + handler;
    Path file =
        Files.write(
            folder.resolve("kernel"),
            TestKernels.multiboot(0, HexFormat.of().parseHex(whole.replace(" ", ""))));
    return Machine.builder()
        .kernel(file)
        .memory(32 << 20)
        .cpus(cpus)
        .device(new Device.PcTestdev())
        .device(new Device.IsaDebugExit())
        .serial(SerialConsole.of(new ByteArrayOutputStream()));
  }

  private static Outcome run(Machine machine) throws InterruptedException {
    try (machine) {
      machine.start();
      return machine.await();
    }
  }

  private Outcome run(String engine, int cpus, int vector, String code, String handler)
      throws Exception {
    MachineBuilder builder = guest(cpus, vector, code, handler);
    if (!engine.equals(CHANGE)) {
      return run(builder.engine(engine).build());
    }
    List<String> changes = new CopyOnWriteArrayList<>();
    Engine kvm = installed("kvm").orElseThrow();
    Outcome outcome =
        run(
            builder
                .engines(new Engines.Choice(kvm, Optional.empty(), installed("translator")))
                .onEngineChange(changes::add)
                .build());
    assertThat(changes).hasSize(1);
    return outcome;
  }

  private static Outcome exit(int value) {
    return new Outcome.DebugExit(value << 1 | 1);
  }

  /** mov al, value; out 0xf4, al; hlt. */
  private static String leave(int value) {
    return "b0%02x e6f4 f4 ".formatted(value);
  }

  @ParameterizedTest
  @MethodSource("enginesAndChange")
  void theTimerWakesAHaltedProcessor(String engine) throws Exception {
    // Vector 0x40 once, divided by 1, after a million ticks
    String timer = "c7832003000040000000 c783e00300000b000000 c7838003000040420f00 ";
    assertThat(run(engine, 1, 0x40, APIC + timer + sti(engine) + HALT_FOREVER, leave(3)))
        .isEqualTo(exit(3));
  }

  @ParameterizedTest
  @MethodSource("enginesAndChange")
  void aSecondProcessorStartsAndInterruptsTheFirst(String engine) throws Exception {
    // cli; lgdt cs:[0x5a]; CR0.PE = 1; jmp 8:0x7018; ds = 0x10; mov byte [0x6000], 8
    // ICR: vector 0x41 to processor 0; 1: hlt; jmp 1b; three descriptors, limit and base
    String second =
        "fa 2e660f01165a00 0f20c0 0c01 0f22c0 66ea187000000800 b810000000 8ed8 c6050060000008"
            + " bb0000e0fe c7831003000000000000 c7830003000041400000 "
            + HALT_FOREVER
            + "0000000000000000 ffff0000009bcf00 ffff00000093cf00 1700 42700000 ";
    // A copy of it at 0x7000; INIT and start-up 7 to processor 1
    String send =
        "c7831003000000000001 c7830003000000450000 c7831003000000000001 c7830003000007460000 ";
    String rest = send + sti(engine) + HALT_FOREVER;
    String copy = "e800000000 5e 81c6%s bf00700000 b9%s f3a4 ";
    // From behind the call: pop esi and what follows it
    int distance = length(copy.formatted(word(0), word(0))) - 5 + length(rest);
    String code = APIC + copy.formatted(word(distance), word(length(second))) + rest + second;
    // mov al, [0x6000]; out 0xf4, al; hlt
    assertThat(run(engine, 2, 0x41, code, "a000600000 e6f4 f4")).isEqualTo(exit(8));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aLineThatStaysUpInterruptsAgainAtTheEndOfEachInterrupt(String engine) throws Exception {
    if (GuestCodeTest.emulatedByKvm(engine)) {
      String reason = "an emulating KVM's local APIC does not note what is in service";
      System.out.println("ends of interrupts not tried on kvm: " + reason);
      Assumptions.abort(reason);
    }
    // The I/O APIC's pin 5: vector 0x42, level-triggered
    String pin = "bf0000c0fe c7071b000000 c7471000000000 c7071a000000 c7471042800000 ";
    // mov dx, 0x2005; mov al, 1; out dx, al
    String raise = "66ba0520 b001 ee ";
    // inc dword [0x6000]; cmp dword [0x6000], 3; je 1f; EOI; sti; hlt; jmp back to it; 1:
    String handler = "ff0500600000 833d0060000003 740e c783b000000000000000 fb f4 ebfd ";
    assertThat(run(engine, 1, 0x42, APIC + pin + STI + raise + HALT_FOREVER, handler + leave(5)))
        .isEqualTo(exit(5));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aProcessorInX2apicModeInterruptsItself(String engine) throws Exception {
    // IA32_APIC_BASE |= EXTD | EN; SVR = 0x1ff; TPR = 8; sti; SELF IPI = 0x43
    String code =
        "b91b000000 0f32 0d000c0000 0f30 b90f080000 b8ff010000 31d2 0f30"
            + " b908080000 b808000000 0f30 b93f080000 b843000000 fb 0f30 "
            + HALT_FOREVER;
    // The exit's value is TPR
    assertThat(run(engine, 1, 0x43, code, "b908080000 0f32 e6f4 f4")).isEqualTo(exit(8));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aProcessorSendsItselfAnNmi(String engine) throws Exception {
    String nmi = "c7831003000000000000 c7830003000000440000 ";
    assertThat(run(engine, 1, 2, APIC + nmi + HALT_FOREVER, leave(6))).isEqualTo(exit(6));
  }

  @Test
  void whatWaitsInTheKernelsApicGoesAlongToAnotherEngine() throws Exception {
    Optional<Engine> kvm = installed("kvm").filter(engine -> engine.obstacle().isEmpty());
    if (kvm.isEmpty()) {
      System.out.println("no change from KVM's local APIC: there is no KVM");
      Assumptions.abort("there is no KVM");
    }
    // Vector 0x40 after 200 million ticks; vector 0x30 at once, while interrupts are disabled
    String timer = "c7832003000040000000 c783e00300000b000000 c7838003000000c2eb0b ";
    String self = "c7830003000030400400 ";
    // pushf; push cs; push next; iret, which the emulating KVM does not know
    String iret = "9c 0e 68%s cf ";
    String code = APIC + timer + self;
    String change = iret.formatted(word(behind(START + GATE + code + iret.formatted(word(0)))));
    // Vector 0x30's gate is filled in behind it; its handler ends it and waits for the other one
    String second = gate(0x30, 0);
    String wait = STI + HALT_FOREVER;
    String ends = "c783b000000000000000 " + STI + HALT_FOREVER;
    String place = gate(0x30, behind(START + GATE + code + change + second + wait));
    MachineBuilder builder = guest(1, 0x40, code + change + place + wait + ends, leave(9));
    Machine machine =
        builder
            .engines(new Engines.Choice(kvm.get(), Optional.empty(), installed("translator")))
            .build();
    try (machine) {
      machine.start();
      assertThat(machine.await()).isEqualTo(exit(9));
      String last = GuestCodeTest.emulatedByKvm("kvm") ? "translator" : "kvm";
      assertThat(machine.engine()).isEqualTo(last);
    }
  }

  private static Optional<Engine> installed(String name) {
    return Engines.installed().stream().filter(engine -> engine.name().equals(name)).findAny();
  }
}
