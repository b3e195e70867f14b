package lodge.machine.boot;

import java.nio.charset.StandardCharsets;
import lodge.core.GuestMemory;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * Where the things that a boot protocol hands over are put, and whether they fit. Addresses are
 * guest-physical.
 */
final class Placement {
  /** Everything below is Lodge's own: tables in the first 64 KiB, the command line at 128 KiB. */
  static final long GDT = 0x1000;

  static final long PARAMETERS = 0x2000;
  static final long STACK_TOP = 0x8000;
  static final long PAGE_TABLES = 0x9000;
  static final long COMMAND_LINE = 0x2_0000;

  /** Descriptor table of Multiboot kernels, at the end of the firmware area. */
  static final long MULTIBOOT_GDT = MemoryMap.FIRMWARE_END - 0x40;

  /** Most bytes the command line's place takes, its final zero included. */
  static final int COMMAND_LINE_ROOM = 0x1_0000;

  private Placement() {}

  /**
   * The highest page-aligned place for the initial RAM disk.
   *
   * @param kernelEnd end of what the kernel needs for itself
   * @param addressMax the last address that the kernel allows the RAM disk's last byte to have
   */
  static long initrd(MemoryMap map, long kernelEnd, long addressMax, long length) {
    long end = Math.min(map.lowRamEnd(), addressMax + 1);
    long start = end - length & -GuestMemory.PAGE_SIZE;
    if (length > end || start < kernelEnd) {
      long room = Math.max(0, (end & -GuestMemory.PAGE_SIZE) - pageUp(kernelEnd));
      throw new MachineException(
          Kind.DOES_NOT_FIT,
          "initrd of "
              + size(length)
              + " does not fit: between the kernel and "
              + (end == map.lowRamEnd()
                  ? "the end of memory"
                  : "the kernel's limit at " + size(end))
              + " there is room for "
              + size(room)
              + (end == map.lowRamEnd() ? "; give the machine more memory" : ""));
    }
    return start;
  }

  static byte[] commandLine(String commandLine, long limit) {
    byte[] bytes = commandLine.getBytes(StandardCharsets.UTF_8);
    long most = Math.min(limit, COMMAND_LINE_ROOM - 1);
    if (bytes.length > most) {
      throw new MachineException(
          Kind.DOES_NOT_FIT,
          "command line of "
              + bytes.length
              + " bytes is too long: this kernel takes at most "
              + most);
    }
    if (commandLine.indexOf('\0') >= 0) {
      throw new MachineException(Kind.INVALID, "command line must not contain a zero byte");
    }
    return bytes;
  }

  static void checkKernelFits(String name, MemoryMap map, long kernelEnd) {
    if (kernelEnd > map.lowRamEnd()) {
      throw new MachineException(
          Kind.DOES_NOT_FIT,
          "kernel "
              + name
              + ": does not fit into "
              + size(map.lowRamEnd())
              + " of memory: needs memory up to "
              + size(kernelEnd));
    }
  }

  static long pageUp(long value) {
    return value + GuestMemory.PAGE_SIZE - 1 & -GuestMemory.PAGE_SIZE;
  }

  /** Bytes as people read them; rounded up to whole MiB above 1 MiB. */
  static String size(long bytes) {
    return bytes < 1 << 20 ? bytes + " bytes" : (bytes + (1 << 20) - 1 >> 20) + "M";
  }
}
