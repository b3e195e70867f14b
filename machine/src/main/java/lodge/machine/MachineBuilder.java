package lodge.machine;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.EngineException;
import lodge.cpu.x86.Feature;
import lodge.cpu.x86.FeatureNames;
import lodge.devices.ide.IdeController;
import lodge.machine.MachineException.Kind;
import lodge.machine.boot.FirmwareImage;
import lodge.machine.boot.KernelImage;
import lodge.machine.boot.MemoryMap;

/**
 * Collects what a machine is made of. {@link #build} checks all of it before anything is started.
 */
public final class MachineBuilder {
  private static final long MIB = 1 << 20;

  /** A disc's block. */
  private static final int SMALLEST_IDE_DRIVE = 2048;

  /** Guest RAM is one segment whose pages an int counts; the processor has 46 address bits. */
  private static final long MEMORY_LIMIT = 1L << 42;

  private final List<Engine> engines;
  private Path kernel;
  private Path firmware;
  private final List<Object> initrds = new ArrayList<>();
  private String append;
  private long memory = 512 * MIB;
  private int cpus = 1;
  private String cpu = "max";

  /** Null when nobody has named one. */
  private String engine;

  /** Null when one of the JVM's services is to be taken. */
  private Engines.Choice ownEngines;

  private Consumer<String> engineChange = _ -> {};
  private Consumer<String> translationTrace;
  private SerialConsole serial = SerialConsole.none();
  private boolean rebootOnReset = true;
  private boolean debugExit;
  private final List<Device> devices = new ArrayList<>();
  private final List<Drive> drives = new ArrayList<>();
  private BootFrom bootFrom = BootFrom.DISK;
  private UUID uuid = new UUID(0, 0);
  private InetSocketAddress gdb;
  private boolean freeze;
  private final int maxCpus;

  /**
   * @param engines those that {@link #engine} may name
   */
  MachineBuilder(List<Engine> engines) {
    this(engines, Machine.MAX_CPUS);
  }

  MachineBuilder(List<Engine> engines, int maxCpus) {
    this.engines = engines;
    this.maxCpus = maxCpus;
  }

  /**
   * A Linux bzImage, an ELF {@code vmlinux} with a PVH note, or a Multiboot image, which receives
   * the initial RAM disk as its one module and, like from QEMU, this name before its command line.
   */
  public MachineBuilder kernel(Path file) {
    kernel = Objects.requireNonNull(file);
    return this;
  }

  /**
   * Firmware such as SeaBIOS instead of a kernel: a ROM image that starts at the reset vector and
   * boots from the drives.
   */
  public MachineBuilder firmware(Path file) {
    firmware = Objects.requireNonNull(file);
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

  /**
   * The kernel's command line. Without it {@code console=ttyS0}, or for a Multiboot image nothing.
   */
  public MachineBuilder append(String commandLine) {
    append = Objects.requireNonNull(commandLine);
    return this;
  }

  /**
   * Guest RAM in bytes, a multiple of 1 MiB, at least {@link Machine#MIN_MEMORY}. Without it 512
   * MiB.
   */
  public MachineBuilder memory(long bytes) {
    memory = bytes;
    return this;
  }

  /** Number of vCPUs, 1 to {@link Machine#MAX_CPUS}. */
  public MachineBuilder cpus(int count) {
    cpus = count;
    return this;
  }

  /**
   * What the vCPUs are: a model's name, followed by features to add and to take away, such as
   * {@code x86-64-v2,+aes,-popcnt}; see {@link lodge.cpu.x86.CpuModels}. Without it {@code max}.
   */
  public MachineBuilder cpu(String model) {
    cpu = Objects.requireNonNull(model);
    return this;
  }

  /**
   * {@code auto} or the name of an engine, see {@link Machine#engines}; the best one in software
   * when this is not called.
   */
  public MachineBuilder engine(String name) {
    engine = Objects.requireNonNull(name);
    return this;
  }

  /** An engine that is none of the JVM's services: one with limits of its own. */
  public MachineBuilder engine(Engine own) {
    return engines(Engines.Choice.of(own));
  }

  /** The same with one to fall back on. */
  MachineBuilder engines(Engines.Choice own) {
    ownEngines = own;
    return this;
  }

  /**
   * Who is told, in one line, that the engine which {@code auto} took cannot do what the machine
   * needs and which one goes on: by the thread that starts the machine or by one of its own, which
   * is not to be held up. Without it nobody is; see {@link Machine#engineChoice}.
   */
  public MachineBuilder onEngineChange(Consumer<String> told) {
    engineChange = Objects.requireNonNull(told);
    return this;
  }

  /**
   * Has the engine tell what it translates, in text for people: one piece after the other, by any
   * of the machine's threads, which are not to be held up. Engines that do not translate are
   * refused. Without it nothing is told.
   */
  public MachineBuilder traceTranslation(Consumer<String> trace) {
    translationTrace = Objects.requireNonNull(trace);
    return this;
  }

  /** What COM1 is connected to. Without it {@link SerialConsole#none}. */
  public MachineBuilder serial(SerialConsole console) {
    serial = Objects.requireNonNull(console);
    return this;
  }

  /**
   * Whether a guest's reset boots it again (as it does without this) or ends the run with {@link
   * Outcome.Reset}.
   */
  public MachineBuilder rebootOnReset(boolean reboot) {
    rebootOnReset = reboot;
    return this;
  }

  /**
   * Whether there is a debug-exit port at 0xF4: one byte written ends the run with {@link
   * Outcome.DebugExit}.
   */
  public MachineBuilder debugExit(boolean present) {
    debugExit = present;
    return this;
  }

  /** Adds a device that not every machine has. */
  public MachineBuilder device(Device device) {
    devices.add(Objects.requireNonNull(device));
    return this;
  }

  /** Adds a disk; the guest finds disks of one kind in the order in which they were added. */
  public MachineBuilder drive(Drive drive) {
    drives.add(Objects.requireNonNull(drive));
    return this;
  }

  /** What firmware tries to boot from first. Without it the disks. */
  public MachineBuilder bootFrom(BootFrom first) {
    bootFrom = Objects.requireNonNull(first);
    return this;
  }

  /** What firmware tells the guest as the machine's identity. Without it all zeros. */
  public MachineBuilder uuid(UUID identity) {
    uuid = Objects.requireNonNull(identity);
    return this;
  }

  /**
   * Where GDB may connect to debug the guest, with {@code target remote}, while the machine runs:
   * one debugger at a time. Whoever can connect controls the guest. Without it nobody can.
   *
   * @param address port 0 for any that is free, see {@link Machine#gdb}
   */
  public MachineBuilder gdb(InetSocketAddress address) {
    gdb = Objects.requireNonNull(address);
    return this;
  }

  /** Whether the vCPUs wait before their first instruction until the debugger lets them go on. */
  public MachineBuilder freeze(boolean wait) {
    freeze = wait;
    return this;
  }

  /**
   * Reads the files and checks everything.
   *
   * @throws MachineException when something is wrong, unreadable or does not fit
   */
  public Machine build() {
    checkMemory();
    if (cpus < 1 || cpus > maxCpus) {
      throw invalid("cpus " + cpus + ": must be from 1 to " + maxCpus);
    }
    if (freeze && gdb == null) {
      throw invalid("freeze: nobody could let the vCPUs go on; a machine that waits needs gdb");
    }
    CpuModel wanted = model();
    checkDrives();
    Engines.Choice choice =
        ownEngines != null ? ownEngines : Engines.choose(engine, engines, translationTrace != null);
    Fitting fitting = fit(wanted, choice);
    MachineSpec spec =
        new MachineSpec(
            boot(),
            memory,
            fitting.model,
            traced(fitting.engines),
            engineChange,
            serial,
            rebootOnReset,
            debugExit,
            devices,
            drives,
            bootFrom,
            uuid,
            Optional.ofNullable(gdb),
            freeze);
    if (!devices.isEmpty()) {
      Board.tryOut(spec);
    }
    return new Machine(spec);
  }

  private Boot boot() {
    if (firmware != null) {
      if (kernel != null || append != null || !initrds.isEmpty()) {
        throw invalid(
            "firmware " + firmware + ": boots from drives; it takes no kernel, initrd or append");
      }
      return new Boot.Firmware(FirmwareImage.read(firmware));
    }
    if (kernel == null) {
      throw invalid(
          "no kernel: a machine needs a Linux bzImage, an ELF vmlinux or a Multiboot image to"
              + " boot");
    }
    KernelImage image = KernelImage.read(kernel);
    MemoryMap map = MemoryMap.of(memory);
    byte[] initrd = Initrd.concatenate(initrds, Math.min(map.lowRamEnd(), Integer.MAX_VALUE - 16));
    String commandLine = append == null ? image.defaultCommandLine() : append;
    image.check(map, initrd.length, commandLine);
    return new Boot.Kernel(image, initrd, commandLine);
  }

  /** What translates has no fallback. */
  private Engines.Choice traced(Engines.Choice chosen) {
    if (translationTrace == null) {
      return chosen;
    }
    Engine traced =
        chosen
            .engine()
            .traced(translationTrace)
            .orElseThrow(
                () ->
                    invalid(
                        "engine '"
                            + chosen.engine().name()
                            + "' does not translate, so there is nothing to trace; the translator"
                            + " does"));
    return new Engines.Choice(traced, chosen.reason(), Optional.empty());
  }

  private CpuModel model() {
    try {
      return CpuModels.parse(cpu).withCpus(cpus);
    } catch (IllegalArgumentException e) {
      throw new MachineException(Kind.INVALID, e.getMessage(), e);
    }
  }

  /** Engines, the first of which can give the model. */
  private record Fitting(Engines.Choice engines, CpuModel model) {}

  private Fitting fit(CpuModel wanted, Engines.Choice choice) {
    try {
      return new Fitting(choice, given(wanted, choice.engine()));
    } catch (MachineException e) {
      return fit(wanted, choice.without(e.getMessage()).orElseThrow(() -> e));
    }
  }

  /** What the engine can give, which is all that the model is not without. */
  private CpuModel given(CpuModel wanted, Engine by) {
    Set<Feature> features;
    try {
      features = by.features();
    } catch (EngineException e) {
      throw Engines.refused(by, e);
    }
    if (features.containsAll(wanted.features())) {
      return wanted;
    }
    EnumSet<Feature> missing = EnumSet.copyOf(wanted.features());
    missing.removeAll(features);
    missing.retainAll(CpuModels.demanded(cpu));
    if (!missing.isEmpty()) {
      throw invalid(
          "cpu '%s': the engine %s cannot give %s here; 'max' is what it can"
              .formatted(
                  cpu,
                  by.name(),
                  missing.stream().map(FeatureNames::of).collect(Collectors.joining(", "))));
    }
    EnumSet<Feature> left = EnumSet.copyOf(wanted.features());
    left.retainAll(features);
    return new CpuModel(cpu, CpuModels.consistent(left), cpus);
  }

  private void checkMemory() {
    if (memory < Machine.MIN_MEMORY) {
      throw invalid(
          "memory "
              + size(memory)
              + ": too little; at least "
              + size(Machine.MIN_MEMORY)
              + " is needed");
    }
    long most = Math.min(HostMemory.total().orElse(MEMORY_LIMIT), MEMORY_LIMIT) & -MIB;
    if (memory > most) {
      throw new MachineException(
          Kind.NO_MEMORY,
          "memory "
              + size(memory)
              + ": more than this host has; at most "
              + size(most)
              + " can be given");
    }
    if (memory % MIB != 0) {
      throw invalid("memory " + memory + " bytes: must be a multiple of 1M");
    }
  }

  private void checkDrives() {
    List<Drive> ide = drives.stream().filter(Drive::isIde).toList();
    checkRoom(drives.size() - ide.size(), PciSlots.END - PciSlots.FIRST, "virtio disks");
    checkRoom(ide.size(), IdeController.POSITIONS, "IDE drives");
    for (Drive drive : ide) {
      if (drive.kind() == Drive.Kind.IDE_DISK && drive.backend().readOnly()) {
        throw invalid(
            "drive '" + drive.serial() + "': an IDE disk cannot be read-only; use a virtio disk");
      }
      if (drive.backend().size() < SMALLEST_IDE_DRIVE) {
        throw invalid(
            "drive '"
                + drive.serial()
                + "': too small; an IDE drive has at least "
                + SMALLEST_IDE_DRIVE
                + " bytes");
      }
    }
  }

  private static void checkRoom(int count, int most, String what) {
    if (count > most) {
      throw invalid(count + " " + what + ": there is room for " + most);
    }
  }

  private static MachineException invalid(String message) {
    return new MachineException(Kind.INVALID, message);
  }

  private static String size(long bytes) {
    if (bytes <= 0 || bytes % MIB != 0) {
      return bytes + " bytes";
    }
    return bytes % (1 << 30) == 0 ? (bytes >> 30) + "G" : (bytes >> 20) + "M";
  }
}
