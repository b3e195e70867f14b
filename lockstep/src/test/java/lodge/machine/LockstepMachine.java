package lodge.machine;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.interpreter.Lockstep;
import lodge.machine.boot.AcpiTables;
import lodge.machine.boot.KernelImage;
import lodge.machine.boot.MemoryMap;

/** A machine whose one processor is a {@link Lockstep}. */
public final class LockstepMachine implements AutoCloseable {
  /** Random numbers are nothing that the interpreter could be given. */
  private static final String MODEL = "max,-rdrand,-rdseed";

  private final GuestMemory recorded;
  private final GuestMemory replayed;

  /** The wired processor's, which nobody looks at. */
  private final GuestMemory unused;

  private final HostClock clock = new HostClock();
  private final AtomicReference<Outcome> outcome = new AtomicReference<>();
  private final SerialLink serial;
  private final Lockstep lockstep;
  private final Thread thread = Thread.currentThread();

  /** Loads the kernel; {@link #run} is to be called by the same thread. */
  public LockstepMachine(
      KernelImage kernel,
      List<Object> initrds,
      String commandLine,
      long size,
      SerialConsole console,
      boolean eager,
      Lockstep.Limits limits) {
    recorded = GuestMemory.allocate(size);
    replayed = GuestMemory.allocate(size);
    unused = GuestMemory.allocate(size);
    MemoryMap map = MemoryMap.of(size);
    byte[] initrd = Initrd.concatenate(initrds, map.lowRamEnd());
    serial = new SerialLink(console, e -> end(new Outcome.Failed("serial output: " + e)));
    MachineSpec spec =
        new MachineSpec(
            new Boot.Kernel(kernel, initrd, commandLine),
            size,
            CpuModels.parse(MODEL).withCpus(1),
            null,
            _ -> {},
            console,
            false,
            false,
            List.of(),
            List.of(),
            BootFrom.DISK,
            new UUID(0, 0),
            Optional.empty(),
            false);
    Board board = new Board(spec, map, unused, clock, serial, this::end, _ -> kick());
    board.startTimeStampCounters();
    lockstep = new Lockstep(board.cpus().getFirst(), recorded, replayed, eager, limits);
    for (Cpu cpu : List.of(lockstep.recorder(), lockstep.replayer())) {
      MemoryTypes.set(cpu);
      board.writeFirmware(cpu.memory);
      kernel.boot(cpu.memory, map, initrd, commandLine, AcpiTables.RSDP, cpu);
    }
    serial.connect(board.com1());
    serial.start();
  }

  private void end(Outcome wanted) {
    outcome.compareAndSet(null, wanted);
    kick();
  }

  private void kick() {
    // The board is wired before there is anything to kick.
    if (lockstep != null) {
      lockstep.kick();
      LockSupport.unpark(thread);
    }
  }

  /**
   * Runs until the guest ends or the limit is reached.
   *
   * @throws AssertionError when the engines are not the same
   */
  public Outcome run() throws InterruptedException {
    lockstep.start();
    while (outcome.get() == null && lockstep.goesOn()) {
      Exit exit = lockstep.run();
      if (exit == Exit.HALTED) {
        LockSupport.park(this);
      } else if (exit != Exit.KICKED) {
        end(new Outcome.Failed(exit.toString()));
      }
    }
    outcome.compareAndSet(null, new Outcome.Stopped());
    lockstep.finish();
    serial.finish();
    serial.awaitDelivered();
    return outcome.get();
  }

  /** What the translator's processor counted. */
  public Counters counters() {
    return lockstep.counters();
  }

  @Override
  public void close() {
    serial.abandon();
    clock.close();
    recorded.close();
    replayed.close();
    unused.close();
  }
}
