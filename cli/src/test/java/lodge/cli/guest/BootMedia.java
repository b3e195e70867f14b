package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Disks and discs from which GRUB boots a guest that is a kernel and an initial RAM disk. */
public final class BootMedia {
  private static final List<String> MODULES =
      List.of("biosdisk", "normal", "linux", "serial", "terminal", "echo", "boot");

  private static final long DISK_SIZE = 32L << 20;

  /** What this is made with, and the packages. */
  private static final Map<String, String> TOOLS =
      Map.of(
          "/usr/bin/grub-mkimage",
          "grub-common",
          BuildTools.GRUB.resolve("boot.img").toString(),
          "grub-pc-bin",
          "/usr/sbin/mke2fs",
          "e2fsprogs",
          "/usr/bin/xorriso",
          "xorriso",
          "/usr/share/seabios/bios-256k.bin",
          "seabios");

  private final Path folder;
  private final Path files;

  /**
   * @param folder an empty one to work in
   * @param append added to the kernel's command line
   */
  public BootMedia(Path folder, Guest.RamDisk guest, String append) throws IOException {
    this.folder = folder;
    files = folder.resolve("files");
    Files.createDirectories(files.resolve("boot/grub"));
    Files.copy(guest.kernel(), files.resolve("vmlinuz"));
    Files.copy(guest.initrd(), files.resolve("initrd"));
    Files.write(files.resolve("session"), GuestSession.shell("dumb", 24, 80));
    Files.writeString(
        files.resolve("boot/grub/grub.cfg"),
        """
        serial --unit=0 --speed=115200
        terminal_input serial
        terminal_output serial
        echo "GRUB has started from $root"
        linux /vmlinuz %s %s
        initrd /initrd /session
        boot
        """
            .formatted(guest.append(), append));
  }

  /** The packages without which nothing can be made here, or nothing boots from it. */
  public static List<String> missing() {
    return TOOLS.entrySet().stream()
        .filter(tool -> !Files.exists(Path.of(tool.getKey())))
        .map(Map.Entry::getValue)
        .toList();
  }

  /** A hard disk in qcow2 with one partition, of ext2. */
  public Path disk() throws IOException {
    loader("core.img", "i386-pc", "(hd0,msdos1)", "part_msdos", "ext2");
    run(
        "mke2fs",
        "-q",
        "-t",
        "ext2",
        "-d",
        files.toString(),
        "root.ext2",
        ((DISK_SIZE - BootDisk.PARTITION) >> 10) + "k");
    Path image = folder.resolve("disk.qcow2");
    BootDisk.write(
        image,
        DISK_SIZE,
        BuildTools.GRUB.resolve("boot.img"),
        folder.resolve("core.img"),
        folder.resolve("root.ext2"));
    return image;
  }

  /** A disc as of ISO 9660 and El Torito. */
  public Path disc() throws IOException {
    loader("files/boot/grub/eltorito.img", "i386-pc-eltorito", "(cd)", "iso9660");
    Path image = folder.resolve("disc.iso");
    run(
        "xorriso",
        "-as",
        "mkisofs",
        "-quiet",
        "-R",
        "-b",
        "boot/grub/eltorito.img",
        "-no-emul-boot",
        "-boot-load-size",
        "4",
        "-boot-info-table",
        "-o",
        image.toString(),
        files.toString());
    return image;
  }

  private void loader(String image, String format, String device, String... modules)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "grub-mkimage",
                "--directory=" + BuildTools.GRUB,
                "--format=" + format,
                "--output=" + image,
                "--prefix=" + device + "/boot/grub"));
    command.addAll(MODULES);
    command.addAll(List.of(modules));
    run(command.toArray(String[]::new));
  }

  private void run(String... command) throws IOException {
    Tool.Result result = Tool.run(folder, List.of(command));
    if (!result.ok()) {
      throw new IOException(command[0] + " failed: " + result.errors());
    }
  }
}
