package lodge.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import lodge.cli.guest.Firmware;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.GuestSession;
import lodge.cli.guest.MemorySize;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;
import lodge.machine.Device;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;
import lodge.machine.MachineException;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code lodge run}: boots one machine in this terminal or pipe. */
@Command(
    name = "run",
    description = "Boots a virtual machine, connected to this terminal or pipe by its serial line.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    customSynopsis = {
      "lodge run [GUEST | DISK] [--disk DISK]... [--cdrom FILE]... [--ephemeral]",
      "                 [--boot disk|cdrom] [--on-disk-full report|pause]",
      "                 [--name NAME] [--kernel FILE] [--initrd FILE]",
      "                 [--append STRING]",
      "                 [--firmware NAME] [--uuid UUID]",
      "                 [--memory SIZE] [--cpus N] [--cpu MODEL] [--engine NAME]",
      "                 [--serial WHERE] [--device NAME[,PROPERTY=VALUE...]]...",
      "                 [--gdb [HOST:]PORT [-S]]",
      "                 [--no-reboot] [--stats] [--trace-translation FILE] [--debug]",
      "                 [-- COMMAND...]"
    },
    footer = {
      "",
      "COMMAND runs in the guest instead of a shell; only its output is printed, and",
      "its exit status is lodge's own. On a terminal every key goes to the guest, except",
      "Ctrl-A X (quit), Ctrl-A S (counters), Ctrl-A H (help).",
      "",
      "Examples:",
      "  lodge run tiny",
      "  lodge run tiny -- uname -a",
      "  lodge run debian",
      "  lodge run disk.qcow2 --ephemeral",
      "  lodge run disk.qcow2 --cdrom installer.iso --boot cdrom",
      "  lodge run --kernel vmlinux --initrd root.cpio --append console=ttyS0"
    })
final class RunCommand implements Callable<Integer> {
  private static final String BIOS = "bios";

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "GUEST",
      description =
          "A recipe's name, such as tiny; fetched at its first use. Or a disk image to boot from.")
  private String guestName;

  @Mixin private DiskOptions disks;

  @Option(
      names = "--kernel",
      paramLabel = "FILE",
      description =
          "A Linux bzImage, an ELF vmlinux with a PVH note or a Multiboot image, instead of the"
              + " guest's.")
  private Path kernel;

  @Option(
      names = "--initrd",
      paramLabel = "FILE",
      description = "Initial RAM disk (a Multiboot image's one module), instead of the guest's.")
  private Path initrd;

  @Option(
      names = "--append",
      paramLabel = "STRING",
      description =
          "Kernel command line, added to the guest's; without a guest console=ttyS0, for a"
              + " Multiboot image nothing.")
  private String append;

  @Option(
      names = "--firmware",
      paramLabel = "NAME",
      description = "What boots from the disks: bios, SeaBIOS, as without this.")
  private String firmware;

  @Option(
      names = "--uuid",
      paramLabel = "UUID",
      converter = MachineUuid.class,
      description = "The machine's identity, which firmware tells the guest.")
  private UUID uuid;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = Memory.class,
      description =
          "Guest RAM with K, M, G or T; without a letter in MiB. Without this what the guest says,"
              + " or 512M.")
  private Long memory;

  @Option(
      names = "--cpus",
      paramLabel = "N",
      defaultValue = "1",
      description = "vCPUs, 1 to " + Machine.MAX_CPUS + "; without this ${DEFAULT-VALUE}.")
  private int cpus;

  @Option(
      names = "--cpu",
      paramLabel = "MODEL",
      defaultValue = "max",
      description =
          "The vCPUs' model: ${DEFAULT-VALUE}, or another one that 'lodge cpu list' names, with"
              + " features to add or take away: x86-64-v2,+movbe,-popcnt.")
  private String cpu;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      converter = DeviceDescription.class,
      description =
          "Adds a device: isa-debug-exit[,iobase=0xf4][,iosize=4], through which the guest ends"
              + " lodge with twice the value that it writes plus 1, pc-testdev, virtio-rng-pci,"
              + " virtio-balloon-pci[,deflate-on-oom=on][,free-page-reporting=on],"
              + " virtio-keyboard-pci or virtio-tablet-pci.")
  private List<Device> devices = List.of();

  @Option(
      names = "--engine",
      paramLabel = "NAME",
      description =
          "How guest instructions are executed: translator unless said otherwise, interpreter, kvm,"
              + " or auto: kvm where that runs kernels, else translator, and why.")
  private String engine;

  @Option(
      names = "--serial",
      paramLabel = "WHERE",
      defaultValue = "stdio",
      description = "The guest's serial line: stdio, null or file:PATH.")
  private String serial;

  @Option(
      names = "--gdb",
      paramLabel = "[HOST:]PORT",
      converter = GdbAddress.class,
      description =
          "Where gdb may debug the guest, with 'target remote [HOST]:PORT', as with QEMU's -gdb"
              + " tcp:[HOST]:PORT; 0 is any port. Without HOST from this host alone; whoever can"
              + " connect controls the guest.")
  private InetSocketAddress gdb;

  @Option(
      names = "-S",
      description = "Freeze the vCPUs at the start: with --gdb, until the debugger continues.")
  private boolean freeze;

  @Option(names = "--no-reboot", description = "End with status 0 when the guest resets.")
  private boolean noReboot;

  @Option(
      names = "--stats",
      description = "Print counters to standard error at the end, a name and a value a line.")
  private boolean stats;

  @Option(
      names = "--trace-translation",
      paramLabel = "FILE",
      description =
          "Write what the translator makes of the guest's code: each region's instructions, and"
              + " its blocks as a graph in DOT.")
  private String traceTranslation;

  @Option(names = "--debug", description = "Print stack traces with errors.")
  private boolean debug;

  private List<String> task = List.of();
  private boolean taskGiven;
  private Streams streams;

  void receive(List<String> words, boolean given, Streams standard) {
    task = words;
    taskGiven = given;
    streams = standard;
  }

  boolean debug() {
    return debug;
  }

  @Override
  public Integer call() throws Exception {
    check();
    Optional<Recipe> recipe =
        guestName == null ? Optional.empty() : Optional.of(Recipe.named(guestName, recipes()));
    MachineBuilder builder =
        Machine.builder()
            .memory(memory == null ? recipe.map(Recipe::memory).orElse(512L << 20) : memory)
            .cpus(cpus)
            .cpu(cpu)
            .rebootOnReset(!noReboot && !taskGiven)
            .debugExit(
                taskGiven || devices.stream().noneMatch(Device.IsaDebugExit.class::isInstance));
    Optional.ofNullable(engine).ifPresent(builder::engine);
    devices.forEach(builder::device);
    Optional.ofNullable(uuid).ifPresent(builder::uuid);
    Optional.ofNullable(gdb).ifPresent(builder::gdb);
    builder.freeze(freeze);
    try (Closer held = new Closer();
        SerialTarget target = SerialTarget.of(serial, streams)) {
      Session session =
          new Session(target, streams, taskGiven ? Session.Goal.TASK : Session.Goal.CONSOLE);
      Optional<Guest.RamDisk> ramDisk = Optional.empty();
      if (recipe.isPresent()) {
        switch (recipe.get().content()) {
          case Recipe.RamDisk _ -> ramDisk = Optional.of(ramDisk(recipe.get()));
          case Recipe.Disk _ -> {
            try (Progress progress = progress()) {
              GuestCache cache = new GuestCache(home(), progress);
              builder.drive(disks.of(recipe.get(), cache, home(), held, session::say));
            }
          }
        }
      }
      disks
          .open(recipe.map(Recipe::name).orElse("lodge"), home(), session::say)
          .forEach(builder::drive);
      if (kernel == null && ramDisk.isEmpty()) {
        bootDisk(builder);
      } else {
        bootKernel(builder, ramDisk, session);
      }
      return run(session, builder);
    }
  }

  private void bootDisk(MachineBuilder builder) {
    if (initrd != null || append != null) {
      throw new BadInput("--initrd and --append go with --kernel FILE; a disk has its own");
    }
    try (Progress progress = progress()) {
      builder.firmware(Firmware.bios(home(), progress));
      disks.bootFrom().ifPresent(builder::bootFrom);
    }
  }

  private void bootKernel(MachineBuilder builder, Optional<Guest.RamDisk> guest, Session session) {
    Optional.ofNullable(kernel)
        .or(() -> guest.map(Guest.RamDisk::kernel))
        .ifPresent(builder::kernel);
    commandLine(guest).ifPresent(builder::append);
    if (initrd != null) {
      builder.initrd(initrd);
    } else if (guest.isPresent()) {
      builder.initrd(guest.get().initrd()).initrd(orders(session));
    }
  }

  private int run(Session session, MachineBuilder builder)
      throws IOException, InterruptedException {
    if (traceTranslation == null) {
      return session.run(builder, stats, engine != null, Optional.empty());
    }
    try (TraceFile trace = TraceFile.open(traceTranslation, session::say)) {
      return session.run(
          builder.traceTranslation(trace), stats, engine != null, Optional.of(trace));
    }
  }

  private void check() {
    if (guestName != null && !Recipe.names(recipes()).contains(guestName) && looksLikeFile()) {
      disks.boot(Path.of(guestName));
      guestName = null;
    }
    if ((firmware != null || disks.bootFrom().isPresent())
        && (kernel != null || (guestName != null && hasRamDisk()))) {
      throw new BadInput(
          "firmware boots from disks; a kernel is booted without --firmware and --boot");
    }
    disks.checkBoot(guestName != null);
    if (guestName == null && kernel == null && disks.none()) {
      throw new BadInput(
          "nothing to run: give a guest ("
              + String.join(", ", Recipe.names(recipes()))
              + "), a disk image or --kernel FILE");
    }
    if (taskGiven && task.isEmpty()) {
      throw new BadInput("there is no command after --; write it like: lodge run tiny -- uname -a");
    }
    if (taskGiven && (guestName == null || initrd != null || !hasRamDisk())) {
      throw new BadInput(
          "-- COMMAND needs a guest with its own initial RAM disk, such as: lodge run tiny -- uname"
              + " -a");
    }
    if (cpus < 1 || cpus > Machine.MAX_CPUS) {
      throw new BadInput(
          "--cpus " + cpus + " is not possible; a machine has 1 to " + Machine.MAX_CPUS);
    }
    if (memory != null && memory < Machine.MIN_MEMORY) {
      throw new BadInput(
          "--memory "
              + MemorySize.format(memory)
              + " is too little; a machine has at least "
              + MemorySize.format(Machine.MIN_MEMORY));
    }
    if (engine != null && !Machine.engines().contains(engine)) {
      throw new BadInput(
          "--engine " + engine + " is unknown; there are " + String.join(", ", Machine.engines()));
    }
    if (firmware != null && !firmware.equals(BIOS)) {
      throw new BadInput("--firmware " + firmware + " is unknown; there is " + BIOS);
    }
    SerialTarget.check(serial);
    if (freeze && gdb == null) {
      throw new BadInput("-S needs --gdb PORT: a debugger has to let the vCPUs go on");
    }
    if (guestName != null && !Recipe.names(recipes()).contains(guestName)) {
      Recipe.named(guestName, recipes()); // explains what there is
    }
  }

  private boolean looksLikeFile() {
    Path path = Path.of(guestName);
    return Files.isRegularFile(path) || String.valueOf(path.getFileName()).contains(".");
  }

  private boolean hasRamDisk() {
    return Recipe.named(guestName, recipes()).content() instanceof Recipe.RamDisk;
  }

  private Guest.RamDisk ramDisk(Recipe recipe) throws InterruptedException {
    try (Progress progress = progress()) {
      Guest.RamDisk guest = (Guest.RamDisk) new GuestCache(home(), progress).guest(recipe);
      AotCache.makeIfWanted(guest.name(), progress);
      return guest;
    }
  }

  private Progress progress() {
    return Boolean.getBoolean("lodge.progress") ? Progress.on(streams.errors()) : Progress.silent();
  }

  private static Path home() {
    return GuestCache.home(System.getenv());
  }

  private static Path recipes() {
    return Path.of(System.getProperty("lodge.recipes", "guests"));
  }

  /** Empty when it is left to the kind of kernel. */
  private Optional<String> commandLine(Optional<Guest.RamDisk> guest) {
    List<String> parts = new ArrayList<>();
    guest.ifPresent(known -> parts.add(known.append()));
    if (taskGiven) {
      parts.add(GuestSession.QUIET);
    }
    if (append != null) {
      parts.add(append);
    }
    return parts.isEmpty() ? Optional.empty() : Optional.of(String.join(" ", parts));
  }

  private byte[] orders(Session session) {
    Optional<HostTerminal> terminal = session.terminal();
    String type = terminal.map(_ -> System.getenv().getOrDefault("TERM", "vt100")).orElse("dumb");
    int rows = terminal.map(HostTerminal::rows).orElse(24);
    int columns = terminal.map(HostTerminal::columns).orElse(80);
    if (!taskGiven) {
      return GuestSession.shell(type, rows, columns);
    }
    return terminal.isPresent()
        ? GuestSession.task(task, type, rows, columns)
        : GuestSession.task(task);
  }

  /** Reads what stands after {@code --device}. */
  static final class DeviceDescription implements ITypeConverter<Device> {
    @Override
    public Device convert(String text) {
      try {
        return Device.parse(text);
      } catch (MachineException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Reads an identity; the JDK would take less than all digits. */
  static final class MachineUuid implements ITypeConverter<UUID> {
    @Override
    public UUID convert(String text) {
      if (!text.matches("\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}{12}")) {
        throw new TypeConversionException(
            "'" + text + "' is no UUID; write it like 123e4567-e89b-12d3-a456-426614174000");
      }
      return UUID.fromString(text);
    }
  }

  /** Reads a size. */
  static final class Memory implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return MemorySize.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
