package lodge.cpu.x86.interpreter;

import java.util.Optional;
import lodge.core.Counters;
import lodge.core.DebugStops;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuDump;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Interrupts;
import lodge.cpu.x86.Vector;

/**
 * The run loop: events between instructions first, then a batch of instructions, again and again.
 */
public final class InterpreterVcpu implements Vcpu {
  /** Instructions between two looks at {@link Cpu#attention}: some ten microseconds. */
  private static final int BATCH = 2048;

  /** The same, for tests that look more often. */
  int batch = BATCH;

  private final Cpu cpu;
  private final CodeCache code;

  long instructions;
  private long interrupts;
  private long exceptions;
  private long pageFaults;
  private long halts;
  private long kicks;
  private final EventLog events = new EventLog();

  /**
   * Batches until the start of one is found hot: no branch leads to where system calls, returns
   * from them, and handlers of interrupts and exceptions begin.
   */
  private int untilLook = CodeCache.HOT;

  private final HotSpots hotSpots;

  /**
   * @param hotSpots takes hot code over, or null
   */
  public InterpreterVcpu(Cpu cpu, HotSpots hotSpots, CodeLimits limits) {
    this.cpu = cpu;
    this.code = new CodeCache(cpu, hotSpots, limits);
    this.hotSpots = hotSpots;
  }

  @Override
  public Exit run() {
    code.enter();
    try {
      return execute();
    } finally {
      code.leave();
    }
  }

  private Exit execute() {
    cpu.debug.begin();
    while (true) {
      if (cpu.attention) {
        cpu.look();
        code.serve();
        kicks++;
        return Exit.KICKED;
      }
      if (!deliverEvent()) {
        if (cpu.halted) {
          halts++;
          return Exit.HALTED;
        }
        advance();
      }
      if (cpu.shutdown) {
        return Exit.SHUTDOWN;
      }
      if (cpu.debug.stopped || cpu.debug.steps()) {
        return Exit.BREAKPOINT;
      }
    }
  }

  /** Executes some instructions, whatever waits to be delivered. */
  void advance() {
    code.trim();
    if (hotSpots != null) {
      hotSpots.install();
    }
    executeSome();
  }

  /**
   * Delivers what comes first of the events between two instructions (SDM volume 3, table 6-2):
   * debug traps of the last instruction, an NMI, an interrupt.
   *
   * @return false when there is none
   */
  private boolean deliverEvent() {
    if (cpu.pendingDebug != 0 && !cpu.debugShadow) {
      exceptions++;
      Interrupts.deliverPendingDebug(cpu);
      return true;
    }
    if (cpu.interruptShadow || cpu.debug.steps() && !cpu.halted) {
      return false;
    }
    if (cpu.pendingNmis != 0 && !cpu.nmiBlocked) {
      cpu.pendingNmis--;
      interrupt(Vector.NMI);
      return true;
    }
    if (cpu.interruptPending && (cpu.eflags & Flags.IF) != 0) {
      int vector = cpu.apic.acknowledge();
      cpu.interruptPending = cpu.apic.pending();
      // It may have come after the last look: with it comes what its sender stored before.
      code.serve();
      if (vector >= 0) {
        interrupt(vector);
        return true;
      }
    }
    return false;
  }

  private void interrupt(int vector) {
    interrupts++;
    Interrupts.deliver(cpu, vector, CpuException.NO_ERROR_CODE, Interrupts.Source.HARDWARE);
  }

  private void executeSome() {
    boolean step = cpu.debug.steps();
    if (!step && cpu.debug.breaks()) {
      return;
    }
    boolean alone =
        step
            || (cpu.eflags & Flags.TF) != 0
            || (cpu.codeBreakpoints | cpu.pendingDebug) != 0
            || cpu.interruptShadow && (cpu.interruptPending || cpu.pendingNmis != 0);
    if (alone) {
      executeAlone();
    } else {
      executeBatch();
    }
  }

  /** Executes instructions as long as nobody has to look in between. */
  private void executeBatch() {
    cpu.interruptShadow = false;
    cpu.debugShadow = false;
    int left = batch;
    code.uncounted = 0;
    cpu.unfinished = 0;
    cpu.mmu.batching = true;
    Op op = null;
    try {
      op = code.enterOrFault(cpu.rip);
      if (--untilLook == 0) {
        untilLook = CodeCache.HOT;
        code.hot(cpu.rip);
      }
      do {
        op = op.exec(cpu);
        left--;
      } while (op != null && left > 0);
      cpu.mmu.batching = false;
      instructions += batch - left - code.uncounted - cpu.unfinished;
    } catch (CpuException fault) {
      cpu.mmu.batching = false;
      instructions += batch - left - code.uncounted - cpu.unfinished;
      if (op != null) {
        cpu.rip = op.faultRip(cpu);
      }
      if (fault.vector == CpuException.ALONE) {
        executeAlone();
      } else {
        raise(fault, op);
      }
      return;
    }
    if (op != null) {
      cpu.rip = op.rip(cpu);
      FlagState.settle(cpu);
    }
    cutRip();
  }

  /** EIP has 32 bits: what follows the last byte of 4 GiB is the first one. */
  private void cutRip() {
    if (cpu.codeSize != 8) {
      cpu.rip &= 0xFFFF_FFFFL;
    }
  }

  /**
   * Executes one instruction, or one repetition of a string instruction, with all that debugging
   * asks for before and after it.
   */
  private void executeAlone() {
    boolean shadow = cpu.debugShadow;
    cpu.interruptShadow = false;
    cpu.debugShadow = false;
    if (!shadow && Interrupts.breakpoint(cpu)) {
      exceptions++;
      return;
    }
    cpu.eflags &= ~Flags.RF;
    // What MOV SS has hit comes after this instruction; what a faulting one has hit is forgotten.
    int debug = cpu.pendingDebug;
    long start = cpu.rip;
    cpu.steps = (cpu.eflags & Flags.TF) != 0;
    cpu.single = true;
    cpu.unfinished = 0;
    Op op = null;
    Op next;
    try {
      op = code.enterOrFault(cpu.rip).original();
      next = op.exec(cpu);
      instructions += 1 - cpu.unfinished;
    } catch (CpuException fault) {
      cpu.single = false;
      cpu.rip = start;
      cpu.pendingDebug = debug;
      cpu.debug.forget();
      raise(fault, op);
      return;
    }
    cpu.single = false;
    if (next != null) {
      cpu.rip = next.rip(cpu);
    }
    cutRip();
    if (shadow && cpu.debugShadow) {
      // Of several MOV SS in a row only the first one holds events up.
      cpu.debugShadow = false;
      cpu.interruptShadow = false;
    }
    if (cpu.steps && !cpu.debugShadow) {
      boolean branched = cpu.rip != start + op.length && next != op;
      cpu.pendingDebug |= cpu.msrs.stepMask(branched);
    }
  }

  /** Exceptions so far, page faults among them. */
  long exceptions() {
    return exceptions + pageFaults;
  }

  private void raise(CpuException fault, Op op) {
    int vector = fault.vector;
    if (fault.nonCanonical && op != null && op.stackSegment()) {
      vector = Vector.SS;
    }
    if (vector == Vector.DB) {
      // General detect: like other faults, and unlike other debug exceptions, it pushes RF set.
      cpu.eflags |= Flags.RF;
    }
    if (vector == Vector.PF) {
      pageFaults++;
    } else {
      exceptions++;
    }
    events.add(vector, fault.errorCode, cpu.rip, cpu.cr2);
    Interrupts.deliver(cpu, vector, fault.errorCode, Interrupts.Source.EXCEPTION);
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
  public boolean stopAt(DebugStops stops) {
    stops.breakpoints().forEach(code::stopAt);
    cpu.debug.stopAt(stops);
    return true;
  }

  @Override
  public Optional<DebugStops.Watchpoint> watchpointHit() {
    return cpu.debug.watchpointHit();
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
    counters.add("code_invalidations", cpu.codeInvalidations);
    counters.add("code_discards", code.discards);
    counters.add("code_lookups_replaced", code.lookupsReplaced());
    counters.add("code_waits", cpu.mmu.codeWatch().waits());
    if (hotSpots != null) {
      counters.add("guest_instructions_translated", code.translated);
      hotSpots.count(counters);
      counters.add("regions_invalidated", code.invalidated);
      counters.add("region_entries_bypassed", code.entriesBypassed);
      counters.add("region_exits_direct", code.exitsDirect);
      counters.add("region_exits_indirect", code.exitsIndirect);
      counters.add("region_exits_polled", code.exitsPolled);
      counters.add("region_exits_declined", code.exitsDeclined);
      counters.add("region_exits_stopped", code.exitsStopped);
      counters.add("region_exits_fault", code.exitsFault);
    }
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
