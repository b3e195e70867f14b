package lodge.cpu.x86.interpreter;

import java.util.function.LongSupplier;
import lodge.core.Counters;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.translator.Translators;

/**
 * A processor with the translator. Writes down what it is told from outside and, whenever its run
 * loop looks around, its state.
 */
final class Recorder implements Tape {
  final Cpu cpu;
  final InterpreterVcpu vcpu;
  private final Trace trace;
  private final Lockstep.Limits limits;
  private long nextMemory;

  /**
   * @param wired the processor on the board, which has no other work than to be wired
   */
  Recorder(Cpu wired, GuestMemory memory, boolean eager, Lockstep.Limits limits, Trace trace) {
    this.trace = trace;
    this.limits = limits;
    this.cpu = TapedSurroundings.processor(wired, memory, this, new WiredApic(wired));
    this.vcpu =
        new InterpreterVcpu(cpu, new Points(Translators.of(cpu, eager)), CodeLimits.DEFAULT);
    vcpu.batch = limits.batch();
    trace.current().clear();
  }

  @Override
  public long in(long what, LongSupplier source) {
    long value = source.getAsLong();
    trace.current().tape(what, value);
    return value;
  }

  @Override
  public void out(long what, long value, Runnable effect) {
    trace.current().tape(what, value);
    effect.run();
  }

  /** The state is true: the processor is between two instructions. */
  private void point(int vector) {
    Stretch stretch = trace.current();
    stretch.instructions = vcpu.instructions;
    stretch.exceptions = vcpu.exceptions();
    stretch.vector = vector;
    stretch.state.take(cpu);
    boolean memory = vcpu.instructions >= nextMemory;
    stretch.memory = memory;
    trace.advance();
    if (memory) {
      nextMemory = vcpu.instructions + limits.memoryInterval();
      trace.await();
    }
    if (!goesOn()) {
      cpu.kick();
    }
  }

  boolean goesOn() {
    return vcpu.instructions < limits.instructions() && !trace.failed();
  }

  /** The last point; memory is compared there in any case. */
  void end() {
    nextMemory = 0;
    point(Stretch.NONE);
    trace.end();
    vcpu.close();
  }

  /** The board's APIC. */
  private final class WiredApic extends TapedApic {
    private final Cpu wired;

    WiredApic(Cpu wired) {
      super(wired.apic, Recorder.this);
      this.wired = wired;
    }

    @Override
    public boolean pending() {
      return wired.apic.pending();
    }

    @Override
    public int acknowledge() {
      int vector = wired.apic.acknowledge();
      if (vector >= 0) {
        point(vector);
      }
      return vector;
    }

    @Override
    public boolean takeNmi() {
      if (wired.apic.takeNmi()) {
        throw new UnsupportedOperationException("NMIs are not recorded");
      }
      return false;
    }

    @Override
    public void tscAdjusted() {
      // The deadline timer compares with the wired processor's.
      wired.msrs.startTsc(-cpu.msrs.tscOffset());
      super.tscAdjusted();
    }
  }

  /** The translator, asked to put regions in their places whenever the run loop looks around. */
  private final class Points implements HotSpots {
    private final HotSpots translator;

    Points(HotSpots translator) {
      this.translator = translator;
    }

    @Override
    public void install() {
      // The eager translator installs in the middle of a batch, too.
      if (!cpu.mmu.batching && !cpu.single) {
        point(Stretch.NONE);
      }
      translator.install();
    }

    @Override
    public void hot(CodePage page, int offset, long base) {
      translator.hot(page, offset, base);
    }

    @Override
    public void grow(CodePage page, int offset, long base, int growth, boolean requires) {
      translator.grow(page, offset, base, growth, requires);
    }

    @Override
    public boolean eager() {
      return translator.eager();
    }

    @Override
    public void count(Counters counters) {
      translator.count(counters);
    }

    @Override
    public void close() {
      translator.close();
    }
  }
}
