package lodge.machine;

import java.util.List;
import java.util.stream.Stream;
import lodge.core.Counters;
import lodge.cpu.x86.Engine;

/**
 * One virtual machine: build it, start it, wait for its {@link Outcome}, close it.
 *
 * <pre>{@code
 * try (Machine machine = Machine.builder().kernel(vmlinuz).initrd(initrd).append("console=ttyS0")
 *     .serial(SerialConsole.of(System.in, System.out)).build()) {
 *   machine.start();
 *   Outcome outcome = machine.await();
 * }
 * }</pre>
 */
public final class Machine implements AutoCloseable {
  /** Least guest RAM in bytes. */
  public static final long MIN_MEMORY = 16L << 20;

  /** Most vCPUs. */
  public static final int MAX_CPUS = 1;

  Machine() {}

  public static MachineBuilder builder() {
    return new MachineBuilder();
  }

  /** Names that {@link MachineBuilder#engine} takes, {@code auto} first. */
  public static List<String> engines() {
    return Stream.concat(Stream.of(Engines.AUTO), Engines.installed().stream().map(Engine::name)).toList();
  }

  /**
   * Powers the machine on and returns at once. A machine runs once.
   *
   * @throws MachineException when the host cannot give the memory
   * @throws IllegalStateException when it was started or closed before
   */
  public void start() {}

  /** Waits until the run has ended and the guest's serial output is delivered. */
  public Outcome await() throws InterruptedException {
    throw new UnsupportedOperationException();
  }

  /** Ends the run, as pulling the plug would, and returns without waiting; {@link #await} gives {@link Outcome.Stopped}. */
  public void stop() {}

  /**
   * Totals so far, in the order in which a reader wants them: guest_instructions, wall_nanoseconds,
   * exits by kind, page_walks, tlb_misses, host_resident_bytes and what the engine adds. From any thread,
   * also after the end.
   */
  public Counters counters() {
    return new Counters();
  }

  /** The name of the engine that runs it. */
  public String engine() {
    return "";
  }

  /** Ends the run if it goes on, the threads and the guest's memory. Returns promptly; may be called again. */
  @Override
  public void close() {}
}
