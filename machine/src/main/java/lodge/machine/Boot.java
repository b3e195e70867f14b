package lodge.machine;

import lodge.machine.boot.FirmwareImage;
import lodge.machine.boot.KernelImage;

/** What a machine starts with. */
sealed interface Boot {
  /** A kernel that finds what firmware and boot loader would have left. */
  record Kernel(KernelImage image, byte[] initrd, String commandLine) implements Boot {}

  /** Firmware, which looks for something to boot itself. */
  record Firmware(FirmwareImage image) implements Boot {}
}
