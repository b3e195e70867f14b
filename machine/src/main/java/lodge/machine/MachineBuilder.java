package lodge.machine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Collects what a machine is made of. {@link #build} checks all of it before anything is started. */
public final class MachineBuilder {
  Path kernel;
  final List<Object> initrds = new ArrayList<>();
  String append = "";
  long memory = 512L << 20;
  int cpus = 1;
  String engine = Engines.AUTO;
  SerialConsole serial = SerialConsole.none();
  boolean rebootOnReset = true;
  boolean debugExit;

  MachineBuilder() {}

  /** A Linux bzImage or an ELF {@code vmlinux} with a PVH note. */
  public MachineBuilder kernel(Path file) {
    kernel = Objects.requireNonNull(file);
    return this;
  }

  /** Adds initial RAM disks; several are concatenated in the order in which they were added. */
  public MachineBuilder initrd(Path... files) {
    initrds.addAll(List.of(files));
    return this;
  }

  /** Adds an initial RAM disk that is in memory. */
  public MachineBuilder initrd(byte[] image) {
    initrds.add(image.clone());
    return this;
  }

  /** The kernel's command line. */
  public MachineBuilder append(String commandLine) {
    append = Objects.requireNonNull(commandLine);
    return this;
  }

  /** Guest RAM in bytes, a multiple of 1 MiB, at least {@link Machine#MIN_MEMORY}. Without it 512 MiB. */
  public MachineBuilder memory(long bytes) {
    memory = bytes;
    return this;
  }

  /** Number of vCPUs, 1 to {@link Machine#MAX_CPUS}. */
  public MachineBuilder cpus(int count) {
    cpus = count;
    return this;
  }

  /** {@code auto} or the name of an engine, see {@link Machine#engines}. */
  public MachineBuilder engine(String name) {
    engine = Objects.requireNonNull(name);
    return this;
  }

  /** What COM1 is connected to. Without it {@link SerialConsole#none}. */
  public MachineBuilder serial(SerialConsole console) {
    serial = Objects.requireNonNull(console);
    return this;
  }

  /** Whether a guest's reset boots it again (as it does without this) or ends the run with {@link Outcome.Reset}. */
  public MachineBuilder rebootOnReset(boolean reboot) {
    rebootOnReset = reboot;
    return this;
  }

  /** Whether there is a debug-exit port at 0xF4: one byte written ends the run with {@link Outcome.DebugExit}. */
  public MachineBuilder debugExit(boolean present) {
    debugExit = present;
    return this;
  }

  /**
   * Reads the files and checks everything.
   *
   * @throws MachineException when something is wrong, unreadable or does not fit
   */
  public Machine build() {
    throw new UnsupportedOperationException();
  }
}
