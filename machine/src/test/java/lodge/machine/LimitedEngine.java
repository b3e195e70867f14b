package lodge.machine;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import lodge.core.Counters;
import lodge.core.DebugStops;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.EngineException;
import lodge.cpu.x86.Feature;

/** The interpreter under KVM's name, which does not execute the instruction at one address. */
final class LimitedEngine implements Engine {
  private final long limit;

  /** Why the host gives nothing; empty when it does. */
  Optional<String> refusal = Optional.empty();

  Set<Feature> features = CpuModels.features();

  LimitedEngine(long limit) {
    this.limit = limit;
  }

  @Override
  public String name() {
    return "kvm";
  }

  @Override
  public Set<Feature> features() {
    return features;
  }

  @Override
  public Vcpu create(Cpu cpu) {
    refusal.ifPresent(
        why -> {
          throw new EngineException(why);
        });
    return new LimitedVcpu(cpu);
  }

  private final class LimitedVcpu implements Vcpu {
    private final Cpu cpu;
    private final Vcpu interpreter;
    private boolean stuck;

    LimitedVcpu(Cpu cpu) {
      this.cpu = cpu;
      this.interpreter = EngineChangeTest.installed("interpreter").create(cpu);
    }

    @Override
    public Exit run() {
      DebugStops wanted = cpu.debug.stops();
      Set<Long> breakpoints = new HashSet<>(wanted.breakpoints());
      breakpoints.add(limit);
      interpreter.stopAt(new DebugStops(wanted.step(), breakpoints, wanted.watchpoints()));
      Exit exit = interpreter.run();
      interpreter.stopAt(wanted);
      stuck = exit == Exit.BREAKPOINT && cpu.rip == limit;
      return stuck ? Exit.FAILED : exit;
    }

    @Override
    public void kick() {
      interpreter.kick();
    }

    @Override
    public void reset() {
      interpreter.reset();
    }

    @Override
    public boolean stopAt(DebugStops stops) {
      return interpreter.stopAt(stops);
    }

    @Override
    public Optional<DebugStops.Watchpoint> watchpointHit() {
      return interpreter.watchpointHit();
    }

    @Override
    public String failure() {
      return "an instruction that is too much\n" + interpreter.failure();
    }

    @Override
    public Optional<String> limit() {
      return stuck ? Optional.of("it is too much for the host") : Optional.empty();
    }

    @Override
    public void count(Counters counters) {
      interpreter.count(counters);
    }

    @Override
    public void close() {
      interpreter.close();
    }
  }
}
