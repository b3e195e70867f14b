package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.NoApic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A guest program that all engines of this host execute by turns, from wherever the last one was.
 */
@Timeout(120)
class EnginesByTurnsTest {
  private static final long SEED = Long.getLong("lodge.turns.seed", System.nanoTime());

  /**
   * Mixes registers, flags and memory, through calls and strings:
   *
   * <pre>
   * 1: imul rax, rbx; adc rax, rcx; pushfq; pop rdx; xor rax, rdx; call 3f
   *    rol rbx, 5; lea rbx, [rbx + rax * 2 + 1]; dec ecx; jnz 1b; hlt
   * 3: mov rdi, rax; and edi, 0xff8; add [rdi + 0x200000], rbx; mov rdx, [rdi + 0x200000]; ret
   * </pre>
   */
  private static final String PROGRAM =
      "480fafc3 4811c8 9c 5a 4831d0 e80f000000 48c1c305 488d5c4301 ffc9 75e2 f4 90"
          + " 4889c7 81e7f80f0000 48019f00002000 488b9700002000 c3";

  private static final long CODE = 0x8000;
  private static final long TABLES = 0x1_0000;
  private static final long DATA = 0x20_0000;
  private static final int DATA_BYTES = 0x1000;

  /** Turns of the loop: some milliseconds where KVM is an emulator, too. */
  private static final int ROUNDS = 20_000;

  private static final int RUNS = 5;

  /** A processor in 64-bit mode, with its first 2 MiB and more mapped to themselves. */
  private static final class Guest implements AutoCloseable {
    final GuestMemory memory = GuestMemory.allocate(16 << 20);
    final HostClock clock = new HostClock();
    final Cpu cpu =
        new Cpu(0, new CpuModel(), memory, new PortBus(), new MmioBus(), clock, new NoApic());

    Guest() {
      byte[] code = HexFormat.of().parseHex(PROGRAM.replace(" ", ""));
      memory.put(CODE, code, 0, code.length);
      memory.putLong(TABLES, TABLES + 0x1000 | 7);
      memory.putLong(TABLES + 0x1000, TABLES + 0x2000 | 7);
      for (int page = 0; page < 8; page++) {
        memory.putLong(TABLES + 0x2000 + 8 * page, (long) page << 21 | 0x87);
      }
      cpu.reset();
      cpu.cr0 = 0x8000_0031L;
      cpu.cr3 = TABLES;
      cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR;
      cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
      for (int i = 0; i < 6; i++) {
        cpu.selector[i] = i == Cpu.CS ? 0x08 : 0x10;
        cpu.segBase[i] = 0;
        cpu.segLimit[i] = 0xFFFF_FFFFL;
        cpu.segAccess[i] = i == Cpu.CS ? 0xA09B : 0xC093;
      }
      cpu.rip = CODE;
      cpu.r[Cpu.RSP] = 0x7000;
      cpu.r[Cpu.RAX] = 0x1234_5678_9ABCL;
      cpu.r[Cpu.RBX] = 0xFEDC_BA98_7654_3211L;
      cpu.r[Cpu.RCX] = ROUNDS;
      cpu.modeChanged();
    }

    String result() {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 16; i++) {
        text.append(Long.toHexString(cpu.r[i])).append(' ');
      }
      long sum = 0;
      for (int i = 0; i < DATA_BYTES; i += 8) {
        sum = sum * 31 + memory.getLong(DATA + i);
      }
      return text + "%x %x %x".formatted(cpu.rip, Flags.get(cpu), sum);
    }

    @Override
    public void close() {
      clock.close();
      memory.close();
    }
  }

  private static List<Engine> engines() {
    List<Engine> engines = new ArrayList<>();
    for (Engine engine : Engines.installed()) {
      engine
          .obstacle()
          .ifPresentOrElse(
              obstacle -> System.out.println("without " + engine.name() + ": " + obstacle),
              () -> engines.add(engine));
    }
    return engines;
  }

  private static String alone(Engine engine) {
    try (Guest guest = new Guest();
        Vcpu vcpu = engine.create(guest.cpu)) {
      Exit exit;
      do {
        exit = vcpu.run();
      } while (exit == Exit.KICKED);
      assertThat(exit).as(vcpu.failure()).isEqualTo(Exit.HALTED);
      return guest.result();
    }
  }

  @Test
  void aProgramEndsTheSameWhereverItsEngineChanges() throws Exception {
    System.out.println("engines by turns: seed " + SEED);
    List<Engine> engines = engines();
    String expected = alone(engines.getFirst());
    for (Engine engine : engines) {
      assertThat(alone(engine)).as(engine.name()).isEqualTo(expected);
    }
    Random random = new Random(SEED);
    int changes = 0;
    for (int i = 0; i < RUNS; i++) {
      changes += byTurns(engines, expected, random);
    }
    System.out.println("engines by turns: " + changes + " changes between " + engines.size());
    assertThat(changes).isPositive();
  }

  private static int byTurns(List<Engine> engines, String expected, Random random)
      throws InterruptedException {
    AtomicReference<Vcpu> current = new AtomicReference<>();
    AtomicBoolean ended = new AtomicBoolean();
    long seed = random.nextLong();
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  Random pauses = new Random(seed);
                  while (!ended.get()) {
                    LockSupport.parkNanos(pauses.nextInt(300_000));
                    Vcpu vcpu = current.get();
                    if (vcpu != null) {
                      vcpu.kick();
                    }
                  }
                });
    List<Vcpu> vcpus = new ArrayList<>();
    int changes = 0;
    try (Guest guest = new Guest()) {
      engines.forEach(engine -> vcpus.add(engine.create(guest.cpu)));
      Exit exit;
      do {
        Vcpu vcpu = vcpus.get(random.nextInt(vcpus.size()));
        current.set(vcpu);
        exit = vcpu.run();
        assertThat(exit).as(vcpu.failure()).isIn(Exit.KICKED, Exit.HALTED);
        changes++;
      } while (exit == Exit.KICKED);
      ended.set(true);
      kicker.join();
      vcpus.forEach(Vcpu::close);
      assertThat(guest.result()).as("after %d changes", changes).isEqualTo(expected);
    } finally {
      ended.set(true);
    }
    return changes;
  }
}
