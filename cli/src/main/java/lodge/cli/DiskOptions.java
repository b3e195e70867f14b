package lodge.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lodge.cli.guest.CloudSeed;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.MachineFolder;
import lodge.cli.guest.Recipe;
import lodge.core.BlockBackend;
import lodge.disk.DiskImage;
import lodge.disk.ImageFormat;
import lodge.disk.PausedWhenFull;
import lodge.machine.BootFrom;
import lodge.machine.Drive;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of {@code lodge run} about disks, and the disks that come of them. */
final class DiskOptions {
  @Option(
      names = "--disk",
      paramLabel = "DISK",
      converter = DiskDescription.Converter.class,
      description =
          "Adds a disk: FILE[,format=NAME][,bus=virtio|ide][,readonly][,serial=TEXT]"
              + "[,cache=MODE][,discard=unmap|ignore][,bps=N][,iops=N][,bps-max=N][,iops-max=N]. A"
              + " raw disk needs its format=raw. MODE is writeback (as without this), writethrough"
              + " (each write is durable when it is done), none or directsync (as these two, past"
              + " the host's page cache) or unsafe (flushes are ignored). bps and iops limit bytes"
              + " and requests a second, the others what may come at once after a pause.")
  private List<DiskDescription> disks = new ArrayList<>();

  @Option(names = "--cdrom", paramLabel = "FILE", description = "Adds a CD-ROM drive with this.")
  private List<Path> cdroms = new ArrayList<>();

  @Option(
      names = "--boot",
      paramLabel = "FROM",
      converter = BootSource.class,
      description =
          "What is booted from first: disk, as without this, or cdrom. The other comes next when"
              + " that cannot be booted.")
  private BootFrom bootFrom;

  @Option(
      names = "--ephemeral",
      description = "Throw away at the end what the guest wrote to its disks.")
  private boolean ephemeral;

  @Option(
      names = "--on-disk-full",
      paramLabel = "WHAT",
      defaultValue = "report",
      description =
          "What comes of writes while the host's file system is full: report, the guest sees an"
              + " error, as without this, or pause, they wait until there is space.")
  private WhenFull whenFull;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description =
          "Which machine of a guest with a disk: each keeps its own. Without this the guest's"
              + " name.")
  private String name;

  @Option(
      names = "--cloud-init",
      paramLabel = "SEED",
      description =
          "What cloud-init in the guest is to do at its first boot:"
              + " user-data=FILE[,meta-data=FILE][,network-config=FILE]")
  private String cloudInit;

  /** By the names that the option takes. */
  enum WhenFull {
    report,
    pause
  }

  private BlockBackend opened(BlockBackend image, Consumer<String> say) {
    return whenFull == WhenFull.report
        ? image
        : new PausedWhenFull(
            image,
            e ->
                say.accept(
                    e.path() + ": the host's disk is full; writes wait until there is space"));
  }

  boolean none() {
    return disks.isEmpty() && cdroms.isEmpty();
  }

  /** Empty when nothing was said. */
  Optional<BootFrom> bootFrom() {
    return Optional.ofNullable(bootFrom);
  }

  /**
   * Whether there is what to boot from first.
   *
   * @param guest whether there is a guest's disk besides those of the options
   * @throws BadInput when there is not
   */
  void checkBoot(boolean guest) {
    if (bootFrom == BootFrom.CDROM && cdroms.isEmpty()) {
      throw new BadInput("--boot cdrom needs a disc; add it with --cdrom FILE");
    }
    if (bootFrom == BootFrom.DISK && disks.isEmpty() && !guest) {
      throw new BadInput("--boot disk needs a disk; add it with --disk DISK");
    }
  }

  /** In front of those of the options. */
  void boot(Path disk) {
    disks.addFirst(DiskDescription.of(disk));
  }

  /**
   * The disk of a guest: the machine's own, or one for this run alone.
   *
   * @param say tells the user a line
   */
  Drive of(Recipe recipe, GuestCache cache, Path home, Closer held, Consumer<String> say)
      throws IOException {
    Supplier<Guest.Disk> newest = () -> (Guest.Disk) cache.guest(recipe);
    BlockBackend backend;
    if (ephemeral) {
      backend = Overlay.over(newest.get().image(), ImageFormat.QCOW2, home);
    } else {
      String machine = name == null ? recipe.name() : name;
      MachineFolder folder = MachineFolder.open(home, machine);
      held.hold(folder::close);
      backend = ImageFormat.QCOW2.open(folder.disk(recipe.name(), newest), false);
      if (!folder.isOver(cache.folder(recipe))) {
        say.accept(
            "machine '%s' is made from an older %s; --name NAME makes one from the newest"
                .formatted(machine, recipe.name()));
      }
    }
    return new Drive(opened(backend, say), Drive.Kind.VIRTIO_DISK, "");
  }

  /**
   * Those of the options.
   *
   * @param guest what the machine is called unless it has a name
   * @param say for what the user is to know while the machine runs
   */
  List<Drive> open(String guest, Path home, Consumer<String> say) throws IOException {
    List<Drive> drives = new ArrayList<>();
    for (DiskDescription disk : disks) {
      ImageFormat format = disk.knownFormat();
      DiskImage image =
          ephemeral && !disk.readOnly()
              ? Overlay.over(disk.file(), format, home)
              : format.open(disk.file(), disk.readOnly());
      if (disk.cache().bypassesCache()) {
        image
            .bypassCache()
            .forEach(
                file ->
                    say.accept(
                        file
                            + ": goes through the host's page cache, as its file system or format"
                            + " cannot do without"));
      }
      drives.add(disk.drive(opened(image, say)));
    }
    for (Path cdrom : cdroms) {
      drives.add(new Drive(ImageFormat.RAW.open(cdrom, true), Drive.Kind.IDE_CDROM, ""));
    }
    if (cloudInit != null) {
      byte[] seed = CloudSeed.parse(cloudInit, name == null ? guest : name).image();
      drives.add(new Drive(new MemoryDisc(ByteBuffer.wrap(seed)), Drive.Kind.VIRTIO_DISK, ""));
    }
    return drives;
  }

  /** Reads what stands after {@code --boot}. */
  static final class BootSource implements ITypeConverter<BootFrom> {
    @Override
    public BootFrom convert(String text) {
      return switch (text) {
        case "disk" -> BootFrom.DISK;
        case "cdrom" -> BootFrom.CDROM;
        default ->
            throw new TypeConversionException(
                "'" + text + "' is unknown; there are disk and cdrom");
      };
    }
  }
}
