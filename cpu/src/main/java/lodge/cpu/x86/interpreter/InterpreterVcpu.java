package lodge.cpu.x86.interpreter;

import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Interrupts;
import lodge.cpu.x86.Vector;

/**
 * The run loop: events between instructions first, then a batch of instructions, again and again.
 */
public final class InterpreterVcpu implements Vcpu {
  /** Instructions between two looks at {@link Cpu#attention}: some ten microseconds. */
  private static final int BATCH = 2048;

  private final Cpu cpu;
  private final CodeCache code;

  private long instructions;
  private long interrupts;
  private long exceptions;
  private long pageFaults;
  private long halts;
  private long kicks;
  private final EventLog events = new EventLog();

  private final HotSpots hotSpots;

  /**
   * @param hotSpots takes hot code over, or null
   */
  public InterpreterVcpu(Cpu cpu, HotSpots hotSpots) {
    this.cpu = cpu;
    this.code = new CodeCache(cpu, hotSpots);
    this.hotSpots = hotSpots;
  }

  @Override
  public Exit run() {
    while (true) {
      if (cpu.attention) {
        cpu.attention = false;
        cpu.interruptPending = cpu.apic.pending();
        kicks++;
        if (!cpu.nmiBlocked
            && cpu.apic.takeNmi()
            && !deliver(Vector.NMI, Interrupts.Source.HARDWARE)) {
          return Exit.SHUTDOWN;
        }
        return Exit.KICKED;
      }
      if (cpu.interruptPending && (cpu.eflags & Flags.IF) != 0 && !cpu.interruptShadow) {
        int vector = cpu.apic.acknowledge();
        cpu.interruptPending = cpu.apic.pending();
        if (vector >= 0) {
          interrupts++;
          if (!deliver(vector, Interrupts.Source.HARDWARE)) {
            return Exit.SHUTDOWN;
          }
        }
      }
      if (cpu.halted) {
        halts++;
        return Exit.HALTED;
      }
      if (cpu.pendingDebug != 0 && !Interrupts.deliverPendingDebug(cpu)) {
        return Exit.SHUTDOWN;
      }
      code.trim();
      if (hotSpots != null) {
        hotSpots.install();
      }
      if (!execute() || cpu.shutdown) {
        return Exit.SHUTDOWN;
      }
    }
  }

  /** Executes a batch. @return false after a triple fault */
  private boolean execute() {
    boolean shadow = cpu.interruptShadow && cpu.interruptPending;
    boolean singleStep = (cpu.eflags & Flags.TF) != 0;
    cpu.interruptShadow = false;
    int budget = shadow || singleStep ? 1 : BATCH;
    int left = budget;
    cpu.stepTrap = false;
    cpu.debugShadow = false;
    long start = cpu.rip;
    code.uncounted = 0;
    Op op = null;
    try {
      op = budget == 1 ? code.alone(cpu.rip) : code.enterOrFault(cpu.rip);
      do {
        op = op.exec(cpu);
        left--;
      } while (op != null && left > 0);
      instructions += budget - left - code.uncounted;
    } catch (CpuException fault) {
      instructions += budget - left - code.uncounted;
      if (op != null) {
        cpu.rip = op.faultRip(cpu);
      }
      return raise(fault, op);
    }
    if (op != null) {
      cpu.rip = op.rip(cpu);
    }
    if (singleStep && !cpu.debugShadow && (cpu.stepTrap || (cpu.eflags & Flags.TF) != 0)) {
      cpu.dr[6] |= 1 << 14;
      if (op instanceof StringOp && cpu.rip == start) {
        // Between two repetitions, so that the handler's IRET goes on without another instruction
        // breakpoint.
        cpu.eflags |= Flags.RF;
      }
      return deliver(Vector.DB, Interrupts.Source.EXCEPTION);
    }
    return true;
  }

  private boolean raise(CpuException fault, Op op) {
    int vector = fault.vector;
    if (fault.nonCanonical && op != null && op.stackSegment()) {
      vector = Vector.SS;
    }
    if (vector == Vector.PF) {
      pageFaults++;
    } else {
      exceptions++;
    }
    events.add(vector, fault.errorCode, cpu.rip, cpu.cr2);
    return Interrupts.deliver(cpu, vector, fault.errorCode, Interrupts.Source.EXCEPTION);
  }

  private boolean deliver(int vector, Interrupts.Source source) {
    return Interrupts.deliver(cpu, vector, CpuException.NO_ERROR_CODE, source);
  }

  @Override
  public void kick() {
    cpu.kick();
  }

  @Override
  public void reset() {
    // A machine that resets loads its memory anew behind the back of the page flags.
    code.clear();
    cpu.reset();
  }

  @Override
  public String failure() {
    return CpuDump.of(cpu) + events;
  }

  @Override
  public void count(Counters counters) {
    counters.add("guest_instructions", instructions);
    counters.add("exits_kick", kicks);
    counters.add("exits_halt", halts);
    counters.add("exits_mmio_read", cpu.mmu.mmioReads);
    counters.add("exits_mmio_write", cpu.mmu.mmioWrites);
    counters.add("interrupts", interrupts);
    counters.add("page_faults", pageFaults);
    counters.add("exceptions", exceptions);
    counters.add("page_walks", cpu.mmu.pageWalks());
    counters.add("tlb_misses", cpu.mmu.tlbMisses);
    counters.add("code_invalidations", code.invalidations);
    if (hotSpots != null) {
      hotSpots.count(counters);
    }
    cpu.msrs.count(counters);
    code.unimplemented.forEach(
        (mnemonic, places) -> counters.add("unimplemented_" + mnemonic, places));
  }

  @Override
  public void close() {
    if (hotSpots != null) {
      hotSpots.close();
    }
  }
}
