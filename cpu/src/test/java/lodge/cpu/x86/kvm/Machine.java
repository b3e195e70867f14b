package lodge.cpu.x86.kvm;

import java.lang.foreign.MemorySegment;

/** Something that runs scenarios: memory at 0 and one processor. */
interface Machine extends AutoCloseable {
  /** Bytes of memory. */
  int MEMORY = 0xA_0000;

  /** How a scenario ended. */
  enum End {
    HALT,
    SHUTDOWN,
    /** The machine does not execute an instruction of the scenario. */
    NOT_EXECUTED,
    /** Devices were asked for, which no scenario has. */
    OUTSIDE,
    HUNG
  }

  /**
   * @param detail what stood in the way, for humans
   */
  record Outcome(End end, CpuState state, String detail) {}

  /** {@link #MEMORY} bytes; to be filled before each {@link #run}. */
  MemorySegment memory();

  /** Runs from a state to the end. */
  Outcome run(CpuState start);

  /** Makes a running scenario end soon; any thread. Its result is worth nothing then. */
  void abandon();

  @Override
  void close();
}
