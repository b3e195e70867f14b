package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;

/**
 * What follows a repetition of a string instruction. Between two of them RF is set, so that an
 * event which comes there pushes it and the rest is not stopped by the breakpoint at the
 * instruction again (SDM volume 3, 18.3.1.1).
 */
final class Repeat {
  private Repeat() {}

  /** The instruction goes on. */
  static Op again(Cpu c, Op self) {
    c.unfinished++;
    c.eflags |= Flags.RF;
    return self;
  }

  /** The last repetition is done. */
  static Op done(Cpu c, Op next) {
    c.eflags &= ~Flags.RF;
    return next;
  }
}
