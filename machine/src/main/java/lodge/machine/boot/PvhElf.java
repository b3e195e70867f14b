package lodge.machine.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
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
  private static final int ELF_MAGIC = 0x464C_457F;
  private static final int CLASS = 4;
  private static final int DATA = 5;
  private static final int MACHINE = 18;
  private static final int PHOFF = 32;
  private static final int PHENTSIZE = 54;
  private static final int PHNUM = 56;
  private static final int EHDR_SIZE = 64;
  private static final int CLASS_64 = 2;
  private static final int LITTLE_ENDIAN = 1;
  private static final int EM_X86_64 = 62;
  private static final int EM_386 = 3;

  private static final int PHDR_SIZE = 56;
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;
  private static final int P_OFFSET = 8;
  private static final int P_PADDR = 24;
  private static final int P_FILESZ = 32;
  private static final int P_MEMSZ = 40;

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
  private final List<Segment> segments;
  private final long entry;
  private final long kernelEnd;

  /**
   * What is loaded at {@code address}; memory up to {@code end} is the kernel's and zero after the
   * content.
   */
  private record Segment(long address, long end, byte[] content) {}

  private PvhElf(String name, List<Segment> segments, long entry) {
    this.name = name;
    this.segments = segments;
    this.entry = entry;
    this.kernelEnd = segments.getLast().end;
  }

  static boolean looksLikeElf(MemorySegment file) {
    return file.byteSize() >= 4 && file.get(GuestMemory.INT, 0) == ELF_MAGIC;
  }

  static PvhElf parse(String name, MemorySegment file) {
    long size = file.byteSize();
    if (size < EHDR_SIZE) {
      throw truncated(name, size, EHDR_SIZE);
    }
    checkMachine(name, file);
    long phoff = file.get(GuestMemory.LONG, PHOFF);
    int phentsize = file.get(GuestMemory.SHORT, PHENTSIZE) & 0xFFFF;
    int phnum = file.get(GuestMemory.SHORT, PHNUM) & 0xFFFF;
    if (phentsize < PHDR_SIZE || phnum == 0) {
      throw malformed(name, "it has no program headers to load");
    }
    checkInFile(name, size, phoff, (long) phentsize * phnum);
    MemorySegment headers = file.asSlice(phoff, (long) phentsize * phnum);
    long entry = findEntry(name, file, headers, phentsize);
    List<Segment> segments = new ArrayList<>();
    long total = 0;
    for (long at = 0; at < headers.byteSize(); at += phentsize) {
      MemorySegment header = headers.asSlice(at, PHDR_SIZE);
      if (header.get(GuestMemory.INT, 0) == PT_LOAD && header.get(GuestMemory.LONG, P_MEMSZ) != 0) {
        Segment segment = segment(name, file, header);
        total += segment.content.length;
        if (total > size) {
          throw malformed(name, "its segments are larger than the file");
        }
        segments.add(segment);
      }
    }
    segments.sort(Comparator.comparingLong(Segment::address));
    checkSegments(name, segments, entry);
    return new PvhElf(name, segments, entry);
  }

  private static void checkMachine(String name, MemorySegment file) {
    int machine = file.get(GuestMemory.SHORT, MACHINE) & 0xFFFF;
    boolean wide = file.get(GuestMemory.BYTE, CLASS) == CLASS_64;
    if (!wide && machine == EM_386) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "kernel " + name + ": it is a 32-bit kernel; a 64-bit (amd64) one is needed");
    }
    if (!wide || file.get(GuestMemory.BYTE, DATA) != LITTLE_ENDIAN || machine != EM_X86_64) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "kernel "
              + name
              + ": it is an ELF file for another processor (machine "
              + machine
              + "), not for x86-64");
    }
  }

  private static Segment segment(String name, MemorySegment file, MemorySegment header) {
    long offset = header.get(GuestMemory.LONG, P_OFFSET);
    long address = header.get(GuestMemory.LONG, P_PADDR);
    long filesz = header.get(GuestMemory.LONG, P_FILESZ);
    long memsz = header.get(GuestMemory.LONG, P_MEMSZ);
    checkInFile(name, file.byteSize(), offset, filesz);
    if (memsz < filesz || filesz > Integer.MAX_VALUE - 16) {
      throw malformed(name, "a segment is larger in the file than in memory, or than 2G");
    }
    if (address < MemoryMap.HIGH_START
        || memsz < 0
        || address > GuestMemory.HIGH_RAM_START - memsz) {
      throw malformed(
          name,
          "a segment at physical address 0x"
              + Long.toHexString(address)
              + " is outside of 1M to 4G");
    }
    return new Segment(
        address, address + memsz, file.asSlice(offset, filesz).toArray(ValueLayout.JAVA_BYTE));
  }

  private static void checkSegments(String name, List<Segment> segments, long entry) {
    for (int i = 1; i < segments.size(); i++) {
      if (segments.get(i).address < segments.get(i - 1).end) {
        throw malformed(name, "its segments overlap");
      }
    }
    if (segments.stream().noneMatch(s -> entry >= s.address && entry < s.end)) {
      throw malformed(
          name, "its PVH entry 0x" + Long.toHexString(entry) + " is outside of its segments");
    }
  }

  private static long findEntry(
      String name, MemorySegment file, MemorySegment headers, int phentsize) {
    for (long at = 0; at < headers.byteSize(); at += phentsize) {
      if (headers.get(GuestMemory.INT, at) == PT_NOTE) {
        long offset = headers.get(GuestMemory.LONG, at + P_OFFSET);
        long filesz = headers.get(GuestMemory.LONG, at + P_FILESZ);
        checkInFile(name, file.byteSize(), offset, filesz);
        long entry = findEntry(file.asSlice(offset, filesz));
        if (entry >= 0) {
          return entry;
        }
      }
    }
    throw new MachineException(
        Kind.UNSUPPORTED,
        "kernel "
            + name
            + ": it has no PVH entry (an ELF note of type XEN_ELFNOTE_PHYS32_ENTRY, CONFIG_PVH)");
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

  private static void checkInFile(String name, long size, long offset, long length) {
    if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
      throw malformed(name, "a header points out of the file");
    }
    if (offset + length > size) {
      throw truncated(name, size, offset + length);
    }
  }

  private static MachineException truncated(String name, long size, long needed) {
    return new MachineException(
        Kind.TRUNCATED,
        "kernel "
            + name
            + ": is truncated: the file has "
            + size
            + " bytes, its headers need "
            + needed);
  }

  private static MachineException malformed(String name, String what) {
    return new MachineException(
        Kind.NOT_A_KERNEL, "kernel " + name + ": is no bootable ELF file: " + what);
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
    for (Segment segment : segments) {
      memory.put(segment.address, segment.content, 0, segment.content.length);
    }
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
