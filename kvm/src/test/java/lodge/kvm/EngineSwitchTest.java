package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest program that KVM and the interpreter execute by turns. */
@Timeout(120)
class EngineSwitchTest {
  private static final long SEED = Long.getLong("lodge.kvm.seed", System.nanoTime());

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

  private static final int ROUNDS = 20_000;

  @BeforeEach
  void check() {
    KvmAvailable.check();
  }

  private static Guest guest() {
    Guest guest = new Guest().longMode().code(PROGRAM);
    guest.cpu.r[Cpu.RAX] = 0x1234_5678_9ABCL;
    guest.cpu.r[Cpu.RBX] = 0xFEDC_BA98_7654_3211L;
    guest.cpu.r[Cpu.RCX] = ROUNDS;
    return guest;
  }

  private static String result(Guest guest) {
    Cpu c = guest.cpu;
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 16; i++) {
      text.append(Long.toHexString(c.r[i])).append(' ');
    }
    long sum = 0;
    for (int i = 0; i < 0x1000; i += 8) {
      sum = sum * 31 + guest.memory.getLong(0x20_0000 + i);
    }
    return text + "%x %x %x".formatted(c.rip, Flags.get(c), sum);
  }

  private static String alone(Engine engine) {
    try (Guest guest = guest()) {
      guest.on(engine);
      assertThat(guest.run()).isEqualTo(Exit.HALTED);
      return result(guest);
    }
  }

  @Test
  void aProgramEndsTheSameUnderKvmUnderTheInterpreterAndUnderBothByTurns() throws Exception {
    System.out.println("engines by turns: seed " + SEED);
    String expected = alone(new InterpreterEngine());
    assertThat(alone(new KvmEngine())).isEqualTo(expected);
    Random random = new Random(SEED);
    int switches = 0;
    for (int i = 0; i < 5; i++) {
      try (Guest guest = guest();
          Vcpu kvm = new KvmEngine().create(guest.cpu);
          Vcpu interpreter = new InterpreterEngine().create(guest.cpu)) {
        switches += byTurns(guest.cpu, kvm, interpreter, random);
        assertThat(result(guest)).as("after %d switches", switches).isEqualTo(expected);
      }
    }
    System.out.println("engines by turns: " + switches + " switches");
    assertThat(switches).isPositive();
  }

  private static int byTurns(Cpu cpu, Vcpu kvm, Vcpu interpreter, Random random)
      throws InterruptedException {
    AtomicBoolean ended = new AtomicBoolean();
    long seed = random.nextLong();
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  Random pauses = new Random(seed);
                  while (!ended.get()) {
                    LockSupport.parkNanos(pauses.nextInt(300_000));
                    kvm.kick();
                  }
                });
    int switches = 0;
    boolean onKvm = true;
    while ((onKvm ? kvm : interpreter).run() != Exit.HALTED) {
      onKvm = !onKvm;
      switches++;
    }
    ended.set(true);
    kicker.join();
    return switches;
  }
}
