package lodge.cpu.x86.fuzz;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.StoppedClock;

/** One guest after another on one machine. */
final class HostileGuests implements Runnable, AutoCloseable {
  private final GuestMemory memory = GuestMemory.allocate(Surroundings.MEMORY);
  private final Cpu cpu;
  private final Vcpu vcpu;
  private final RandomDevice device;
  private final Seeded random = new Seeded();
  private final StoppedClock clock = new StoppedClock();
  private final byte[] code = new byte[Surroundings.CODE_SIZE];
  private final Map<Exit, Integer> exits = new EnumMap<>(Exit.class);

  private volatile long seed;
  private volatile String kind = "";
  private final String engine;

  volatile boolean stop;
  volatile long returns;
  volatile long guests;
  volatile AssertionError failure;

  /** A generator that starts anew with each guest. */
  private static final class Seeded implements java.util.random.RandomGenerator {
    SplittableRandom generator = new SplittableRandom(0);

    @Override
    public long nextLong() {
      return generator.nextLong();
    }
  }

  HostileGuests(Engine engine, long seed) {
    this.engine = engine.name();
    this.seed = seed;
    device = new RandomDevice(random);
    PortBus ports = new PortBus();
    ports.map(0, 0x8000, 4, device);
    MmioBus mmio = new MmioBus();
    mmio.map(Surroundings.MMIO, 0x1_0000, 8, device);
    mmio.map(0xA_0000, 0x2_0000, 4, device);
    cpu = new Cpu(0, new CpuModel(), memory, ports, mmio, clock, device);
    device.cpu = cpu;
    vcpu = engine.create(cpu);
  }

  @Override
  public void run() {
    try {
      while (!stop) {
        guest();
        seed++;
        guests++;
      }
    } catch (Throwable e) {
      String state = "";
      try {
        state = vcpu.failure();
      } catch (Throwable second) {
        state = "no state: " + second;
      }
      failure = new AssertionError(describe() + "\n" + state, e);
    }
  }

  private void guest() {
    random.generator = new SplittableRandom(seed);
    GuestMode[] modes = GuestMode.values();
    // 64-bit code is what most engines translate.
    GuestMode mode = random.nextInt(4) == 0 ? GuestMode.LONG : modes[random.nextInt(modes.length)];
    boolean user = random.nextBoolean();
    kind = mode + (user ? " user" : " supervisor");
    vcpu.reset();
    Surroundings surroundings = new Surroundings(cpu, random);
    surroundings.fillMemory(mode, false);
    if (random.nextInt(8) != 0) {
      new RandomCode(random, mode.codeSize).fill(code);
      memory.put(Surroundings.CODE, code, 0, code.length);
    }
    surroundings.enter(mode, user, false);
    int turns = 1 + random.nextInt(random.nextInt(10) == 0 ? 40 : 6);
    for (int i = 0; i < turns; i++) {
      clock.now += random.nextInt(1000);
      Exit exit = vcpu.run();
      returns++;
      exits.merge(exit, 1, Integer::sum);
      check();
      switch (exit) {
        case KICKED -> {}
        case HALTED -> {
          if (random.nextInt(4) == 0) {
            return;
          }
          cpu.kick();
        }
        case SHUTDOWN -> {
          return;
        }
        default -> throw new AssertionError(exit.toString());
      }
    }
  }

  /** What has to hold between two runs whatever the guest does. */
  private void check() {
    hold(cpu.cpl >= 0 && cpu.cpl <= 3, "CPL");
    hold(cpu.protectedMode() || cpu.cpl == 0, "CPL of real mode");
    hold(!cpu.virtual8086() || cpu.cpl == 3, "CPL of virtual-8086 mode");
    hold(!cpu.virtual8086() || !cpu.longModeActive(), "virtual-8086 mode in long mode");
    hold(cpu.codeSize != 8 || cpu.longModeActive(), "64-bit code outside long mode");
    boolean paging = (cpu.cr0 & Cpu.CR0_PG & 0xFFFF_FFFFL) != 0;
    hold(!paging || cpu.protectedMode(), "paging in real mode");
    boolean lme = (cpu.efer & Cpu.EFER_LME) != 0;
    hold(cpu.longModeActive() == (lme && paging), "EFER.LMA");
    hold(!cpu.longModeActive() || (cpu.cr4 & Cpu.CR4_PAE) != 0, "CR4.PAE in long mode");
    hold(cpu.cr0 >>> 32 == 0, "CR0");
    if (cpu.codeSize == 8) {
      // Code that runs straight on past the lower half is where it is, and faults there.
      hold(cpu.canonical(cpu.rip) || cpu.canonical(cpu.rip - 16), "RIP canonical");
    } else {
      hold(cpu.rip >>> 32 == 0, "EIP");
    }
    hold((cpu.eflags & (Flags.ARITHMETIC | ~0x3F_7FD7)) == 0, "RFLAGS");
    hold((cpu.eflags & 2) != 0, "RFLAGS bit 1");
    hold((cpu.gdtLimit | cpu.idtLimit) >>> 16 == 0, "table limits");
    for (int i = 0; i < 8; i++) {
      hold(cpu.selector[i] >>> 16 == 0, "selector " + i);
      hold(cpu.segLimit[i] >>> 32 == 0, "limit of segment " + i);
      hold(cpu.canonicalBase(cpu.segBase[i]), "base of segment " + i);
    }
    hold(cpu.segBase[Cpu.CS] >>> 32 == 0, "base of CS");
    hold(cpu.r[Cpu.ZERO] == 0, "the zero register");
    hold(cpu.segBase[Cpu.FLAT] == 0, "the flat base");
    hold(cpu.mxcsr >>> 16 == 0, "MXCSR");
    hold(cpu.x87.top >>> 3 == 0 && cpu.x87.valid >>> 8 == 0, "x87 stack");
    hold((cpu.xcr0 & 1) != 0 && cpu.xcr0 >>> 10 == 0, "XCR0");
    hold(cpu.pendingNmis >= 0 && cpu.pendingNmis <= 2, "NMIs");
    hold((cpu.dr[6] | cpu.dr[7]) >>> 32 == 0, "DR6 and DR7");
    hold(!cpu.single && !cpu.mmu.batching, "no instruction is under way");
  }

  private static void hold(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  void kick() {
    vcpu.kick();
  }

  String describe() {
    return "guest " + seed + ", " + kind + ", on the " + engine;
  }

  String summary() {
    return guests + " guests on the " + engine + ": " + exits;
  }

  @Override
  public void close() {
    stop = true;
    // A thread that hangs in the guest's memory keeps it.
    if (failure == null && stop) {
      vcpu.close();
    }
  }
}
