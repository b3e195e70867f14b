package lodge.machine.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * A kernel with a Multiboot header (Multiboot specification 0.6.96): an ELF file of class 32 or 64,
 * or any file whose header says itself where it goes. It is entered in 32-bit protected mode
 * without paging.
 *
 * <p>As under QEMU, the command line begins with the kernel file's name, and the one module, the
 * initial RAM disk, follows the kernel in memory.
 */
public final class MultibootImage implements KernelImage {
  /** The header lies in this many first bytes of the file, at a multiple of 4. */
  private static final int SEARCHED = 8192;

  private static final int HEADER_MAGIC = 0x1BAD_B002;
  private static final int HEADER_SIZE = 12;
  private static final int HEADER_WITH_ADDRESSES = 32;

  // Offsets in the header
  private static final int FLAGS = 4;
  private static final int CHECKSUM = 8;
  private static final int HEADER_ADDR = 12;
  private static final int LOAD_ADDR = 16;
  private static final int LOAD_END_ADDR = 20;
  private static final int BSS_END_ADDR = 24;
  private static final int ENTRY_ADDR = 28;

  // Header flags. Bits 15:0 are demands. Modules are always page-aligned and memory always told; a
  // kernel that would like a video mode gets none and hears so in the information's flags.
  private static final int PAGE_ALIGN = 1;
  private static final int MEMORY_INFO = 1 << 1;
  private static final int VIDEO_MODE = 1 << 2;
  private static final int DEMANDS = 0xFFFF;
  private static final int ADDRESSES = 1 << 16;

  private static final int LOADER_MAGIC = 0x2BAD_B002;

  /**
   * Where the information goes if the kernel leaves room there: places that other boot loaders use,
   * above the vectors, the BIOS data area and what Lodge keeps low, below the extended data area.
   */
  private static final long[] INFO_PLACES = {0x9000, 0x6_0000};

  private final String name;
  private final List<ElfFile.Segment> segments;
  private final long entry;

  private MultibootImage(String name, List<ElfFile.Segment> segments, long entry) {
    this.name = name;
    this.segments = segments;
    this.entry = entry;
  }

  /** The offset of the header, if there is one. */
  static OptionalLong findHeader(MemorySegment file) {
    long end = Math.min(SEARCHED, file.byteSize());
    for (long at = 0; at + HEADER_SIZE <= end; at += 4) {
      if (file.get(GuestMemory.INT, at) == HEADER_MAGIC
          && HEADER_MAGIC
                  + file.get(GuestMemory.INT, at + FLAGS)
                  + file.get(GuestMemory.INT, at + CHECKSUM)
              == 0) {
        return OptionalLong.of(at);
      }
    }
    return OptionalLong.empty();
  }

  static MultibootImage parse(String name, MemorySegment file, long header) {
    int flags = file.get(GuestMemory.INT, header + FLAGS);
    int unknown = flags & DEMANDS & ~(PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE);
    if (unknown != 0) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "kernel "
              + name
              + ": its Multiboot header demands what no boot loader knows (flags 0x"
              + Integer.toHexString(unknown)
              + ")");
    }
    if ((flags & ADDRESSES) != 0) {
      return withAddresses(name, file, header);
    }
    if (!ElfFile.looksLikeElf(file)) {
      throw malformed(name, "it is no ELF file, and its header does not say where it is loaded");
    }
    ElfFile elf = ElfFile.parse(name, file);
    return of(name, elf.segments(0), elf.physicalEntry());
  }

  /** The header's own addresses, which come before those of ELF headers (3.1.3). */
  private static MultibootImage withAddresses(String name, MemorySegment file, long header) {
    long size = file.byteSize();
    if (size < header + HEADER_WITH_ADDRESSES) {
      throw truncated(name, size, header + HEADER_WITH_ADDRESSES);
    }
    long headerAddress = word(file, header + HEADER_ADDR);
    long load = word(file, header + LOAD_ADDR);
    long loadEnd = word(file, header + LOAD_END_ADDR);
    long bssEnd = word(file, header + BSS_END_ADDR);
    long before = headerAddress - load;
    if (before < 0 || before > header) {
      throw malformed(name, "its load address does not fit to that of its header");
    }
    long start = header - before;
    long length = loadEnd == 0 ? size - start : loadEnd - load;
    if (length < 0 || bssEnd != 0 && bssEnd < load + length) {
      throw malformed(name, "the addresses in its header are not in ascending order");
    }
    if (start + length > size) {
      throw truncated(name, size, start + length);
    }
    if (length > Integer.MAX_VALUE - 16) {
      throw malformed(name, "it is larger than 2G");
    }
    byte[] content = file.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE);
    long end = bssEnd == 0 ? load + length : bssEnd;
    return of(
        name, List.of(new ElfFile.Segment(load, end, content)), word(file, header + ENTRY_ADDR));
  }

  private static long word(MemorySegment file, long at) {
    return file.get(GuestMemory.INT, at) & 0xFFFF_FFFFL;
  }

  private static MultibootImage of(String name, List<ElfFile.Segment> segments, long entry) {
    if (segments.stream().noneMatch(s -> entry >= s.address() && entry < s.end())) {
      throw malformed(
          name, "its entry 0x" + Long.toHexString(entry) + " is outside of what is loaded");
    }
    for (ElfFile.Segment segment : segments) {
      if (segment.address() < MemoryMap.HIGH_START && segment.end() > MemoryMap.LOW_END) {
        throw malformed(
            name,
            "what is loaded at 0x"
                + Long.toHexString(segment.address())
                + " reaches into video memory and firmware");
      }
    }
    return new MultibootImage(name, segments, entry);
  }

  private static MachineException malformed(String name, String what) {
    return new MachineException(
        Kind.NOT_A_KERNEL, "kernel " + name + ": is no bootable Multiboot image: " + what);
  }

  private static MachineException truncated(String name, long size, long needed) {
    return new MachineException(
        Kind.TRUNCATED,
        "kernel "
            + name
            + ": is truncated: the file has "
            + size
            + " bytes, its Multiboot header needs "
            + needed);
  }

  @Override
  public String defaultCommandLine() {
    return "";
  }

  @Override
  public void check(MemoryMap map, long initrdLength, String commandLine) {
    Placement.checkKernelFits(name, map, kernelEnd());
    byte[] line = Placement.commandLine(withName(commandLine), Placement.COMMAND_LINE_ROOM);
    MultibootInfo info = new MultibootInfo(map, line, initrdLength);
    long room = map.lowRamEnd() - moduleStart(place(info), info);
    if (initrdLength > Math.max(room, 0)) {
      throw new MachineException(
          Kind.DOES_NOT_FIT,
          "initrd of "
              + Placement.size(initrdLength)
              + " does not fit: between the kernel and the end of memory there is room for "
              + Placement.size(Math.max(room, 0))
              + "; give the machine more memory");
    }
  }

  @Override
  public void boot(
      GuestMemory memory, MemoryMap map, byte[] initrd, String commandLine, long rsdp, Cpu cpu) {
    check(map, initrd.length, commandLine);
    segments.forEach(segment -> segment.load(memory));
    byte[] line = withName(commandLine).getBytes(StandardCharsets.UTF_8);
    MultibootInfo info = new MultibootInfo(map, line, initrd.length);
    long address = place(info);
    long module = moduleStart(address, info);
    info.write(memory, address, module);
    memory.put(module, initrd, 0, initrd.length);
    EntryState.multiboot(memory, cpu, entry);
    cpu.r[Cpu.RAX] = LOADER_MAGIC;
    cpu.r[Cpu.RBX] = address;
  }

  private String withName(String commandLine) {
    return commandLine.isEmpty() ? name : name + " " + commandLine;
  }

  private long kernelEnd() {
    return Math.max(segments.getLast().end(), MemoryMap.HIGH_START);
  }

  /** A place that the kernel leaves free: behind it if there is no other. */
  private long place(MultibootInfo info) {
    for (long address : INFO_PLACES) {
      long end = address + info.length();
      if (end <= MemoryMap.LOW_END
          && segments.stream().allMatch(s -> end <= s.address() || address >= s.end())) {
        return address;
      }
    }
    return Placement.pageUp(kernelEnd());
  }

  private long moduleStart(long address, MultibootInfo info) {
    return Placement.pageUp(Math.max(kernelEnd(), address + info.length()));
  }
}
