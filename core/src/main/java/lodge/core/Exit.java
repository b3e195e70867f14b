package lodge.core;

/** Why {@link Vcpu#run} came back. */
public enum Exit {
  /** Somebody called {@link Vcpu#kick}. */
  KICKED,
  /** HLT with nothing pending: run again once an interrupt is there or after a kick. */
  HALTED,
  /** The processor shut down after a triple fault. */
  SHUTDOWN,
  /** A place where {@link Vcpu#stopAt} has it stop. */
  BREAKPOINT,
  /** The engine cannot go on; {@link Vcpu#failure} says why. */
  FAILED
}
