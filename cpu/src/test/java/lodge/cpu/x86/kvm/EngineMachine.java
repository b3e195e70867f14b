package lodge.cpu.x86.kvm;

import java.lang.foreign.MemorySegment;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.DebugRegisters;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.NoApic;
import lodge.cpu.x86.StoppedClock;

/** Runs scenarios on an engine. */
final class EngineMachine implements Machine {
  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final Cpu cpu;
  private final Vcpu vcpu;
  private final boolean allModes;
  private volatile boolean abandoned;

  EngineMachine(Engine engine, CpuModel model) {
    cpu = new Cpu(0, model, memory, new PortBus(), new MmioBus(), new StoppedClock(), new NoApic());
    vcpu = engine.create(cpu);
    allModes = !engine.name().equals("kvm");
  }

  /** It is one of Lodge's own, which do not leave it to the host what they execute. */
  boolean hasAllModes() {
    return allModes;
  }

  @Override
  public MemorySegment memory() {
    return memory.segment().asSlice(0, MEMORY);
  }

  @Override
  public Outcome run(CpuState start) {
    abandoned = false;
    vcpu.reset();
    load(start.v);
    try {
      Exit exit;
      do {
        exit = vcpu.run();
      } while (exit == Exit.KICKED && !abandoned);
      End end =
          switch (exit) {
            case HALTED -> End.HALT;
            case SHUTDOWN -> End.SHUTDOWN;
            case KICKED -> End.HUNG;
            default -> End.NOT_EXECUTED;
          };
      return new Outcome(end, state(), end == End.NOT_EXECUTED ? vcpu.failure() : "");
    } catch (RuntimeException | StackOverflowError | AssertionError e) {
      return new Outcome(End.NOT_EXECUTED, state(), e + " at " + e.getStackTrace()[0]);
    }
  }

  private void load(long[] v) {
    System.arraycopy(v, 0, cpu.r, 0, 16);
    cpu.rip = v[CpuState.RIP];
    for (int i = 0; i < 8; i++) {
      int at = CpuState.SEGMENTS + 4 * i;
      cpu.selector[i] = (int) v[at];
      cpu.segBase[i] = v[at + CpuState.BASE];
      cpu.segLimit[i] = v[at + CpuState.LIMIT];
      cpu.segAccess[i] = (int) v[at + CpuState.ACCESS];
    }
    cpu.gdtBase = v[CpuState.GDT_BASE];
    cpu.gdtLimit = (int) v[CpuState.GDT_LIMIT];
    cpu.idtBase = v[CpuState.IDT_BASE];
    cpu.idtLimit = (int) v[CpuState.IDT_LIMIT];
    for (int i = 0; i < CpuState.MSR_NUMBERS.length; i++) {
      cpu.msrs.write(CpuState.MSR_NUMBERS[i], v[CpuState.MSRS + i]);
    }
    cpu.cr0 = v[CpuState.CR0];
    cpu.cr2 = v[CpuState.CR2];
    cpu.cr3 = v[CpuState.CR3];
    cpu.cr4 = v[CpuState.CR4];
    cpu.efer = v[CpuState.EFER];
    if ((cpu.cr0 & Cpu.CR0_PG) != 0 && (cpu.cr4 & Cpu.CR4_PAE) != 0 && !cpu.longModeActive()) {
      for (int i = 0; i < 4; i++) {
        cpu.pdpte[i] = memory.getLong((cpu.cr3 & 0xFFFF_FFE0L) + 8 * i);
      }
    }
    Flags.set(cpu, (int) v[CpuState.RFLAGS]);
    cpu.cpl = Math.max(0, (int) v[CpuState.segment(Cpu.SS, CpuState.ACCESS)] >> 5 & 3);
    cpu.modeChanged();
    cpu.mmu.flushAll();
    for (int i = 0; i < 4; i++) {
      cpu.dr[i] = v[CpuState.DR + i];
    }
    cpu.dr[6] = v[CpuState.DR6];
    int cpl = cpu.cpl;
    cpu.cpl = 0;
    DebugRegisters.write(cpu, 7, v[CpuState.DR7]);
    cpu.cpl = cpl;
  }

  private CpuState state() {
    CpuState state = new CpuState();
    long[] v = state.v;
    System.arraycopy(cpu.r, 0, v, 0, 16);
    v[CpuState.RIP] = cpu.rip;
    v[CpuState.RFLAGS] = Flags.get(cpu);
    for (int i = 0; i < 8; i++) {
      state.segment(i, cpu.selector[i], cpu.segBase[i], cpu.segLimit[i], cpu.segAccess[i]);
    }
    v[CpuState.GDT_BASE] = cpu.gdtBase;
    v[CpuState.GDT_LIMIT] = cpu.gdtLimit;
    v[CpuState.IDT_BASE] = cpu.idtBase;
    v[CpuState.IDT_LIMIT] = cpu.idtLimit;
    v[CpuState.CR0] = cpu.cr0;
    v[CpuState.CR2] = cpu.cr2;
    v[CpuState.CR3] = cpu.cr3;
    v[CpuState.CR4] = cpu.cr4;
    v[CpuState.EFER] = cpu.efer;
    System.arraycopy(cpu.dr, 0, v, CpuState.DR, 4);
    v[CpuState.DR6] = cpu.dr[6];
    v[CpuState.DR7] = cpu.dr[7];
    for (int i = 0; i < CpuState.MSR_NUMBERS.length; i++) {
      v[CpuState.MSRS + i] = cpu.msrs.read(CpuState.MSR_NUMBERS[i]);
    }
    return state;
  }

  @Override
  public void abandon() {
    abandoned = true;
    vcpu.kick();
  }

  @Override
  public void close() {
    vcpu.close();
    memory.close();
  }
}
