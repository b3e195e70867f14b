package lodge.cpu.x86;

import java.util.Arrays;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;

/**
 * Guest-virtual memory as the current privilege sees it: a software TLB in front of the page walk.
 *
 * <p>Direct-mapped; an entry is four longs side by side: tag for reads, tag for writes, the page
 * walk's leaf flags, and the addend that turns a GVA into a GPA. There is one table for each set of
 * rights, so privilege needs no test: user, supervisor, and supervisor with RFLAGS.AC (SMAP open).
 * A tag is the page's GVA, {@link #INVALID} when that kind of access has to take the slow path: not
 * mapped, not allowed, no RAM, or (writes) a page that holds decoded code or whose dirty bit is
 * clear.
 *
 * <p>An access that crosses a page fails the tag compare by itself: its last byte selects a tag of
 * the next slot.
 */
public final class Mmu {
  static final int ENTRIES = 1024;
  private static final int ENTRY_LONGS = 4;
  private static final int INDEX_MASK = (ENTRIES - 1) * ENTRY_LONGS;
  private static final long PAGE_MASK = ~0xFFFL;
  private static final long INVALID = 1;
  private static final int READ_TAG = 0;
  private static final int WRITE_TAG = 1;
  private static final int LEAF = 2;
  private static final int ADDEND = 3;

  private static final int USER = 0;
  private static final int SUPERVISOR = 1;
  private static final int SUPERVISOR_AC = 2;

  /**
   * User rights with alignment checks: a table that stays empty, so that all accesses take the slow
   * path.
   */
  private static final int USER_ALIGNED = 3;

  /** Kinds of access for {@link PageWalk}. */
  static final int READ = 0;

  static final int WRITE = 1;
  static final int EXECUTE = 2;

  /** Told when a store or DMA hits a page that holds decoded or translated code. */
  public interface CodeListener {
    /**
     * @param length bytes from {@code gpa} on, within one page
     */
    void codeWritten(long gpa, int length);

    /**
     * Virtual-to-physical links that are older than this call are void.
     *
     * @param globals those of global pages, too
     */
    void translationsFlushed(boolean globals);

    /** The translation of one page is void. */
    void translationFlushed(long gva);
  }

  private final Cpu cpu;
  private final GuestMemory memory;
  private final MmioBus mmio;
  private final byte[] pageFlags;
  private final PageWalk walk;
  private final long[][] tables = new long[4][ENTRIES * ENTRY_LONGS];
  private int rights = SUPERVISOR;
  private long[] tlb = tables[SUPERVISOR];

  /** CR0.AM and RFLAGS.AC are set at CPL 3: unaligned accesses raise #AC. */
  private boolean aligned;

  /**
   * Where translations of large pages are cached: a bit for each 512 GiB of bits 47:39 of the GVA.
   * INVLPG cannot tell which slots a large page fills.
   */
  private final long[] largePages = new long[8];

  private CodeListener codeListener;

  public long tlbMisses;
  public long mmioReads;
  public long mmioWrites;

  Mmu(Cpu cpu, GuestMemory memory, MmioBus mmio) {
    this.cpu = cpu;
    this.memory = memory;
    this.mmio = mmio;
    this.pageFlags = memory.pageFlags();
    this.walk = new PageWalk(cpu, memory);
    for (long[] table : tables) {
      Arrays.fill(table, INVALID);
    }
  }

  public void setCodeListener(CodeListener listener) {
    codeListener = listener;
  }

  public long pageWalks() {
    return walk.count;
  }

  /** Chooses the table for the current CPL and RFLAGS.AC. */
  void selectRights() {
    if (cpu.cpl == 3) {
      useRights(USER);
    } else if ((cpu.eflags & Flags.AC) != 0) {
      useRights(SUPERVISOR_AC);
    } else {
      useRights(SUPERVISOR);
    }
  }

  /** Whether supervisor accesses may touch user pages although SMAP is on. */
  boolean smapOpen() {
    return rights == SUPERVISOR_AC;
  }

  // ---------------------------------------------------------------- reads

  public int read8(long gva) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i] == (gva & PAGE_MASK)) {
      return memory.getByte(gva + t[i + ADDEND]) & 0xFF;
    }
    return (int) readSlow(gva, 1);
  }

  public int read16(long gva) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i] == (gva + 1 & PAGE_MASK)) {
      return memory.getShort(gva + t[i + ADDEND]) & 0xFFFF;
    }
    return (int) readSlow(gva, 2);
  }

  public int read32(long gva) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i] == (gva + 3 & PAGE_MASK)) {
      return memory.getInt(gva + t[i + ADDEND]);
    }
    return (int) readSlow(gva, 4);
  }

  public long read64(long gva) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i] == (gva + 7 & PAGE_MASK)) {
      return memory.getLong(gva + t[i + ADDEND]);
    }
    return readSlow(gva, 8);
  }

  /**
   * @param size 1, 2, 4 or 8
   * @return the value, zero-extended
   */
  public long read(long gva, int size) {
    return switch (size) {
      case 1 -> read8(gva);
      case 2 -> read16(gva);
      case 4 -> read32(gva) & 0xFFFF_FFFFL;
      default -> read64(gva);
    };
  }

  // ---------------------------------------------------------------- writes

  public void write8(long gva, int value) {
    if (!tryWrite8(gva, value)) {
      writeSlow(gva, 1, value);
    }
  }

  /** The fast path of {@link #write8}; false when it is not open and nothing was written. */
  public boolean tryWrite8(long gva, int value) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i + WRITE_TAG] != (gva & PAGE_MASK)) {
      return false;
    }
    memory.putByte(gva + t[i + ADDEND], (byte) value);
    return true;
  }

  public void write16(long gva, int value) {
    if (!tryWrite16(gva, value)) {
      writeSlow(gva, 2, value);
    }
  }

  /** The fast path of {@link #write16}; false when it is not open and nothing was written. */
  public boolean tryWrite16(long gva, int value) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i + WRITE_TAG] != (gva + 1 & PAGE_MASK)) {
      return false;
    }
    memory.putShort(gva + t[i + ADDEND], (short) value);
    return true;
  }

  public void write32(long gva, int value) {
    if (!tryWrite32(gva, value)) {
      writeSlow(gva, 4, value);
    }
  }

  /** The fast path of {@link #write32}; false when it is not open and nothing was written. */
  public boolean tryWrite32(long gva, int value) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i + WRITE_TAG] != (gva + 3 & PAGE_MASK)) {
      return false;
    }
    memory.putInt(gva + t[i + ADDEND], value);
    return true;
  }

  public void write64(long gva, long value) {
    if (!tryWrite64(gva, value)) {
      writeSlow(gva, 8, value);
    }
  }

  /** The fast path of {@link #write64}; false when it is not open and nothing was written. */
  public boolean tryWrite64(long gva, long value) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i + WRITE_TAG] != (gva + 7 & PAGE_MASK)) {
      return false;
    }
    memory.putLong(gva + t[i + ADDEND], value);
    return true;
  }

  /**
   * @param size 1, 2, 4 or 8
   */
  public void write(long gva, int size, long value) {
    switch (size) {
      case 1 -> write8(gva, (int) value);
      case 2 -> write16(gva, (int) value);
      case 4 -> write32(gva, (int) value);
      default -> write64(gva, value);
    }
  }

  /** Both halves or, after a fault, none. Exempt from alignment checks. */
  public void write128(long gva, long low, long high) {
    probeWrite(gva, 16);
    writeLane(gva, low);
    writeLane(gva + 8, high);
  }

  /**
   * Part of an operand that may stand anywhere, whatever RFLAGS.AC says: those of 128 and 256 bits.
   */
  public long readLane(long gva) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i] == (gva + 7 & PAGE_MASK)) {
      return memory.getLong(gva + t[i + ADDEND]);
    }
    if (!aligned) {
      return readSlow(gva, 8);
    }
    long value = 0;
    for (int b = 0; b < 8; b++) {
      value |= (long) read8(gva + b) << 8 * b;
    }
    return value;
  }

  /** See {@link #readLane}. */
  public void writeLane(long gva, long value) {
    long[] t = tlb;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (t[i + WRITE_TAG] == (gva + 7 & PAGE_MASK)) {
      memory.putLong(gva + t[i + ADDEND], value);
    } else if (!aligned) {
      writeSlow(gva, 8, value);
    } else {
      for (int b = 0; b < 8; b++) {
        write8(gva + b, (int) (value >>> 8 * b));
      }
    }
  }

  /**
   * Faults exactly as a write of these bytes would, but writes nothing: for instructions that read,
   * modify and write, and for those that write in several pieces.
   *
   * @param size 1 to 4096
   */
  public void probeWrite(long gva, int size) {
    long last = gva + size - 1;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (tlb[i + WRITE_TAG] == (last & PAGE_MASK)) {
      return;
    }
    checkSlow(gva, size);
    fill(gva, WRITE);
    if (((gva ^ last) & PAGE_MASK) != 0) {
      fill(last & PAGE_MASK, WRITE);
    }
  }

  /** Faults exactly as a read of these bytes would. */
  public void probeRead(long gva, int size) {
    long last = gva + size - 1;
    int i = (int) (gva >>> 10) & INDEX_MASK;
    if (tlb[i] == (last & PAGE_MASK)) {
      return;
    }
    checkSlow(gva, size);
    fill(gva, READ);
    if (((gva ^ last) & PAGE_MASK) != 0) {
      fill(last & PAGE_MASK, READ);
    }
  }

  // ---------------------------------------------------------------- bulk

  /**
   * The GPA of a byte that may be read (or written) through the end of its page as plain RAM
   * without further checks, or -1 when the bytes have to be accessed one by one. Faults as the
   * access would.
   */
  public long ramAddress(long gva, boolean write) {
    int i = (int) (gva >>> 10) & INDEX_MASK;
    int tag = write ? WRITE_TAG : READ_TAG;
    if (tlb[i + tag] != (gva & PAGE_MASK)) {
      if (aligned) {
        return -1;
      }
      fill(gva, write ? WRITE : READ);
      if (tlb[i + tag] != (gva & PAGE_MASK)) {
        return -1;
      }
    }
    return gva + tlb[i + ADDEND];
  }

  // ---------------------------------------------------------------- system structures

  /**
   * Runs supervisor accesses to descriptor tables, the TSS and stacks of inner rings whatever the
   * CPL.
   */
  public long readSystem(long gva, int size) {
    int saved = rights;
    useRights(SUPERVISOR);
    try {
      return read(gva, size);
    } finally {
      useRights(saved);
    }
  }

  /** See {@link #readSystem}. */
  public void writeSystem(long gva, int size, long value) {
    int saved = rights;
    useRights(SUPERVISOR);
    try {
      write(gva, size, value);
    } finally {
      useRights(saved);
    }
  }

  private void useRights(int kind) {
    rights = kind;
    aligned =
        kind == USER && cpu.cpl == 3 && (cpu.eflags & Flags.AC) != 0 && (cpu.cr0 & Cpu.CR0_AM) != 0;
    tlb = tables[aligned ? USER_ALIGNED : kind];
  }

  /**
   * Translates an instruction fetch.
   *
   * @return the GPA; it need not be RAM
   */
  public long translateFetch(long gva) {
    return walk.translate(gva, EXECUTE, cpu.cpl == 3);
  }

  /** Whether the last translated fetch was from a global page. */
  public boolean lastWasGlobal() {
    return (walk.leaf & PageWalk.GLOBAL) != 0;
  }

  // ---------------------------------------------------------------- slow paths

  /**
   * What no page walk finds: bytes at its end that are not canonical, and an unaligned address
   * where that counts. Accesses of other sizes than 2, 4 and 8 are made of several of these.
   */
  private void checkSlow(long gva, int size) {
    if (!cpu.canonical(gva) || !cpu.canonical(gva + size - 1)) {
      throw cpu.nonCanonical();
    }
    if (aligned && size <= 8 && (gva & size - 1) != 0) {
      throw cpu.fault(Vector.AC, 0);
    }
  }

  /** The second page of an access that crosses: behind 4 GiB comes 0 for all but 64-bit code. */
  private long second(long last) {
    return cpu.codeSize == 8 ? last & PAGE_MASK : last & 0xFFFF_F000L;
  }

  private long readSlow(long gva, int size) {
    checkSlow(gva, size);
    long last = gva + size - 1;
    if (((gva ^ last) & PAGE_MASK) != 0) {
      int first = (int) (4096 - (gva & 0xFFF));
      // Both pages are translated before anything is read: a device must not see half an access
      // that faults.
      long second = second(last);
      walk.translate(gva, READ, rights == USER);
      walk.translate(second, READ, rights == USER);
      long value = 0;
      for (int i = 0; i < size; i++) {
        value |= (long) read8(i < first ? gva + i : second + i - first) << 8 * i;
      }
      return value;
    }
    long gpa = fill(gva, READ);
    if (memory.isRam(gpa)) {
      return switch (size) {
        case 1 -> memory.getByte(gpa) & 0xFF;
        case 2 -> memory.getShort(gpa) & 0xFFFF;
        case 4 -> memory.getInt(gpa) & 0xFFFF_FFFFL;
        default -> memory.getLong(gpa);
      };
    }
    mmioReads++;
    if ((gpa & PAGE_MASK) == cpu.apic.mmioBase()) {
      return cpu.apic.read((int) gpa & 0xFFF, size);
    }
    return mmio.read(gpa, size);
  }

  /** What {@link #write} does when the fast path is not open. */
  public void writeSlow(long gva, int size, long value) {
    checkSlow(gva, size);
    long last = gva + size - 1;
    if (((gva ^ last) & PAGE_MASK) != 0) {
      int first = (int) (4096 - (gva & 0xFFF));
      long second = second(last);
      walk.translate(gva, WRITE, rights == USER);
      walk.translate(second, WRITE, rights == USER);
      for (int i = 0; i < size; i++) {
        write8(i < first ? gva + i : second + i - first, (int) (value >>> 8 * i));
      }
      return;
    }
    long gpa = fill(gva, WRITE);
    if (memory.isRam(gpa)) {
      switch (size) {
        case 1 -> memory.putByte(gpa, (byte) value);
        case 2 -> memory.putShort(gpa, (short) value);
        case 4 -> memory.putInt(gpa, (int) value);
        default -> memory.putLong(gpa, value);
      }
      if ((pageFlags[(int) (gpa >>> 12)] & GuestMemory.CODE) != 0) {
        codeListener.codeWritten(gpa, size);
      }
      return;
    }
    mmioWrites++;
    if ((gpa & PAGE_MASK) == cpu.apic.mmioBase()) {
      cpu.apic.write((int) gpa & 0xFFF, size, value);
      // An interrupt may wait that was masked before: the run loop has to look.
      cpu.attention = true;
    } else {
      mmio.write(gpa, size, value);
    }
  }

  /** Walks, faults where the access is not allowed, and caches what may be cached. */
  private long fill(long gva, int access) {
    tlbMisses++;
    long gpa = walk.translate(gva, access, rights == USER);
    if (!memory.isRam(gpa) || aligned) {
      return gpa;
    }
    int i = (int) (gva >>> 10) & INDEX_MASK;
    long page = gva & PAGE_MASK;
    long leaf = walk.leaf;
    if ((leaf & PageWalk.LARGE) != 0) {
      largePages[(int) (gva >>> 45) & 7] |= 1L << (gva >>> 39);
    }
    boolean code = (pageFlags[(int) (gpa >>> 12)] & GuestMemory.CODE) != 0;
    tlb[i + READ_TAG] = page;
    tlb[i + WRITE_TAG] = (leaf & PageWalk.WRITES_ALLOWED) != 0 && !code ? page : INVALID;
    tlb[i + LEAF] = leaf;
    tlb[i + ADDEND] = gpa - gva;
    return gpa;
  }

  // ---------------------------------------------------------------- invalidation

  /**
   * Drops everything: CR0, CR4 or EFER changed what translations mean, or INVPCID of all contexts
   * with globals.
   */
  public void flushAll() {
    for (long[] table : tables) {
      Arrays.fill(table, INVALID);
    }
    Arrays.fill(largePages, 0);
    flushed(true);
  }

  /** Drops all but global translations: CR3 was loaded. */
  public void flushNonGlobal() {
    for (long[] table : tables) {
      for (int i = 0; i < table.length; i += ENTRY_LONGS) {
        if ((table[i + LEAF] & PageWalk.GLOBAL) == 0) {
          table[i + READ_TAG] = INVALID;
          table[i + WRITE_TAG] = INVALID;
        }
      }
    }
    flushed(false);
  }

  /** INVLPG. */
  public void flushPage(long gva) {
    if ((largePages[(int) (gva >>> 45) & 7] & 1L << (gva >>> 39)) != 0) {
      flushAll();
      return;
    }
    int i = (int) (gva >>> 10) & INDEX_MASK;
    for (long[] table : tables) {
      if (table[i] == (gva & PAGE_MASK) || table[i + WRITE_TAG] == (gva & PAGE_MASK)) {
        table[i + READ_TAG] = INVALID;
        table[i + WRITE_TAG] = INVALID;
      }
    }
    if (codeListener != null) {
      codeListener.translationFlushed(gva);
    }
  }

  private void flushed(boolean globals) {
    if (codeListener != null) {
      codeListener.translationsFlushed(globals);
    }
  }

  /** Takes the fast write path away from a page that has come to hold decoded code. */
  public void protectFromWrites(long gpaPage) {
    for (long[] table : tables) {
      for (int i = 0; i < table.length; i += ENTRY_LONGS) {
        long tag = table[i + WRITE_TAG];
        if (tag != INVALID && tag + table[i + ADDEND] == gpaPage) {
          table[i + WRITE_TAG] = INVALID;
        }
      }
    }
  }
}
