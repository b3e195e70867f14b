package lodge.cpu.x86;

import static lodge.core.host.HostMemory.getByte;
import static lodge.core.host.HostMemory.getInt;
import static lodge.core.host.HostMemory.getLong;
import static lodge.core.host.HostMemory.getShort;
import static lodge.core.host.HostMemory.putByte;
import static lodge.core.host.HostMemory.putInt;
import static lodge.core.host.HostMemory.putLong;
import static lodge.core.host.HostMemory.putShort;
import static lodge.cpu.x86.Tlb.ADDEND;
import static lodge.cpu.x86.Tlb.INVALID;
import static lodge.cpu.x86.Tlb.LEAF;
import static lodge.cpu.x86.Tlb.READ_TAG;
import static lodge.cpu.x86.Tlb.WRITE_TAG;

import lodge.core.CodeWatch;
import lodge.core.DebugStops.Watchpoint;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;

/**
 * Guest-virtual memory as the current privilege sees it: a software TLB in front of the page walk.
 *
 * <p>Direct-mapped; an entry is four longs side by side: tag for reads, tag for writes, the page
 * walk's leaf flags, and the addend that turns a GVA into the host's address. There is one table
 * for each set of rights, so privilege needs no test: user, supervisor, and supervisor with
 * RFLAGS.AC (SMAP open). A tag is the page's GVA, {@link Tlb#INVALID} when that kind of access has
 * to take the slow path: not mapped, not allowed, no RAM, a page with a watched address, or
 * (writes) ROM, a page that holds decoded code or whose dirty bit is clear.
 *
 * <p>An access that crosses a page fails the tag compare by itself: its last byte selects a tag of
 * the next slot.
 *
 * <p>With PCIDs the translations of a few address spaces are kept, each in a {@link Tlb} of its
 * own; a change of CR3 changes which of them the accesses use.
 */
public final class Mmu {
  private static final long PAGE_MASK = ~0xFFFL;

  static final int USER = 0;
  private static final int SUPERVISOR = 1;
  private static final int SUPERVISOR_AC = 2;

  /** Address spaces whose translations are kept: as many as Linux uses PCIDs on a processor. */
  private static final int ADDRESS_SPACES = 8;

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
  private final CodeWatch.Member codeWatch;
  private final PageWalk walk;
  private final Tlb[] spaces = new Tlb[ADDRESS_SPACES];

  /**
   * User rights with alignment checks: a table that stays empty, so that all accesses take the slow
   * path.
   */
  private final Tlb alignedSpace = new Tlb();

  private Tlb space = new Tlb();
  private int rights = SUPERVISOR;

  /** Address of the table that accesses use now. */
  private long tlb = space.tables[SUPERVISOR];

  private long switches;

  /** How often {@link #protectFromWrites} was called. */
  private int protections;

  /** CR0.AM and RFLAGS.AC are set at CPL 3: unaligned accesses raise #AC. */
  private boolean aligned;

  /**
   * Several instructions are being executed without a look at events in between. What the processor
   * has to act upon right after the instruction (a watched address, a write to a device) then
   * throws {@link CpuException#ALONE} instead of being done.
   */
  public boolean batching;

  private CodeListener codeListener;

  /** What {@link #exchange128} found. */
  public long seenLow;

  /** See {@link #seenLow}. */
  public long seenHigh;

  public long tlbMisses;
  public long mmioReads;
  public long mmioWrites;

  Mmu(Cpu cpu, GuestMemory memory, MmioBus mmio) {
    this.cpu = cpu;
    this.memory = memory;
    this.mmio = mmio;
    this.codeWatch = memory.codeWatch().join(cpu::kick);
    this.walk = new PageWalk(cpu, memory);
    spaces[0] = space;
  }

  /** This processor's place among those that have decoded code of the same memory. */
  public CodeWatch.Member codeWatch() {
    return codeWatch;
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

  /**
   * The table that accesses use: the same until an instruction changes the address space, the
   * privilege or what is checked.
   */
  public long tlb() {
    return tlb;
  }

  // ---------------------------------------------------------------- reads

  public int read8(long gva) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 0)) {
      return loadByte(TlbEntry.host(entry, gva)) & 0xFF;
    }
    return (int) readSlow(gva, 1);
  }

  public int read16(long gva) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 1)) {
      return loadShort(TlbEntry.host(entry, gva)) & 0xFFFF;
    }
    return (int) readSlow(gva, 2);
  }

  public int read32(long gva) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 3)) {
      return loadInt(TlbEntry.host(entry, gva));
    }
    return (int) readSlow(gva, 4);
  }

  public long read64(long gva) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 7)) {
      return loadLong(TlbEntry.host(entry, gva));
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
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 0)) {
      storeByte(TlbEntry.host(entry, gva), (byte) value);
    } else {
      writeSlow(gva, 1, value);
    }
  }

  public void write16(long gva, int value) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 1)) {
      storeShort(TlbEntry.host(entry, gva), (short) value);
    } else {
      writeSlow(gva, 2, value);
    }
  }

  public void write32(long gva, int value) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 3)) {
      storeInt(TlbEntry.host(entry, gva), value);
    } else {
      writeSlow(gva, 4, value);
    }
  }

  public void write64(long gva, long value) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 7)) {
      storeLong(TlbEntry.host(entry, gva), value);
    } else {
      writeSlow(gva, 8, value);
    }
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
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 15)) {
      long address = TlbEntry.host(entry, gva);
      storeLong(address, low);
      storeLong(address + 8, high);
      return;
    }
    probeWrite(gva, 16);
    writeLane(gva, low);
    writeLane(gva + 8, high);
  }

  /**
   * Part of an operand that may stand anywhere, whatever RFLAGS.AC says: those of 128 and 256 bits.
   */
  public long readLane(long gva) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 7)) {
      return loadLong(TlbEntry.host(entry, gva));
    }
    return readAnywhere(gva, 8);
  }

  /** See {@link #readLane}. */
  public void writeLane(long gva, long value) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 7)) {
      storeLong(TlbEntry.host(entry, gva), value);
    } else {
      writeAnywhere(gva, 8, value);
    }
  }

  /** As {@link #readLane}, 4 bytes: elements that are moved under a mask. */
  public int readHalfLane(long gva) {
    return aligned ? (int) readAnywhere(gva, 4) : read32(gva);
  }

  /** See {@link #readHalfLane}. */
  public void writeHalfLane(long gva, int value) {
    if (aligned) {
      writeAnywhere(gva, 4, value);
    } else {
      write32(gva, value);
    }
  }

  /** The four lanes of a 32-byte operand that may stand anywhere; after a fault none is read. */
  public void read256(long gva, long[] into, int at) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, 31)) {
      long address = TlbEntry.host(entry, gva);
      into[at] = loadLong(address);
      into[at + 1] = loadLong(address + 8);
      into[at + 2] = loadLong(address + 16);
      into[at + 3] = loadLong(address + 24);
      return;
    }
    long first = readLane(gva);
    long second = readLane(gva + 8);
    long third = readLane(gva + 16);
    long fourth = readLane(gva + 24);
    into[at] = first;
    into[at + 1] = second;
    into[at + 2] = third;
    into[at + 3] = fourth;
  }

  /** Four lanes of {@code from} or, after a fault, none. Exempt from alignment checks. */
  public void write256(long gva, long[] from, int at) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 31)) {
      long address = TlbEntry.host(entry, gva);
      storeLong(address, from[at]);
      storeLong(address + 8, from[at + 1]);
      storeLong(address + 16, from[at + 2]);
      storeLong(address + 24, from[at + 3]);
      return;
    }
    probeWrite(gva, 32);
    for (int lane = 0; lane < 4; lane++) {
      writeLane(gva + 8 * lane, from[at + lane]);
    }
  }

  /**
   * Faults exactly as a write of these bytes would, but writes nothing: for instructions that read,
   * modify and write, and for those that write in several pieces.
   *
   * @param size 1 to 4096
   */
  public void probeWrite(long gva, int size) {
    if (!TlbEntry.mayWrite(TlbEntry.of(tlb, gva), gva, size - 1)) {
      probeSlow(gva, size);
    }
  }

  private void probeSlow(long gva, int size) {
    long last = gva + size - 1;
    checkSlow(gva, size);
    long gpa = fill(gva, WRITE);
    boolean ram = isRam(gpa);
    if (((gva ^ last) & PAGE_MASK) != 0) {
      ram &= isRam(fill(second(last), WRITE));
    }
    if (batching && (!ram || cpu.dataBreakpoints != 0 && watched(gva, size))) {
      throw cpu.alone();
    }
  }

  // ---------------------------------------------------------------- locked accesses

  /** What a locked instruction makes of its memory operand. */
  public interface Modification {
    /**
     * The operand's new value; bits above its size do not count. May be called again with another
     * old value when somebody else was faster: then with the flags as they were before.
     *
     * @param old zero-extended
     */
    long apply(Cpu c, long old);
  }

  /**
   * Reads, modifies and writes an operand as an instruction with LOCK does: atomically, and as a
   * full fence (SDM volume 3, 10.1.2). Faults as a write does, before the modification is asked
   * for.
   *
   * <p>An operand of RAM that does not cross a multiple of 8 is exchanged by the host's own atomic
   * instruction: nobody sees it half done, whatever accesses it. Any other (it crosses, or is no
   * RAM) is read and written under one lock for all processors of the machine. That is atomic
   * towards other operands of this kind, which includes the same instruction on other processors,
   * but not towards plain stores nor towards locked accesses to parts of it.
   *
   * @param size 1, 2, 4 or 8
   * @return the old value, zero-extended
   */
  public long modify(long gva, int size, Modification modification) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, size - 1)) {
      long gpa = TlbEntry.host(entry, gva) - memory.hostBase();
      if (GuestMemory.exchangeable(gpa, size)) {
        return exchange(gpa, size, modification);
      }
    }
    return modifySlow(gva, size, modification);
  }

  private long exchange(long gpa, int size, Modification modification) {
    long flagResult = cpu.flagResult;
    long flagAux = cpu.flagAux;
    long old = plain(gpa, size);
    while (true) {
      long seen = memory.compareAndExchange(gpa, size, old, modification.apply(cpu, old));
      if (seen == old) {
        return old;
      }
      old = seen;
      cpu.flagResult = flagResult;
      cpu.flagAux = flagAux;
    }
  }

  private long plain(long gpa, int size) {
    return switch (size) {
      case 1 -> memory.getByte(gpa) & 0xFF;
      case 2 -> memory.getShort(gpa) & 0xFFFF;
      case 4 -> memory.getInt(gpa) & 0xFFFF_FFFFL;
      default -> memory.getLong(gpa);
    };
  }

  private long modifySlow(long gva, int size, Modification modification) {
    probeWrite(gva, size);
    if (GuestMemory.exchangeable(gva, size)) {
      long gpa = fill(gva, WRITE);
      if (isRam(gpa)) {
        if (cpu.dataBreakpoints != 0) {
          watch(gva, size, false);
          watch(gva, size, true);
        }
        long old = exchange(gpa, size, modification);
        noteWritten(gpa, size);
        return old;
      }
    }
    synchronized (memory.codeWatch().splitLock()) {
      long old = read(gva, size);
      write(gva, size, modification.apply(cpu, old));
      return old;
    }
  }

  /**
   * Replaces 16 bytes, as LOCK CMPXCHG16B does, if they are as expected; what was there is in
   * {@link #seenLow} and {@link #seenHigh}.
   *
   * <p>There is no such instruction to be had of the host: the halves are exchanged one after the
   * other, under a lock for all accesses of this kind to these bytes. So it is atomic towards
   * itself on other processors, and each half towards everything; a store to a half is never lost.
   * But who reads the halves with two loads may see the new low one before the new high one.
   *
   * @param gva a multiple of 16
   */
  public boolean exchange128(long gva, long expectedLow, long expectedHigh, long low, long high) {
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayWrite(entry, gva, 0)) {
      return exchangePair(
          TlbEntry.host(entry, gva) - memory.hostBase(), expectedLow, expectedHigh, low, high);
    }
    probeWrite(gva, 16);
    long gpa = fill(gva, WRITE);
    if (!isRam(gpa)) {
      synchronized (memory.codeWatch().splitLock()) {
        seenLow = read(gva, 8);
        seenHigh = read(gva + 8, 8);
        boolean equal = seenLow == expectedLow && seenHigh == expectedHigh;
        write(gva, 8, equal ? low : seenLow);
        write(gva + 8, 8, equal ? high : seenHigh);
        return equal;
      }
    }
    if (cpu.dataBreakpoints != 0) {
      watch(gva, 16, false);
      watch(gva, 16, true);
    }
    boolean done = exchangePair(gpa, expectedLow, expectedHigh, low, high);
    noteWritten(gpa, 16);
    return done;
  }

  private boolean exchangePair(long gpa, long expectedLow, long expectedHigh, long low, long high) {
    synchronized (memory.codeWatch().pairLock(gpa)) {
      while (true) {
        seenLow = memory.getLong(gpa);
        seenHigh = memory.getLong(gpa + 8);
        if (seenLow != expectedLow || seenHigh != expectedHigh) {
          return false;
        }
        if (memory.compareAndExchange(gpa, 8, expectedLow, low) == expectedLow) {
          if (memory.compareAndExchange(gpa + 8, 8, expectedHigh, high) == expectedHigh) {
            return true;
          }
          // Somebody stored to the high half in between: this one has not happened.
          memory.compareAndExchange(gpa, 8, low, expectedLow);
        }
      }
    }
  }

  /** Faults exactly as a read of these bytes would. */
  public void probeRead(long gva, int size) {
    long last = gva + size - 1;
    long entry = TlbEntry.of(tlb, gva);
    if (TlbEntry.mayRead(entry, gva, size - 1)) {
      return;
    }
    checkSlow(gva, size);
    fill(gva, READ);
    if (((gva ^ last) & PAGE_MASK) != 0) {
      fill(second(last), READ);
    }
  }

  // ---------------------------------------------------------------- bulk

  /**
   * The GPA of a byte that may be read (or written) through the end of its page as plain RAM
   * without further checks, or -1 when the bytes have to be accessed one by one. Faults as the
   * access would.
   */
  public long ramAddress(long gva, boolean write) {
    long entry = TlbEntry.of(tlb, gva);
    int tag = write ? WRITE_TAG : READ_TAG;
    if (getLong(entry + tag) != (gva & PAGE_MASK)) {
      if (aligned) {
        return -1;
      }
      fill(gva, write ? WRITE : READ);
      if (getLong(entry + tag) != (gva & PAGE_MASK)) {
        return -1;
      }
    }
    return TlbEntry.host(entry, gva) - memory.hostBase();
  }

  // ---------------------------------------------------------------- RAM of the host

  private byte loadByte(long address) {
    byte value = getByte(address);
    if (!GuestMemory.ORDERED_HOST) {
      memory.afterLoad();
    }
    return value;
  }

  private short loadShort(long address) {
    short value = getShort(address);
    if (!GuestMemory.ORDERED_HOST) {
      memory.afterLoad();
    }
    return value;
  }

  private int loadInt(long address) {
    int value = getInt(address);
    if (!GuestMemory.ORDERED_HOST) {
      memory.afterLoad();
    }
    return value;
  }

  private long loadLong(long address) {
    long value = getLong(address);
    if (!GuestMemory.ORDERED_HOST) {
      memory.afterLoad();
    }
    return value;
  }

  private void storeByte(long address, byte value) {
    if (!GuestMemory.ORDERED_HOST) {
      memory.beforeStore();
    }
    putByte(address, value);
  }

  private void storeShort(long address, short value) {
    if (!GuestMemory.ORDERED_HOST) {
      memory.beforeStore();
    }
    putShort(address, value);
  }

  private void storeInt(long address, int value) {
    if (!GuestMemory.ORDERED_HOST) {
      memory.beforeStore();
    }
    putInt(address, value);
  }

  private void storeLong(long address, long value) {
    if (!GuestMemory.ORDERED_HOST) {
      memory.beforeStore();
    }
    putLong(address, value);
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
    tlb = aligned ? alignedSpace.tables[kind] : space.tables[kind];
  }

  /**
   * Translates an instruction fetch.
   *
   * @return the GPA; it need not be RAM
   */
  public long translateFetch(long gva) {
    long gpa = walk.translate(gva, EXECUTE, cpu.cpl == 3);
    if ((walk.leaf & PageWalk.LARGE) != 0) {
      space.noteLarge(gva);
    }
    return gpa;
  }

  /**
   * Where a linear address leads as the page tables are, whatever the rights: for somebody outside
   * of the guest. Nothing is marked, cached or raised.
   *
   * @return the GPA, which need not be RAM, or -1 when nothing is mapped
   */
  public long peek(long gva) {
    return walk.peek(gva);
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

  /** Whether somebody watches any of the bytes, the guest or the host; at present only. */
  private boolean watched(long gva, int size) {
    return DebugRegisters.hitData(cpu, gva, size, true) != 0 || cpu.debug.overlaps(gva, size);
  }

  /** Notes that an access hits what the guest or the host watches. */
  private void watch(long gva, int size, boolean write) {
    int hits = DebugRegisters.hitData(cpu, gva, size, write);
    Watchpoint watchpoint = cpu.debug.hit(gva, size, write);
    if (hits == 0 && watchpoint == null) {
      return;
    }
    if (batching) {
      throw cpu.alone();
    }
    cpu.pendingDebug |= hits;
    if (watchpoint != null) {
      cpu.debug.note(watchpoint);
    }
  }

  private long readSlow(long gva, int size) {
    checkSlow(gva, size);
    return readAnywhere(gva, size);
  }

  private long readAnywhere(long gva, int size) {
    if (cpu.dataBreakpoints != 0) {
      watch(gva, size, false);
    }
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
    if (isReadable(gpa)) {
      return switch (size) {
        case 1 -> memory.getByte(gpa) & 0xFF;
        case 2 -> memory.getShort(gpa) & 0xFFFF;
        case 4 -> memory.getInt(gpa) & 0xFFFF_FFFFL;
        default -> memory.getLong(gpa);
      };
    }
    if (batching && cpu.dataBreakpoints != 0) {
      // The same instruction may yet meet a watched address, and must not read twice.
      throw cpu.alone();
    }
    mmioReads++;
    if ((gpa & PAGE_MASK) == cpu.apic.mmioBase()) {
      return cpu.apic.read((int) gpa & 0xFFF, size) & -1L >>> 64 - 8 * size;
    }
    return mmio.read(gpa, size);
  }

  private void writeSlow(long gva, int size, long value) {
    checkSlow(gva, size);
    writeAnywhere(gva, size, value);
  }

  private void writeAnywhere(long gva, int size, long value) {
    if (cpu.dataBreakpoints != 0) {
      watch(gva, size, true);
    }
    long last = gva + size - 1;
    if (((gva ^ last) & PAGE_MASK) != 0) {
      int first = (int) (4096 - (gva & 0xFFF));
      long second = second(last);
      boolean ram = isRam(walk.translate(gva, WRITE, rights == USER));
      ram &= isRam(walk.translate(second, WRITE, rights == USER));
      if (batching && !ram) {
        throw cpu.alone();
      }
      for (int i = 0; i < size; i++) {
        write8(i < first ? gva + i : second + i - first, (int) (value >>> 8 * i));
      }
      return;
    }
    long gpa = fill(gva, WRITE);
    if (isRam(gpa)) {
      switch (size) {
        case 1 -> memory.putByte(gpa, (byte) value);
        case 2 -> memory.putShort(gpa, (short) value);
        case 4 -> memory.putInt(gpa, (int) value);
        default -> memory.putLong(gpa, value);
      }
      noteWritten(gpa, size);
      return;
    }
    if (batching) {
      throw cpu.alone();
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

  /** Says so when a page that was written to by the slow path holds code. */
  private void noteWritten(long gpa, int size) {
    if (codeWatch.hitsCode((int) (gpa >>> GuestMemory.PAGE_SHIFT))) {
      codeListener.codeWritten(gpa, size);
    }
  }

  /** The page of the local APIC lies over whatever else is there (SDM volume 3, 12.4.1). */
  private boolean isRam(long gpa) {
    return memory.isRam(gpa) && (gpa & PAGE_MASK) != cpu.apic.mmioBase();
  }

  /** As {@link #isRam}, RAM or ROM. */
  private boolean isReadable(long gpa) {
    return memory.isReadable(gpa) && (gpa & PAGE_MASK) != cpu.apic.mmioBase();
  }

  /** Walks, faults where the access is not allowed, and caches what may be cached. */
  private long fill(long gva, int access) {
    tlbMisses++;
    long gpa = walk.translate(gva, access, rights == USER);
    long page = gva & PAGE_MASK;
    if (!isReadable(gpa)
        || aligned
        || cpu.dataBreakpoints != 0 && watched(page, GuestMemory.PAGE_SIZE)) {
      return gpa;
    }
    long entry = TlbEntry.of(tlb, gva);
    long leaf = walk.leaf;
    space.use(entry, gva, (leaf & PageWalk.LARGE) != 0);
    boolean direct =
        (leaf & PageWalk.WRITES_ALLOWED) != 0
            && memory.isRam(gpa)
            && codeWatch.mayWrite((int) (gpa >>> 12));
    putLong(entry + READ_TAG, page);
    putLong(entry + WRITE_TAG, direct ? page : INVALID);
    putLong(entry + LEAF, leaf);
    putLong(entry + ADDEND, memory.hostBase() + gpa - gva);
    return gpa;
  }

  // ---------------------------------------------------------------- invalidation

  /**
   * Address line 20: closed, it is always 0, and the second megabyte is the first one.
   *
   * @param open as after reset on every PC since the first ones
   */
  void setA20(boolean open) {
    if (walk.setA20(open)) {
      flushAll();
    }
  }

  /**
   * Drops everything: CR0, CR4 or EFER changed what translations mean, or INVPCID of all contexts
   * with globals.
   */
  public void flushAll() {
    for (Tlb other : spaces) {
      if (other != null) {
        other.clear();
        other.pcid = Tlb.NOBODY;
      }
    }
    space.pcid = (cpu.cr4 & Cpu.CR4_PCIDE) != 0 ? (int) cpu.cr3 & 0xFFF : 0;
    flushed(true);
  }

  /** Drops all but global translations of all address spaces. */
  void flushNonGlobal() {
    for (Tlb other : spaces) {
      if (other != null) {
        other.clearNonGlobal();
      }
    }
    flushed(false);
  }

  /** Drops all but global translations of one address space. */
  void flushSpace(int pcid) {
    Tlb named = find(pcid);
    if (named != null) {
      named.clearNonGlobal();
      if (named == space) {
        flushed(false);
      }
    }
  }

  /**
   * CR3 was loaded.
   *
   * @param pcid 0 without CR4.PCIDE
   * @param keep what is known of that address space still holds
   */
  void switchSpace(int pcid, boolean keep) {
    Tlb next = find(pcid);
    if (next == null) {
      next = oldest();
      next.clear();
      next.adoptGlobals(space);
      next.pcid = pcid;
    } else if (!keep) {
      next.clearNonGlobal();
    }
    next.lastUse = ++switches;
    if (next.protections != protections) {
      next.protections = protections;
      if (next != space) {
        next.clearWrites(Tlb.EVERY_PAGE);
      }
    }
    space = next;
    useRights(rights);
    flushed(false);
  }

  private Tlb find(int pcid) {
    if (space.pcid == pcid) {
      return space;
    }
    for (Tlb other : spaces) {
      if (other != null && other.pcid == pcid) {
        return other;
      }
    }
    return null;
  }

  /** The address space that was not used for the longest time. */
  private Tlb oldest() {
    Tlb oldest = null;
    for (int i = 0; i < spaces.length; i++) {
      if (spaces[i] == null) {
        spaces[i] = new Tlb();
        spaces[i].protections = protections;
        return spaces[i];
      }
      if (spaces[i] != space && (oldest == null || spaces[i].lastUse < oldest.lastUse)) {
        oldest = spaces[i];
      }
    }
    return oldest;
  }

  /** INVLPG: the page in the current address space, and global ones in all. */
  public void flushPage(long gva) {
    for (Tlb other : spaces) {
      if (other != null && other != space) {
        other.clearPage(gva & PAGE_MASK, true);
      }
    }
    flushPage(space, gva);
  }

  /** INVPCID of one address. */
  void flushPage(int pcid, long gva) {
    Tlb named = find(pcid);
    if (named != null) {
      flushPage(named, gva);
    }
  }

  private void flushPage(Tlb named, long gva) {
    boolean large = named.clearPage(gva & PAGE_MASK, false);
    if (codeListener == null || named != space) {
      return;
    }
    if (large) {
      codeListener.translationsFlushed(true);
    } else {
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
    space.clearWrites(memory.hostBase() + gpaPage);
    space.protections = ++protections;
  }
}
