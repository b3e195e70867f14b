package lodge.cpu.x86;

import lodge.core.GuestMemory;

/**
 * The page walk (SDM volume 3, chapter 4): no paging, 32-bit with PSE, PAE, 4-level and 5-level
 * paging; access rights with WP, SMEP, SMAP, NX and protection keys; accessed and dirty bits.
 */
final class PageWalk {
  /** Bits of {@link #leaf}. */
  static final long GLOBAL = 1 << 8;

  static final long LARGE = 1 << 7;

  /** The walked page's dirty bit is set and a write with the same privilege is allowed. */
  static final long WRITES_ALLOWED = 1 << 1;

  private static final long PRESENT = 1;
  private static final long WRITABLE = 1 << 1;
  private static final long USER = 1 << 2;
  private static final long ACCESSED = 1 << 5;
  private static final long DIRTY = 1 << 6;
  private static final long PAGE_SIZE = 1 << 7;
  private static final long NX = 1L << 63;

  private static final int ERROR_PRESENT = 1;
  private static final int ERROR_WRITE = 1 << 1;
  private static final int ERROR_USER = 1 << 2;
  private static final int ERROR_RESERVED = 1 << 3;
  private static final int ERROR_FETCH = 1 << 4;
  private static final int ERROR_KEY = 1 << 5;

  /** No GPA: somebody changed an entry that was to be marked, and the walk has to start anew. */
  private static final long CHANGED = -1;

  private final Cpu cpu;
  private final GuestMemory memory;
  private final long addressMask;
  private final boolean gigabytePages;

  /** What comes out of the processor of a physical address: all of it, or all but bit 20. */
  private long lines = -1L;

  long count;

  /** About the last translation: {@link #GLOBAL}, {@link #LARGE}, {@link #WRITES_ALLOWED}. */
  long leaf;

  PageWalk(Cpu cpu, GuestMemory memory) {
    this.cpu = cpu;
    this.memory = memory;
    this.gigabytePages = cpu.model.has(Feature.GB_PAGES);
    this.addressMask = (1L << cpu.model.physicalAddressBits()) - 1 & ~0xFFFL;
  }

  /** Opens or closes address line 20; false when it was so before. */
  boolean setA20(boolean open) {
    long old = lines;
    lines = open ? -1L : ~(1L << 20);
    return lines != old;
  }

  /**
   * @param access {@link Mmu#READ}, {@link Mmu#WRITE} or {@link Mmu#EXECUTE}
   * @param user the access is made with user rights
   * @return GPA
   * @throws CpuException #PF, or #GP(0) for a non-canonical address
   */
  long translate(long gva, int access, boolean user) {
    count++;
    long gpa;
    do {
      gpa = walk(gva, access, user);
    } while (gpa == CHANGED);
    return gpa;
  }

  private long walk(long gva, int access, boolean user) {
    if ((cpu.cr0 & Cpu.CR0_PG) == 0) {
      leaf = WRITES_ALLOWED;
      return gva & 0xFFFF_FFFFL & lines;
    }
    if ((cpu.cr4 & Cpu.CR4_PAE) == 0) {
      return walk32(gva & 0xFFFF_FFFFL, access, user);
    }
    if (!cpu.longModeActive()) {
      return walkPae(gva & 0xFFFF_FFFFL, access, user);
    }
    if (!cpu.canonical(gva)) {
      throw cpu.nonCanonical();
    }
    int top = (cpu.cr4 & Cpu.CR4_LA57) != 0 ? 48 : 39;
    return walk64(gva, cpu.cr3 & addressMask, top, WRITABLE | USER, access, user);
  }

  /** The GPA as the tables say, with no regard to rights and no traces; -1 when there is none. */
  long peek(long gva) {
    if ((cpu.cr0 & Cpu.CR0_PG) == 0) {
      return gva & 0xFFFF_FFFFL & lines;
    }
    if ((cpu.cr4 & Cpu.CR4_PAE) == 0) {
      return peek32(gva & 0xFFFF_FFFFL);
    }
    if (cpu.longModeActive()) {
      int top = (cpu.cr4 & Cpu.CR4_LA57) != 0 ? 48 : 39;
      return cpu.canonical(gva) ? peek64(gva, cpu.cr3 & addressMask, top) : -1;
    }
    long pdpte = cpu.pdpte[(int) (gva >>> 30) & 3];
    return (pdpte & PRESENT) != 0 ? peek64(gva & 0xFFFF_FFFFL, pdpte & addressMask, 21) : -1;
  }

  private long peek64(long gva, long table, int shift) {
    while (true) {
      long address = table + (gva >>> shift & 0x1FF) * 8 & lines;
      long entry = memory.isReadable(address) ? memory.getLong(address) : 0;
      if ((entry & PRESENT) == 0) {
        return -1;
      }
      if (shift == 12 || (entry & PAGE_SIZE) != 0) {
        long offset = (1L << shift) - 1;
        return (entry & addressMask & ~offset | gva & offset) & lines;
      }
      table = entry & addressMask;
      shift -= 9;
    }
  }

  private long peek32(long gva) {
    long pde = read32((cpu.cr3 & 0xFFFF_F000L) + (gva >>> 22) * 4 & lines);
    boolean large = (pde & PAGE_SIZE) != 0 && (cpu.cr4 & Cpu.CR4_PSE) != 0;
    long pte = large ? pde : read32((pde & 0xFFFF_F000L) + (gva >>> 12 & 0x3FF) * 4 & lines);
    if ((pde & pte & PRESENT) == 0) {
      return -1;
    }
    return large ? large32(pde, gva) : (pte & 0xFFFF_F000L | gva & 0xFFF) & lines;
  }

  /** PSE-36: bits 20:13 of the entry are bits 39:32 of the address. */
  private long large32(long entry, long gva) {
    long frame = ((entry >>> 13 & 0xFF) << 32 | entry & 0xFFC0_0000L) & addressMask;
    return (frame | gva & 0x3F_FFFF) & lines;
  }

  private long walkPae(long gva, int access, boolean user) {
    long pdpte = cpu.pdpte[(int) (gva >>> 30)];
    if ((pdpte & PRESENT) == 0) {
      throw fault(gva, access, user, 0);
    }
    return walk64(gva, pdpte & addressMask, 21, WRITABLE | USER, access, user);
  }

  private long walk64(long gva, long table, int shift, long rights, int access, boolean user) {
    boolean nxe = (cpu.efer & Cpu.EFER_NXE) != 0;
    long reserved = ~addressMask & 0x000F_FFFF_FFFF_F000L | (nxe ? 0 : NX);
    if (!cpu.longModeActive()) {
      reserved |= 0x7FF0_0000_0000_0000L;
    }
    long noExecute = 0;
    while (true) {
      long address = table + (gva >>> shift & 0x1FF) * 8 & lines;
      long entry = memory.isReadable(address) ? memory.getLong(address) : -1L;
      if ((entry & PRESENT) == 0) {
        throw fault(gva, access, user, 0);
      }
      boolean large = (entry & PAGE_SIZE) != 0 && shift > 12;
      long bad = entry & reserved;
      if (large) {
        boolean tooLarge = shift > 30 || shift == 30 && !gigabytePages;
        bad |= tooLarge ? PAGE_SIZE : entry & (1L << shift) - 1 & ~0x1FFFL;
      }
      if (bad != 0) {
        throw fault(gva, access, user, ERROR_PRESENT | ERROR_RESERVED);
      }
      rights &= entry;
      noExecute |= entry & NX;
      if (large || shift == 12) {
        return leaf64(gva, address, entry, shift, rights, noExecute, access, user);
      }
      if (!mark(address, 8, entry, entry | ACCESSED)) {
        return CHANGED;
      }
      table = entry & addressMask;
      shift -= 9;
    }
  }

  private long leaf64(
      long gva,
      long address,
      long entry,
      int shift,
      long rights,
      long noExecute,
      int access,
      boolean user) {
    boolean userPage = (rights & USER) != 0;
    int key = cpu.longModeActive() && userPage ? (int) (entry >>> 59) & 0xF : 0;
    boolean writable = check(gva, rights, noExecute, key, access, user);
    long marked = entry | ACCESSED | (access == Mmu.WRITE ? DIRTY : 0);
    if (!mark(address, 8, entry, marked)) {
      return CHANGED;
    }
    leaf =
        ((cpu.cr4 & Cpu.CR4_PGE) != 0 ? entry & GLOBAL : 0)
            | (shift > 12 ? LARGE : 0)
            | (writable && (marked & DIRTY) != 0 ? WRITES_ALLOWED : 0);
    long offset = (1L << shift) - 1;
    return (entry & addressMask & ~offset | gva & offset) & lines;
  }

  private long walk32(long gva, int access, boolean user) {
    long pdeAddress = (cpu.cr3 & 0xFFFF_F000L) + (gva >>> 22) * 4 & lines;
    long pde = read32(pdeAddress);
    if ((pde & PRESENT) == 0) {
      throw fault(gva, access, user, 0);
    }
    boolean large = (pde & PAGE_SIZE) != 0 && (cpu.cr4 & Cpu.CR4_PSE) != 0;
    if (large && (pde & 1 << 21) != 0) {
      throw fault(gva, access, user, ERROR_PRESENT | ERROR_RESERVED);
    }
    long address = pdeAddress;
    long entry = pde;
    long rights = pde;
    if (!large) {
      address = (pde & 0xFFFF_F000L) + (gva >>> 12 & 0x3FF) * 4 & lines;
      entry = read32(address);
      if ((entry & PRESENT) == 0) {
        throw fault(gva, access, user, 0);
      }
      rights &= entry;
    }
    boolean writable = check(gva, rights, 0, 0, access, user);
    if (!large && !mark(pdeAddress, 4, pde, pde | ACCESSED)) {
      return CHANGED;
    }
    long marked = entry | ACCESSED | (access == Mmu.WRITE ? DIRTY : 0);
    if (!mark(address, 4, entry, marked)) {
      return CHANGED;
    }
    leaf =
        ((cpu.cr4 & Cpu.CR4_PGE) != 0 ? entry & GLOBAL : 0)
            | (large ? LARGE : 0)
            | (writable && (marked & DIRTY) != 0 ? WRITES_ALLOWED : 0);
    if (large) {
      return large32(entry, gva);
    }
    return (entry & 0xFFFF_F000L | gva & 0xFFF) & lines;
  }

  /**
   * Sets accessed and dirty bits in an entry that is still what it was (SDM volume 3, 4.8: with a
   * locked cycle). Tables in ROM stay as they are.
   *
   * @param size of the entry in bytes
   */
  private boolean mark(long address, int size, long entry, long marked) {
    return marked == entry
        || !memory.isRam(address)
        || memory.compareAndExchange(address, size, entry, marked) == entry;
  }

  private long read32(long gpa) {
    return memory.isReadable(gpa) ? memory.getInt(gpa) & 0xFFFF_FFFFL : 0xFFFF_FFFFL;
  }

  /**
   * Checks access rights (SDM volume 3, 4.6).
   *
   * @return whether a write with the same privilege would be allowed
   */
  private boolean check(long gva, long rights, long noExecute, int key, int access, boolean user) {
    boolean userPage = (rights & USER) != 0;
    boolean writesAnything = !user && (cpu.cr0 & Cpu.CR0_WP) == 0;
    boolean writePermitted = (rights & WRITABLE) != 0 || writesAnything;
    if (user && !userPage) {
      throw fault(gva, access, true, ERROR_PRESENT);
    }
    if (access == Mmu.EXECUTE) {
      boolean smep = !user && userPage && (cpu.cr4 & Cpu.CR4_SMEP) != 0;
      if (noExecute != 0 || smep) {
        throw fault(gva, access, user, ERROR_PRESENT);
      }
      return writePermitted;
    }
    boolean keyRead = true;
    boolean keyWrite = true;
    if (userPage && (cpu.cr4 & Cpu.CR4_PKE) != 0 && cpu.longModeActive()) {
      int denied = cpu.pkru >>> 2 * key & 3;
      keyRead = (denied & 1) == 0;
      keyWrite = keyRead && ((denied & 2) == 0 || writesAnything);
    }
    // The error code tells about the key whatever else forbids the access (SDM volume 3, 4.7).
    boolean write = access == Mmu.WRITE;
    boolean keyAllows = write ? keyWrite : keyRead;
    boolean smap = !user && userPage && (cpu.cr4 & Cpu.CR4_SMAP) != 0 && !cpu.mmu.smapOpen();
    if (smap || !keyAllows || write && !writePermitted) {
      throw fault(gva, access, user, ERROR_PRESENT | (keyAllows ? 0 : ERROR_KEY));
    }
    return writePermitted && keyWrite;
  }

  private CpuException fault(long gva, int access, boolean user, int error) {
    cpu.cr2 = gva;
    boolean fetchBit =
        (cpu.cr4 & Cpu.CR4_SMEP) != 0
            || (cpu.cr4 & Cpu.CR4_PAE) != 0 && (cpu.efer & Cpu.EFER_NXE) != 0;
    if (access == Mmu.WRITE) {
      error |= ERROR_WRITE;
    } else if (access == Mmu.EXECUTE && fetchBit) {
      error |= ERROR_FETCH;
    }
    return cpu.fault(Vector.PF, error | (user ? ERROR_USER : 0));
  }
}
