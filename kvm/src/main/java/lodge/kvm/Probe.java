package lodge.kvm;

import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lodge.core.Clock;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.EngineException;
import lodge.cpu.x86.Feature;
import lodge.cpu.x86.NoApic;

/**
 * Whether a KVM executes what every Linux does while it starts. There are KVMs on processors
 * without virtualization that answer to everything, but execute kernels in an instruction emulator
 * which was made for the few instructions that access devices.
 */
final class Probe {
  /** What a guest of a few instructions may take once its machine is made; in milliseconds. */
  private static final long PATIENCE = 500;

  /**
   * So many times what making the machine took, if that is more: hosts that are busy or are guests
   * themselves take a second for what others do in ten milliseconds.
   */
  private static final long MAKINGS = 5;

  private static final long MOST_PATIENCE = 3000;

  static final String THREAD = "lodge-kvm-probe";

  private static final long MEMORY = 1 << 20;
  private static final long TABLES = 0x1000;
  private static final long IDT = 0x5000;
  private static final long HANDLER = 0x6000;
  private static final long CODE = 0x7000;
  private static final long STACK = 0x9000;
  private static final int BREAKPOINT = 3;
  private static final int CODE_SELECTOR = 0x08;
  private static final int DATA_SELECTOR = 0x10;
  private static final long GDT = 0x4800;

  /** {@code inc ebx; iretq}. */
  private static final String HANDLER_CODE = "ffc3 48cf";

  /**
   * {@code mov edi, 0x8000; fxsave64 [rdi]; fxrstor64 [rdi]; movdqu xmm0, [rdi]; xorps xmm1, xmm1;
   * lock cmpxchg16b [rdi]; int3; lfence; rdtsc; mov ecx, 0xc0000100; rdmsr; wrmsr; swapgs; swapgs;
   * invlpg [rdi]; fninit}.
   */
  private static final String START =
      "bf00800000 480fae07 480fae0f f30f6f07 0f57c9 f0480fc70f cc 0faee8 0f31"
          + " b9000100c0 0f32 0f30 0f01f8 0f01f8 0f013f dbe3";

  /**
   * {@code mov rax, cr4; bts eax, 18; mov cr4, rax; xor ecx, ecx; xor edx, edx; mov eax, 3; xsetbv;
   * xsave64 [rdi]; xrstor64 [rdi]}.
   */
  private static final String EXTENDED_STATE =
      "0f20e0 0fbae812 0f22e0 31c9 31d2 b803000000 0f01d1 480fae27 480fae2f";

  private static final String END = "f4";

  private Probe() {}

  /**
   * What a stock kernel would stop at, in one line; empty when there is nothing. Takes milliseconds
   * unless the guest hangs.
   */
  static Optional<String> run(KvmEngine engine) {
    return run(engine, START);
  }

  /**
   * The same with another guest.
   *
   * @param start instructions that it begins with
   */
  static Optional<String> run(KvmEngine engine, String start) {
    CompletableFuture<Optional<String>> answer = new CompletableFuture<>();
    CompletableFuture<Vcpu> running = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name(THREAD)
        .start(
            () -> {
              try {
                answer.complete(attempt(engine, start, running));
              } catch (EngineException e) {
                answer.complete(Optional.of(e.getMessage()));
              } catch (Throwable e) {
                answer.completeExceptionally(e);
              }
            });
    try {
      long began = System.nanoTime();
      CompletableFuture.anyOf(running, answer).get();
      long making = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      return answer.get(
          Math.clamp(MAKINGS * making, PATIENCE, MOST_PATIENCE), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // Its thread cleans up as soon as the kernel lets go of it.
      running.thenAccept(Vcpu::kick);
      return Optional.of("the host's KVM does not come to the end of a guest of 30 instructions");
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.of("interrupted");
    }
  }

  private static Optional<String> attempt(
      KvmEngine engine, String start, CompletableFuture<Vcpu> running) {
    CpuModel model = new CpuModel("probe", engine.features(), 1);
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu =
          new Cpu(0, model, memory, new PortBus(), new MmioBus(), new HostTime(), new NoApic());
      prepare(memory, cpu, start);
      try (Vcpu vcpu = engine.create(cpu)) {
        running.complete(vcpu);
        Exit exit = vcpu.run();
        boolean complete = exit == Exit.HALTED && cpu.r[Cpu.RBX] == 1;
        return complete ? Optional.empty() : Optional.of(reason(exit, vcpu, cpu));
      }
    }
  }

  private static String reason(Exit exit, Vcpu vcpu, Cpu cpu) {
    String where =
        switch (exit) {
          case FAILED -> vcpu.failure().lines().findFirst().orElse("").replaceFirst(".*?: ", "");
          case KICKED -> "it takes too long";
          default -> "a guest of 30 instructions ends at 0x%x by %s".formatted(cpu.rip, exit);
        };
    return "the host's KVM does not execute what kernels need: " + where;
  }

  /** 64-bit mode with paging, everything mapped to itself in one page of 2 MiB. */
  private static void prepare(GuestMemory memory, Cpu cpu, String start) {
    memory.putLong(TABLES, TABLES + 0x1000 | 3);
    memory.putLong(TABLES + 0x1000, TABLES + 0x2000 | 3);
    memory.putLong(TABLES + 0x2000, 0x83);
    memory.putLong(GDT + CODE_SELECTOR, 0x00AF_9B00_0000_FFFFL);
    memory.putLong(GDT + DATA_SELECTOR, 0x00CF_9300_0000_FFFFL);
    memory.putLong(IDT + 16 * BREAKPOINT, HANDLER | CODE_SELECTOR << 16 | 0x8E00L << 32);
    put(memory, HANDLER, HANDLER_CODE);
    boolean extended = cpu.model.has(Feature.XSAVE);
    put(memory, CODE, start + (extended ? EXTENDED_STATE : "") + END);
    cpu.cr0 = 0x8000_0031L;
    cpu.cr3 = TABLES;
    cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR;
    cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
    for (int i = 0; i < 6; i++) {
      cpu.selector[i] = i == Cpu.CS ? CODE_SELECTOR : DATA_SELECTOR;
      cpu.segBase[i] = 0;
      cpu.segLimit[i] = 0xFFFF_FFFFL;
      cpu.segAccess[i] = i == Cpu.CS ? 0xA09B : 0xC093;
    }
    cpu.gdtBase = GDT;
    cpu.gdtLimit = DATA_SELECTOR + 7;
    cpu.idtBase = IDT;
    cpu.idtLimit = 16 * BREAKPOINT + 15;
    cpu.r[Cpu.RSP] = STACK;
    cpu.rip = CODE;
    cpu.modeChanged();
  }

  private static void put(GuestMemory memory, long gpa, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    memory.put(gpa, bytes, 0, bytes.length);
  }

  /** The guest asks for no timers. */
  private static final class HostTime implements Clock {
    @Override
    public long nanos() {
      return System.nanoTime();
    }

    @Override
    public long epochNanos() {
      return System.currentTimeMillis() * 1_000_000;
    }

    @Override
    public Timer timer(Runnable action) {
      throw new UnsupportedOperationException();
    }
  }
}
