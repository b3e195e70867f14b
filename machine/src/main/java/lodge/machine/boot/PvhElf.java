package lodge.machine.boot;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * An uncompressed ELF kernel with a PVH entry: a note named Xen of type XEN_ELFNOTE_PHYS32_ENTRY
 * holds the physical address at which it is entered in 32-bit protected mode (Xen
 * docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h).
 */
public final class PvhElf implements KernelImage {
  private static final int NOTE_HEADER = 12;
  private static final int XEN_NAME = 0x006E_6558;
  private static final int PHYS32_ENTRY = 18;

  private static final int START_MAGIC = 0x336E_C578;
  private static final int START_INFO_SIZE = 56;
  private static final int MODULE_SIZE = 32;
  private static final int MEMMAP_ENTRY_SIZE = 24;

  /** Linux cuts off what is longer. */
  private static final int COMMAND_LINE_LIMIT = 2047;

  private final String name;
  private final List<ElfFile.Segment> segments;
  private final long entry;
  private final long kernelEnd;

  private PvhElf(String name, List<ElfFile.Segment> segments, long entry) {
    this.name = name;
    this.segments = segments;
    this.entry = entry;
    this.kernelEnd = segments.getLast().end();
  }

  static PvhElf parse(String name, MemorySegment file) {
    if (ElfFile.is32Bit(file)) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "kernel "
              + name
              + ": it is a 32-bit kernel; a 64-bit (amd64) one or one with a Multiboot header is"
              + " needed");
    }
    ElfFile elf = ElfFile.parse(name, file);
    long entry = findEntry(name, elf.notes());
    List<ElfFile.Segment> segments = elf.segments(MemoryMap.HIGH_START);
    if (segments.stream().noneMatch(s -> entry >= s.address() && entry < s.end())) {
      throw elf.malformed(
          "its PVH entry 0x" + Long.toHexString(entry) + " is outside of its segments");
    }
    return new PvhElf(name, segments, entry);
  }

  private static long findEntry(String name, List<MemorySegment> notes) {
    for (MemorySegment segment : notes) {
      long entry = findEntry(segment);
      if (entry >= 0) {
        return entry;
      }
    }
    throw new MachineException(
        Kind.UNSUPPORTED,
        "kernel "
            + name
            + ": it has no PVH entry (an ELF note of type XEN_ELFNOTE_PHYS32_ENTRY, CONFIG_PVH)"
            + " and no Multiboot header");
  }

  /**
   * Walks through notes: name size, descriptor size, type, name and descriptor, both padded to 4
   * bytes.
   */
  private static long findEntry(MemorySegment notes) {
    long at = 0;
    while (at + NOTE_HEADER <= notes.byteSize()) {
      long nameSize = notes.get(GuestMemory.INT, at) & 0xFFFF_FFFFL;
      long descSize = notes.get(GuestMemory.INT, at + 4) & 0xFFFF_FFFFL;
      int type = notes.get(GuestMemory.INT, at + 8);
      long nameAt = at + NOTE_HEADER;
      long descAt = nameAt + (nameSize + 3 & ~3L);
      long next = descAt + (descSize + 3 & ~3L);
      if (descAt + descSize > notes.byteSize()) {
        return -1;
      }
      if (type == PHYS32_ENTRY
          && nameSize == 4
          && notes.get(GuestMemory.INT, nameAt) == XEN_NAME
          && descSize >= 4) {
        return notes.get(GuestMemory.INT, descAt) & 0xFFFF_FFFFL;
      }
      at = next;
    }
    return -1;
  }

  @Override
  public void check(MemoryMap map, long initrdLength, String commandLine) {
    Placement.commandLine(commandLine, COMMAND_LINE_LIMIT);
    Placement.checkKernelFits(name, map, kernelEnd);
    Placement.initrd(map, kernelEnd, Integer.MAX_VALUE, initrdLength);
  }

  @Override
  public void boot(
      GuestMemory memory, MemoryMap map, byte[] initrd, String commandLine, long rsdp, Cpu cpu) {
    check(map, initrd.length, commandLine);
    byte[] line = Placement.commandLine(commandLine, COMMAND_LINE_LIMIT);
    memory.put(Placement.COMMAND_LINE, line, 0, line.length);
    segments.forEach(segment -> segment.load(memory));
    long info = Placement.PARAMETERS;
    long module = info + START_INFO_SIZE;
    long memmap = module + MODULE_SIZE;
    memory.putInt(info, START_MAGIC);
    memory.putInt(info + 4, 1);
    memory.putLong(info + 24, Placement.COMMAND_LINE);
    memory.putLong(info + 32, rsdp);
    memory.putLong(info + 40, memmap);
    memory.putInt(info + 48, map.entries().size());
    if (initrd.length > 0) {
      long start = Placement.initrd(map, kernelEnd, Integer.MAX_VALUE, initrd.length);
      memory.put(start, initrd, 0, initrd.length);
      memory.putInt(info + 12, 1);
      memory.putLong(info + 16, module);
      memory.putLong(module, start);
      memory.putLong(module + 8, initrd.length);
    }
    for (MemoryMap.Entry range : map.entries()) {
      memory.putLong(memmap, range.start());
      memory.putLong(memmap + 8, range.length());
      memory.putInt(memmap + 16, range.type().code());
      memmap += MEMMAP_ENTRY_SIZE;
    }
    EntryState.protectedMode(memory, cpu, entry);
    cpu.r[Cpu.RBX] = info;
  }
}
