package lodge.kvm;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import lodge.core.ApicKeeper;
import lodge.core.ApicState;
import lodge.core.Counters;
import lodge.core.DebugStops;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuDump;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.EngineException;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Interrupts;
import lodge.cpu.x86.Paravirtual;
import lodge.cpu.x86.interpreter.InterpreterEngine;

/**
 * A vCPU of the kernel's, with the kernel's local APIC or Lodge's own around it. Within {@link
 * #run} the state is KVM's, between two of them {@link Cpu}'s.
 */
final class KvmVcpu implements Vcpu {
  private final Vm vm;
  private final Cpu cpu;
  private final Runnable closed;
  private final Fd fd;
  private final MemorySegment mapping;
  private final RunArea area;
  private final SyncRegs sync;
  private final Kicker kicker;
  private final GeneralState general;
  private final ExtendedState extended;
  private final PendingEvents events;
  private final MsrState msrs;
  private final GuestDebug debug;

  /** Null when the APIC is Lodge's, which stands around this vCPU. */
  private final KernelApic apic;

  /** The guest takes an interrupt now. */
  private boolean windowOpen;

  private FailedExit failed;
  private String failure = "";

  /** Since the last reset KVM has its APIC, or had it. */
  private boolean apicTaken;

  /** The guest stands before an instruction that KVM does not execute. */
  private boolean unknown;

  private boolean open = true;

  private long kicks;
  private long halts;
  private long interrupts;
  private long windows;
  private long portReads;
  private long portWrites;
  private long memoryReads;
  private long memoryWrites;
  private long msrReads;
  private long msrWrites;

  /**
   * @param closed called once, when this has been closed
   */
  private KvmVcpu(Vm vm, Cpu cpu, Fd fd, Runnable closed) {
    this.vm = vm;
    this.cpu = cpu;
    this.fd = fd;
    this.closed = closed;
    int tscKhz = tscKhz(vm.kvm(), fd);
    cpu.msrs.setTscPace(tscKhz);
    HostCpuid host = HostCpuid.of(vm.kvm(), tscKhz);
    boolean kernelApic = vm.apics().isPresent();
    host.install(fd, cpu, kernelApic);
    extended = new ExtendedState(fd, host.xcr0(), vm.kvm().has(Capability.XCRS));
    msrs = new MsrState(vm.kvm(), fd, cpu, kernelApic);
    apic = kernelApic ? new KernelApic(fd, msrs) : null;
    debug = new GuestDebug(vm.kvm(), fd);
    // Last: nothing behind it fails.
    mapping = fd.map(vm.kvm().fd().call(Ioctl.GET_VCPU_MMAP_SIZE, 0));
    area = new RunArea(mapping, cpu);
    sync = new SyncRegs(mapping);
    general = new GeneralState(fd, sync, apic);
    events = new PendingEvents(fd, sync);
    kicker = new Kicker(mapping);
    vm.apics().ifPresent(apics -> apics.add(this));
  }

  static KvmVcpu of(Vm vm, Cpu cpu, Runnable closed) {
    Fd fd = vm.createVcpu(cpu);
    try {
      return new KvmVcpu(vm, cpu, fd, closed);
    } catch (Throwable e) {
      fd.close();
      throw e;
    }
  }

  /**
   * Has the time-stamp counter count as Lodge's does where the processor can scale it.
   *
   * @return its pace
   */
  static int tscKhz(Kvm kvm, Fd vcpu) {
    int wanted = (int) (CpuModel.TSC_HZ / 1000);
    if (kvm.has(Capability.TSC_CONTROL) && vcpu.attempt(Ioctl.SET_TSC_KHZ, wanted) >= 0) {
      return wanted;
    }
    return vcpu.call(Ioctl.GET_TSC_KHZ, 0);
  }

  @Override
  public Exit run() {
    cpu.debug.begin();
    if (cpu.debug.steps()) {
      return step();
    }
    if (!cpu.attention && !cpu.halted && cpu.debug.breaks()) {
      return Exit.BREAKPOINT;
    }
    kicker.begin();
    unknown = false;
    try {
      vm.apics().ifPresent(KernelApics::take);
      load();
      Exit exit = cpu.shutdown ? Exit.SHUTDOWN : execute();
      unknown = exit == Exit.FAILED && failed.isEmulation();
      save();
      if (exit == Exit.HALTED && !cpu.halted) {
        // A trap that came with HLT has been delivered.
        exit = Exit.KICKED;
      }
      if (exit == Exit.KICKED) {
        cpu.look();
        kicks++;
      } else if (exit == Exit.BREAKPOINT) {
        // The processor sets it to get past the breakpoint.
        cpu.eflags &= ~Flags.RF;
      } else if (exit == Exit.FAILED) {
        failure = failed.text(cpu);
      }
      return cpu.shutdown ? Exit.SHUTDOWN : exit;
    } catch (EngineException e) {
      failure = e.getMessage();
      return Exit.FAILED;
    } finally {
      kicker.end();
    }
  }

  /**
   * A step is the interpreter's: processors step with a trap flag that guests see. Its engine is
   * made anew each time, because what it has decoded before may have been written to under KVM.
   */
  private Exit step() {
    try (Vcpu interpreter = new InterpreterEngine().create(cpu)) {
      return interpreter.run();
    }
  }

  private void load() {
    if (cpu.pendingDebug != 0) {
      // Of MOV SS, too, whose trap comes an instruction later: KVM keeps none for us.
      Interrupts.deliverPendingDebug(cpu);
    }
    if (cpu.pendingNmis != 0 && !cpu.nmiBlocked) {
      cpu.halted = false;
    }
    general.load(cpu);
    msrs.load(cpu);
    extended.load(cpu);
    events.load(cpu);
    if (apic == null) {
      windowOpen = (cpu.eflags & Flags.IF) != 0 && !cpu.interruptShadow && cpu.pendingNmis == 0;
    } else {
      // Only KVM knows whether its APIC lets the 8259's interrupts through.
      windowOpen = false;
      apic.loadActivity(cpu);
    }
  }

  /** Gives KVM all of the state, the APIC's too. No vCPU of the machine is running. */
  void takeApic(ApicKeeper keeper) {
    apicTaken = true;
    cpu.paravirtual.stealTimeKept(msrs.has(Paravirtual.MSR_KVM_STEAL_TIME));
    ApicState state = cpu.apic.lend(keeper);
    apic.prepare(state);
    load();
    // A vCPU that waits to be started would take it only afterwards.
    sync.flush(fd);
    apic.load(state);
  }

  /** Takes the APIC's state from KVM. No vCPU of the machine is running. */
  void giveApicBack() {
    cpu.apic.giveBack(apic.save());
    cpu.paravirtual.stealTimeKept(false);
  }

  private void save() {
    leave();
    general.save(cpu);
    msrs.save(cpu);
    extended.save(cpu);
    if (apic != null) {
      apic.saveActivity(cpu);
    }
    events.save(cpu, unknown);
    cpu.interruptPending = cpu.apic.pending();
  }

  private Exit execute() {
    while (true) {
      if (cpu.attention) {
        return Exit.KICKED;
      }
      if (!deliverInterrupt() && cpu.halted && apic == null) {
        return Exit.HALTED;
      }
      if (enter()) {
        Exit exit = answer();
        if (exit != null) {
          return exit;
        }
      } else {
        // Broken off: by a kick, or by a signal that came late.
        kicker.clear();
      }
    }
  }

  /** Has KVM deliver an interrupt if one waits and the guest takes it. */
  private boolean deliverInterrupt() {
    boolean waits = cpu.apic.pending();
    boolean delivered = false;
    if (waits && windowOpen) {
      int number = cpu.apic.acknowledge();
      if (number >= 0) {
        events.interrupt(number);
        interrupts++;
        delivered = true;
        cpu.halted = false;
        windowOpen = false;
      }
      waits = cpu.apic.pending();
    }
    area.requestWindow(waits);
    return delivered;
  }

  /** KVM_RUN. @return false when it was broken off */
  private boolean enter() {
    int cr8 = cpu.apic.cr8();
    area.putCr8(cr8);
    kicker.enter();
    int result = fd.attempt(Ioctl.RUN, 0);
    kicker.leave();
    windowOpen = area.windowOpen();
    if (apic == null && area.cr8() != cr8) {
      cpu.apic.setCr8(area.cr8());
    }
    if (result >= 0) {
      return true;
    }
    int errno = fd.errno();
    // EAGAIN: it was started.
    if (errno != SystemCalls.EINTR && errno != SystemCalls.EAGAIN) {
      throw sync.forget()
          .map(part -> Obstacles.refused(Ioctl.RUN, part, errno))
          .orElseGet(() -> Obstacles.refused(Ioctl.RUN, errno));
    }
    return false;
  }

  /** Does what an exit asks for. @return null when the guest goes on */
  private Exit answer() {
    switch (area.reason()) {
      case IO -> {
        if (area.answerPort()) {
          portReads++;
        } else {
          portWrites++;
        }
      }
      case MMIO -> {
        if (area.answerMemory()) {
          memoryReads++;
        } else {
          memoryWrites++;
        }
      }
      case X86_RDMSR -> {
        area.answerMsrRead();
        msrReads++;
      }
      case X86_WRMSR -> {
        area.answerMsrWrite();
        msrWrites++;
      }
      case HLT -> {
        cpu.halted = true;
        halts++;
      }
      case IRQ_WINDOW_OPEN -> windows++;
      case IOAPIC_EOI -> cpu.apic.ended(area.endedVector());
      case INTR, SET_TPR -> {
        // There may be something to deliver now.
      }
      case DEBUG -> {
        debug.hit(area.debugStatus()).ifPresent(cpu.debug::note);
        return Exit.BREAKPOINT;
      }
      case SHUTDOWN -> {
        cpu.shutdown = true;
        return Exit.SHUTDOWN;
      }
      default -> {
        failed = new FailedExit(mapping);
        return Exit.FAILED;
      }
    }
    return null;
  }

  /**
   * Has KVM finish the instruction that the last exit was in the middle of, and leave its state in
   * the run area.
   */
  private void leave() {
    sync.wanted(true);
    kicker.stayOutside();
    while (enter()) {
      answer();
      kicker.stayOutside();
    }
    sync.wanted(false);
    kicker.clear();
  }

  @Override
  public void kick() {
    cpu.kick();
    kicker.kick();
  }

  @Override
  public void reset() {
    vm.apics().ifPresent(KernelApics::drop);
    apicTaken = false;
    vm.memoryReplaced();
    failure = "";
    cpu.reset();
  }

  @Override
  public boolean stopAt(DebugStops stops) {
    boolean can = debug.stopAt(stops);
    if (can) {
      cpu.debug.stopAt(stops);
    }
    return can;
  }

  @Override
  public Optional<DebugStops.Watchpoint> watchpointHit() {
    return cpu.debug.watchpointHit();
  }

  @Override
  public String failure() {
    String summary =
        failure.isEmpty()
            ? ""
            : "KVM cannot go on: " + failure + "\n--engine translator needs no KVM\n";
    return summary + CpuDump.of(cpu);
  }

  @Override
  public Optional<String> limit() {
    return unknown ? Optional.of("the host's KVM cannot go on: " + failure) : Optional.empty();
  }

  @Override
  public void count(Counters counters) {
    counters.add("exits_kick", kicks);
    counters.add("exits_halt", halts);
    counters.add("exits_port_read", portReads);
    counters.add("exits_port_write", portWrites);
    counters.add("exits_mmio_read", memoryReads);
    counters.add("exits_mmio_write", memoryWrites);
    counters.add("exits_msr_read", msrReads);
    counters.add("exits_msr_write", msrWrites);
    counters.add("exits_interrupt_window", windows);
    counters.add("interrupts", interrupts);
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      try {
        vm.apics().ifPresent(apics -> apics.giveBack(this));
        if (apicTaken) {
          // Its APIC may have had an INIT and a start-up message for the processor.
          save();
        }
      } finally {
        kicker.close();
        SystemCalls.unmap(mapping);
        fd.close();
        closed.run();
      }
    }
  }
}
