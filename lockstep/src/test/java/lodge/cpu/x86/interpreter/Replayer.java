package lodge.cpu.x86.interpreter;

import java.util.List;
import java.util.function.LongSupplier;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Interrupts;

/**
 * A processor with the interpreter, which is told what was recorded and has to be in the recorded
 * states. It executes one instruction at a time.
 */
final class Replayer implements Tape {
  final Cpu cpu;
  private final InterpreterVcpu vcpu;
  private final GuestMemory recorded;
  private final History history = new History();
  private final ProcessorState state = new ProcessorState();

  /** Null before power-on. */
  private Stretch stretch;

  private long points;

  /**
   * @param wired as that of {@link Recorder}
   * @param recorded the recorder's memory, for comparison
   */
  Replayer(Cpu wired, GuestMemory memory, GuestMemory recorded) {
    this.recorded = recorded;
    this.cpu = TapedSurroundings.processor(wired, memory, this, new TapedApic(wired.apic, this));
    this.vcpu = new InterpreterVcpu(cpu, null, CodeLimits.DEFAULT);
    vcpu.batch = 1;
  }

  @Override
  public long in(long what, LongSupplier source) {
    return stretch == null ? source.getAsLong() : stretch.next(what);
  }

  @Override
  public void out(long what, long value, Runnable effect) {
    long expected = stretch.next(what);
    if (value != expected) {
      throw new AssertionError(
          "%s: %x was written, %x here".formatted(Tape.text(what), expected, value));
    }
  }

  /** Executes up to the stretch's end and compares. */
  void replay(Stretch next) {
    long from = vcpu.instructions;
    stretch = next;
    try {
      execute();
      compare();
    } catch (Throwable e) {
      throw new AssertionError(
          "%s%nat point %d, between instructions %d and %d; the last ones here:%n%s"
              .formatted(
                  e.getMessage() == null ? e : e.getMessage(),
                  points,
                  from,
                  next.instructions,
                  history.text(cpu)),
          e);
    }
    points++;
    if (next.vector != Stretch.NONE) {
      cpu.interruptShadow = false;
      cpu.debugShadow = false;
      Interrupts.deliver(cpu, next.vector, CpuException.NO_ERROR_CODE, Interrupts.Source.HARDWARE);
    }
  }

  private void execute() {
    while (vcpu.instructions < stretch.instructions) {
      step();
    }
    while (vcpu.exceptions() < stretch.exceptions && vcpu.instructions == stretch.instructions) {
      step();
    }
    // It may have been between two repetitions, of which more than one are done at once.
    cpu.single = true;
    while (stretch.state.repeating()
        && stretch.state.rip() == cpu.rip
        && stretch.state.rcx() != cpu.r[Cpu.RCX]
        && vcpu.instructions == stretch.instructions) {
      step();
    }
    cpu.single = false;
  }

  private void step() {
    history.add(cpu.rip);
    vcpu.advance();
  }

  private void compare() {
    if (vcpu.instructions != stretch.instructions || vcpu.exceptions() != stretch.exceptions) {
      throw new AssertionError(
          "%d instructions and %d exceptions were recorded, but %d and %d here"
              .formatted(
                  stretch.instructions, stretch.exceptions, vcpu.instructions, vcpu.exceptions()));
    }
    if (stretch.left() != null) {
      throw new AssertionError("recorded is " + stretch.left() + ", which did not happen here");
    }
    state.take(cpu);
    if (!stretch.state.equal(state)) {
      List<String> differences = stretch.state.differences(state, cpu);
      throw new AssertionError("name, recorded, replayed:\n  " + String.join("\n  ", differences));
    }
    if (stretch.memory) {
      compareMemory();
    }
  }

  private void compareMemory() {
    long at = recorded.segment().mismatch(cpu.memory.segment());
    if (at >= 0) {
      long place = at & -8;
      throw new AssertionError(
          "memory at %x: %x was recorded, %x is here"
              .formatted(place, recorded.getLong(place), cpu.memory.getLong(place)));
    }
  }

  long points() {
    return points;
  }
}
