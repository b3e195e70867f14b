package lodge.cpu.x86.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import lodge.core.BusDevice;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Bounds;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.NoApic;
import lodge.cpu.x86.StoppedClock;

/** A machine that runs programs on one engine and can be compared with another one. */
final class ComparedGuest implements AutoCloseable {
  private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

  private final GuestMemory memory = GuestMemory.allocate(Surroundings.MEMORY);
  private final ScheduledThreadPoolExecutor watchdog =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().factory());
  private final Log log = new Log();
  private final Cpu cpu;
  private final Vcpu vcpu;
  private Exit exit;
  private SplittableRandom random;
  private Surroundings surroundings;

  /** Remembers accesses as one number, which its answers depend on. */
  private static final class Log implements BusDevice {
    long hash;

    @Override
    public long read(long offset, int size) {
      hash = (hash + offset * 8 + size) * 0x9E37_79B9_7F4A_7C15L;
      return hash ^ hash >>> 29;
    }

    @Override
    public void write(long offset, int size, long value) {
      hash = (hash + offset * 8 + size + 4) * 0x9E37_79B9_7F4A_7C15L + value;
    }
  }

  ComparedGuest(Engine engine) {
    PortBus ports = new PortBus();
    ports.map(0, 0x8000, 4, log);
    MmioBus mmio = new MmioBus();
    mmio.map(Surroundings.MMIO, 0x1_0000, 8, log);
    watchdog.setRemoveOnCancelPolicy(true);
    cpu = new Cpu(0, new CpuModel(), memory, ports, mmio, new StoppedClock(), new NoApic());
    vcpu = engine.create(cpu);
  }

  /** Puts a program into memory that the seed gives. */
  void load(Program program, long seed) {
    vcpu.reset();
    memory.clear();
    random = new SplittableRandom(seed);
    surroundings = new Surroundings(cpu, random);
    surroundings.fillMemory(GuestMode.LONG, true);
    memory.put(Surroundings.CODE, program.code, 0, program.code.length);
    log.hash = 0;
  }

  /**
   * Runs what is left of the program from an instruction on, from a state that depends on nothing
   * but the seed, to its end: HLT, which all handlers are, or shutdown.
   *
   * @return false when it did not end in time
   */
  boolean run(Program program, int start, int millis) {
    cpu.init();
    surroundings.enter(GuestMode.LONG, program.user, true);
    cpu.rip += start;
    long deadline = System.nanoTime() + millis * 1_000_000L;
    ScheduledFuture<?> kick =
        watchdog.scheduleAtFixedRate(cpu::kick, millis, millis, TimeUnit.MILLISECONDS);
    try {
      do {
        exit = vcpu.run();
      } while (exit == Exit.KICKED && System.nanoTime() < deadline);
    } finally {
      kick.cancel(false);
    }
    return exit == Exit.HALTED || exit == Exit.SHUTDOWN;
  }

  /** What the engine has counted since the machine was made. */
  long counted(String name) {
    return Bounds.counted(vcpu).get(name);
  }

  /** What differs in the other one, "name here there" each. */
  List<String> differences(ComparedGuest other) {
    List<String> found = new ArrayList<>();
    Cpu a = cpu;
    Cpu b = other.cpu;
    if (exit != other.exit) {
      found.add(exit + " " + other.exit);
    }
    compare(found, "rip", a.rip, b.rip);
    compare(found, "rflags", Flags.get(a), Flags.get(b));
    compare(found, "cpl", a.cpl, b.cpl);
    for (int i = 0; i < 16; i++) {
      compare(found, "r" + i, a.r[i], b.r[i]);
    }
    for (int i = 0; i < 8; i++) {
      compare(found, SEGMENTS[i], a.selector[i], b.selector[i]);
      compare(found, SEGMENTS[i] + " base", a.segBase[i], b.segBase[i]);
      compare(found, SEGMENTS[i] + " limit", a.segLimit[i], b.segLimit[i]);
      compare(found, SEGMENTS[i] + " access", a.segAccess[i], b.segAccess[i]);
      compare(found, "dr" + i, a.dr[i], b.dr[i]);
      compare(found, "mm" + i, a.x87.significand[i], b.x87.significand[i]);
      compare(found, "x87 exponent " + i, a.x87.signExponent[i], b.x87.signExponent[i]);
    }
    for (int i = 0; i < 64; i++) {
      compare(found, "ymm" + (i >> 2) + " lane " + (i & 3), a.xmm[i], b.xmm[i]);
    }
    compare(found, "mxcsr", a.mxcsr, b.mxcsr);
    compare(found, "x87 control", a.x87.control, b.x87.control);
    compare(found, "x87 status", a.x87.status, b.x87.status);
    compare(found, "x87 top", a.x87.top, b.x87.top);
    compare(found, "x87 valid", a.x87.valid, b.x87.valid);
    compare(found, "x87 opcode", a.x87.lastOpcode, b.x87.lastOpcode);
    compare(found, "x87 rip", a.x87.lastRip, b.x87.lastRip);
    compare(found, "x87 data", a.x87.lastDataPointer, b.x87.lastDataPointer);
    compare(found, "cr0", a.cr0, b.cr0);
    compare(found, "cr2", a.cr2, b.cr2);
    compare(found, "cr3", a.cr3, b.cr3);
    compare(found, "cr4", a.cr4, b.cr4);
    compare(found, "efer", a.efer, b.efer);
    compare(found, "xcr0", a.xcr0, b.xcr0);
    compare(found, "pkru", a.pkru, b.pkru);
    compare(found, "gdt", a.gdtBase + a.gdtLimit, b.gdtBase + b.gdtLimit);
    compare(found, "idt", a.idtBase + a.idtLimit, b.idtBase + b.idtLimit);
    compare(found, "pending debug", a.pendingDebug, b.pendingDebug);
    compare(found, "devices", log.hash, other.log.hash);
    return found;
  }

  /** Where memory differs from the other one's; empty when nowhere. */
  List<String> memoryDifferences(ComparedGuest other) {
    List<String> found = new ArrayList<>();
    long at = memory.segment().mismatch(other.memory.segment());
    if (at >= 0) {
      compare(
          found, "memory at " + Long.toHexString(at), memory.getByte(at), other.memory.getByte(at));
    }
    return found;
  }

  private static void compare(List<String> found, String name, long here, long there) {
    if (here != there) {
      found.add(name + " " + Long.toHexString(here) + " " + Long.toHexString(there));
    }
  }

  @Override
  public void close() {
    watchdog.shutdownNow();
    vcpu.close();
    memory.close();
  }
}
