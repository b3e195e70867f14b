package lodge.machine.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lodge.core.GuestMemory;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * An executable for x86 in the Executable and Linkable Format, of class 32 or 64 (System V ABI,
 * chapters 4 and 5): its headers, checked against the file's length.
 */
final class ElfFile {
  private static final int EM_386 = 3;
  private static final int EM_X86_64 = 62;
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;
  private static final int ELF_MAGIC = 0x464C_457F;
  private static final int CLASS = 4;
  private static final int DATA = 5;
  private static final int MACHINE = 18;
  private static final int ENTRY = 24;
  private static final int CLASS_32 = 1;
  private static final int CLASS_64 = 2;
  private static final int LITTLE_ENDIAN = 1;

  private final String name;
  private final MemorySegment file;
  private final boolean wide;
  private final List<Header> headers = new ArrayList<>();

  /** A program header; {@code offset} and {@code filesz} are inside the file. */
  record Header(int type, long offset, long vaddr, long paddr, long filesz, long memsz) {}

  /**
   * What is loaded at {@code address}; memory up to {@code end} is the kernel's and zero after the
   * content.
   */
  record Segment(long address, long end, byte[] content) {
    void load(GuestMemory memory) {
      memory.put(address, content, 0, content.length);
    }
  }

  private ElfFile(String name, MemorySegment file) {
    this.name = name;
    this.file = file;
    this.wide = hasClass(file, CLASS_64);
  }

  static boolean looksLikeElf(MemorySegment file) {
    return file.byteSize() >= 4 && file.get(GuestMemory.INT, 0) == ELF_MAGIC;
  }

  /** Whether the file says that it is of class 32. */
  static boolean is32Bit(MemorySegment file) {
    return hasClass(file, CLASS_32);
  }

  private static boolean hasClass(MemorySegment file, int wanted) {
    return file.byteSize() > CLASS && file.get(GuestMemory.BYTE, CLASS) == wanted;
  }

  /**
   * Reads the headers.
   *
   * @throws MachineException when they are not those of an x86 executable or point out of the file
   */
  static ElfFile parse(String name, MemorySegment file) {
    ElfFile elf = new ElfFile(name, file);
    int headerSize = elf.wide ? 64 : 52;
    if (file.byteSize() < headerSize) {
      throw elf.truncated(headerSize);
    }
    elf.checkMachine();
    elf.readHeaders();
    return elf;
  }

  private void checkMachine() {
    boolean narrow = is32Bit(file);
    boolean x86 = machine() == EM_X86_64 || machine() == EM_386 && narrow;
    if (!x86 || !wide && !narrow || file.get(GuestMemory.BYTE, DATA) != LITTLE_ENDIAN) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "kernel "
              + name
              + ": it is an ELF file for another processor (machine "
              + machine()
              + "), not for x86-64");
    }
  }

  private void readHeaders() {
    long phoff = word(wide ? 32 : 28);
    int phentsize = file.get(GuestMemory.SHORT, wide ? 54 : 42) & 0xFFFF;
    int phnum = file.get(GuestMemory.SHORT, wide ? 56 : 44) & 0xFFFF;
    if (phentsize < (wide ? 56 : 32) || phnum == 0) {
      throw malformed("it has no program headers to load");
    }
    checkInFile(phoff, (long) phentsize * phnum);
    for (int i = 0; i < phnum; i++) {
      long at = phoff + (long) i * phentsize;
      int type = file.get(GuestMemory.INT, at);
      Header header =
          wide
              ? new Header(
                  type, word(at + 8), word(at + 16), word(at + 24), word(at + 32), word(at + 40))
              : new Header(
                  type, word(at + 4), word(at + 8), word(at + 12), word(at + 16), word(at + 20));
      if (type == PT_LOAD && header.memsz != 0 || type == PT_NOTE) {
        checkInFile(header.offset, header.filesz);
        headers.add(header);
      }
    }
  }

  /** A number of the class's width. */
  private long word(long at) {
    return wide ? file.get(GuestMemory.LONG, at) : file.get(GuestMemory.INT, at) & 0xFFFF_FFFFL;
  }

  private int machine() {
    return file.get(GuestMemory.SHORT, MACHINE) & 0xFFFF;
  }

  /**
   * The physical address of the entry: where the segment is loaded whose virtual addresses hold it,
   * or else the entry as it stands.
   */
  long physicalEntry() {
    long entry = word(ENTRY);
    for (Header header : headers) {
      if (header.type == PT_LOAD && Long.compareUnsigned(entry - header.vaddr, header.memsz) < 0) {
        return entry - header.vaddr + header.paddr;
      }
    }
    return entry;
  }

  /** The contents of the note segments. */
  List<MemorySegment> notes() {
    return headers.stream()
        .filter(header -> header.type == PT_NOTE)
        .map(header -> file.asSlice(header.offset, header.filesz))
        .toList();
  }

  /**
   * What is loaded, in ascending order, at physical addresses.
   *
   * @param lowest address that a segment may have
   * @throws MachineException when they overlap, or one is not between there and 4 GiB
   */
  List<Segment> segments(long lowest) {
    List<Segment> segments = new ArrayList<>();
    long total = 0;
    for (Header header : headers) {
      if (header.type == PT_LOAD) {
        Segment segment = segment(header, lowest);
        total += segment.content.length;
        if (total > file.byteSize()) {
          throw malformed("its segments are larger than the file");
        }
        segments.add(segment);
      }
    }
    segments.sort(Comparator.comparingLong(Segment::address));
    for (int i = 1; i < segments.size(); i++) {
      if (segments.get(i).address < segments.get(i - 1).end) {
        throw malformed("its segments overlap");
      }
    }
    return segments;
  }

  private Segment segment(Header header, long lowest) {
    if (header.memsz < header.filesz || header.filesz > Integer.MAX_VALUE - 16) {
      throw malformed("a segment is larger in the file than in memory, or than 2G");
    }
    if (header.paddr < lowest
        || header.memsz < 0
        || header.paddr > GuestMemory.HIGH_RAM_START - header.memsz) {
      throw malformed(
          "a segment at physical address 0x"
              + Long.toHexString(header.paddr)
              + " is outside of "
              + (lowest == 0 ? "0" : Placement.size(lowest))
              + " to 4G");
    }
    byte[] content = file.asSlice(header.offset, header.filesz).toArray(ValueLayout.JAVA_BYTE);
    return new Segment(header.paddr, header.paddr + header.memsz, content);
  }

  private void checkInFile(long offset, long length) {
    if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
      throw malformed("a header points out of the file");
    }
    if (offset + length > file.byteSize()) {
      throw truncated(offset + length);
    }
  }

  private MachineException truncated(long needed) {
    return new MachineException(
        Kind.TRUNCATED,
        "kernel "
            + name
            + ": is truncated: the file has "
            + file.byteSize()
            + " bytes, its headers need "
            + needed);
  }

  MachineException malformed(String what) {
    return new MachineException(
        Kind.NOT_A_KERNEL, "kernel " + name + ": is no bootable ELF file: " + what);
  }
}
