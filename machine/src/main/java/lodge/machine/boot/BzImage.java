package lodge.machine.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * A Linux kernel that boots by the 64-bit boot protocol (Linux Documentation/arch/x86/boot.rst and
 * zero-page.rst).
 *
 * <p>The file is: a boot sector, {@code setup_sects} sectors of real-mode code that nobody runs
 * here, and the 64-bit kernel with its decompressor, which is entered 0x200 bytes after its start.
 */
public final class BzImage implements KernelImage {
  private static final int SECTOR = 512;

  // The setup header; offsets into the file and into the zero page alike.
  private static final int SETUP_SECTS = 0x1F1;
  private static final int SYSSIZE = 0x1F4;
  private static final int BOOT_FLAG = 0x1FE;
  private static final int JUMP_LENGTH = 0x201;
  private static final int HEADER = 0x202;
  private static final int VERSION = 0x206;
  private static final int TYPE_OF_LOADER = 0x210;
  private static final int LOADFLAGS = 0x211;
  private static final int CODE32_START = 0x214;
  private static final int RAMDISK_IMAGE = 0x218;
  private static final int RAMDISK_SIZE = 0x21C;
  private static final int CMD_LINE_PTR = 0x228;
  private static final int INITRD_ADDR_MAX = 0x22C;
  private static final int RELOCATABLE_KERNEL = 0x234;
  private static final int XLOADFLAGS = 0x236;
  private static final int CMDLINE_SIZE = 0x238;
  private static final int PREF_ADDRESS = 0x258;
  private static final int INIT_SIZE = 0x260;

  /** End of the header that protocol 2.12 has. */
  private static final int HEADER_END = 0x268;

  /** The header's greatest end: its length is one byte, counted from 0x202. */
  private static final int HEADER_LIMIT = 0x202 + 0xFF;

  // Further fields of the zero page.
  private static final int ACPI_RSDP_ADDR = 0x070;
  private static final int E820_ENTRIES = 0x1E8;
  private static final int E820_TABLE = 0x2D0;

  private static final int HDRS = 0x5372_6448;
  private static final int LOADED_HIGH = 1;
  private static final int XLF_KERNEL_64 = 1;
  private static final int LOADER_UNDEFINED = 0xFF;
  private static final int ENTRY_64 = 0x200;
  private static final int PROTOCOL_2_12 = 0x020C;

  private final String name;
  private final byte[] header;
  private final byte[] kernel;
  private final long loadAddress;
  private final long kernelEnd;

  private BzImage(String name, byte[] header, byte[] kernel, long loadAddress, long kernelEnd) {
    this.name = name;
    this.header = header;
    this.kernel = kernel;
    this.loadAddress = loadAddress;
    this.kernelEnd = kernelEnd;
  }

  static boolean looksLikeBzImage(MemorySegment file) {
    return file.byteSize() >= VERSION
        && (file.get(GuestMemory.SHORT, BOOT_FLAG) & 0xFFFF) == 0xAA55
        && file.get(GuestMemory.INT, HEADER) == HDRS;
  }

  static BzImage parse(String name, MemorySegment file) {
    long size = file.byteSize();
    if (size < VERSION + 2) {
      throw truncated(name, size, "its setup header alone needs " + HEADER_END);
    }
    int version = file.get(GuestMemory.SHORT, VERSION) & 0xFFFF;
    if (version < PROTOCOL_2_12) {
      throw unsupported(
          name,
          "its boot protocol %d.%02d has no 64-bit entry; a 64-bit Linux 3.8 or newer is needed"
              .formatted(version >> 8, version & 0xFF));
    }
    if (size < HEADER_LIMIT) {
      throw truncated(name, size, "its setup header alone needs " + HEADER_LIMIT);
    }
    if ((file.get(GuestMemory.BYTE, LOADFLAGS) & LOADED_HIGH) == 0) {
      throw unsupported(name, "it is a zImage that loads below 1M; a bzImage is needed");
    }
    if ((file.get(GuestMemory.SHORT, XLOADFLAGS) & XLF_KERNEL_64) == 0) {
      throw unsupported(name, "it is a 32-bit kernel; a 64-bit (amd64) one is needed");
    }
    int setupSects = file.get(GuestMemory.BYTE, SETUP_SECTS) & 0xFF;
    long kernelStart = (setupSects == 0 ? 5L : setupSects + 1L) * SECTOR;
    long kernelSize = (file.get(GuestMemory.INT, SYSSIZE) & 0xFFFF_FFFFL) * 16;
    if (kernelSize <= ENTRY_64) {
      throw new MachineException(
          Kind.NOT_A_KERNEL,
          "kernel " + name + ": its setup header claims an empty kernel (syssize)");
    }
    if (size < kernelStart + kernelSize) {
      throw truncated(name, size, "its header says " + (kernelStart + kernelSize));
    }
    if (kernelSize > Integer.MAX_VALUE - 16) {
      throw new MachineException(
          Kind.DOES_NOT_FIT,
          "kernel " + name + ": is longer than " + Placement.size(Integer.MAX_VALUE));
    }
    // What stands in the zero page after the header must be zero, so only the header itself is
    // copied.
    int headerEnd = HEADER + (file.get(GuestMemory.BYTE, JUMP_LENGTH) & 0xFF);
    byte[] header =
        file.asSlice(SETUP_SECTS, Math.max(headerEnd, HEADER_END) - SETUP_SECTS)
            .toArray(ValueLayout.JAVA_BYTE);
    byte[] kernel = file.asSlice(kernelStart, kernelSize).toArray(ValueLayout.JAVA_BYTE);
    long preferred = file.get(GuestMemory.LONG, PREF_ADDRESS);
    boolean relocatable = file.get(GuestMemory.BYTE, RELOCATABLE_KERNEL) != 0;
    long initSize = file.get(GuestMemory.INT, INIT_SIZE) & 0xFFFF_FFFFL;
    if (preferred < MemoryMap.HIGH_START || preferred >= GuestMemory.HIGH_RAM_START) {
      throw new MachineException(
          Kind.NOT_A_KERNEL,
          "kernel "
              + name
              + ": its preferred address 0x"
              + Long.toHexString(preferred)
              + " is out of range");
    }
    // A kernel that cannot be relocated is loaded at 1 MiB and moves itself to its preferred
    // address.
    long load = relocatable ? preferred : MemoryMap.HIGH_START;
    long end = Math.max(load + kernelSize, preferred + initSize);
    return new BzImage(name, header, kernel, load, end);
  }

  private static MachineException truncated(String name, long size, String expected) {
    return new MachineException(
        Kind.TRUNCATED,
        "kernel " + name + ": is truncated: the file has " + size + " bytes, " + expected);
  }

  private static MachineException unsupported(String name, String reason) {
    return new MachineException(Kind.UNSUPPORTED, "kernel " + name + ": " + reason);
  }

  private long initrdAddressMax() {
    return MemorySegment.ofArray(header).get(GuestMemory.INT, INITRD_ADDR_MAX - SETUP_SECTS)
        & 0xFFFF_FFFFL;
  }

  private long commandLineLimit() {
    return MemorySegment.ofArray(header).get(GuestMemory.INT, CMDLINE_SIZE - SETUP_SECTS)
        & 0xFFFF_FFFFL;
  }

  @Override
  public void check(MemoryMap map, long initrdLength, String commandLine) {
    Placement.commandLine(commandLine, commandLineLimit());
    Placement.checkKernelFits(name, map, kernelEnd);
    Placement.initrd(map, kernelEnd, initrdAddressMax(), initrdLength);
  }

  @Override
  public void boot(
      GuestMemory memory, MemoryMap map, byte[] initrd, String commandLine, long rsdp, Cpu cpu) {
    check(map, initrd.length, commandLine);
    byte[] line = Placement.commandLine(commandLine, commandLineLimit());
    memory.put(Placement.COMMAND_LINE, line, 0, line.length);
    memory.put(loadAddress, kernel, 0, kernel.length);
    long zeroPage = Placement.PARAMETERS;
    memory.put(zeroPage + SETUP_SECTS, header, 0, header.length);
    memory.putByte(zeroPage + TYPE_OF_LOADER, (byte) LOADER_UNDEFINED);
    memory.putInt(zeroPage + CODE32_START, (int) loadAddress);
    memory.putInt(zeroPage + CMD_LINE_PTR, (int) Placement.COMMAND_LINE);
    memory.putLong(zeroPage + ACPI_RSDP_ADDR, rsdp);
    if (initrd.length > 0) {
      long start = Placement.initrd(map, kernelEnd, initrdAddressMax(), initrd.length);
      memory.put(start, initrd, 0, initrd.length);
      memory.putInt(zeroPage + RAMDISK_IMAGE, (int) start);
      memory.putInt(zeroPage + RAMDISK_SIZE, initrd.length);
    }
    memory.putByte(zeroPage + E820_ENTRIES, (byte) map.entries().size());
    long entry = zeroPage + E820_TABLE;
    for (MemoryMap.Entry range : map.entries()) {
      memory.putLong(entry, range.start());
      memory.putLong(entry + 8, range.length());
      memory.putInt(entry + 16, range.type().code());
      entry += 20;
    }
    EntryState.longMode(memory, cpu, loadAddress + ENTRY_64);
    cpu.r[Cpu.RSI] = zeroPage;
  }
}
