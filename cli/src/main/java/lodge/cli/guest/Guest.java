package lodge.cli.guest;

import java.nio.file.Path;

/** A guest that is ready to boot. */
public sealed interface Guest {
  /** Its recipe's name. */
  String name();

  /** RAM in bytes. */
  long memory();

  /**
   * One that a kernel and an initial RAM disk are.
   *
   * @param kernel the kernel image
   * @param initrd the initial RAM disk
   * @param append the kernel's command line
   */
  record RamDisk(String name, Path kernel, Path initrd, String append, long memory)
      implements Guest {}

  /**
   * One that boots from its disk.
   *
   * @param image a qcow2 image that is never written to: machines have overlays over it
   */
  record Disk(String name, Path image, long memory) implements Guest {}
}
