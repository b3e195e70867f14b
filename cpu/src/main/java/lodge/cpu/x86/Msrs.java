package lodge.cpu.x86;

/** Model-specific registers. */
public final class Msrs {
  private final Cpu cpu;
  private long tscOffset;

  Msrs(Cpu cpu) {
    this.cpu = cpu;
  }

  void reset() {
    tscOffset = -cpu.clock.nanos();
  }

  /** What the TSC is ahead of the machine's clock. */
  public long tscOffset() {
    return tscOffset;
  }
}
