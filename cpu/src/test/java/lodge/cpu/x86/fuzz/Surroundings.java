package lodge.cpu.x86.fuzz;

import java.util.random.RandomGenerator;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Descriptor;
import lodge.cpu.x86.Flags;

/**
 * What code finds in memory and in the control registers: descriptors, gates and page tables of all
 * formats over one another, mostly sound, in the first 256 KiB.
 */
final class Surroundings {
  static final int MEMORY = 4 << 20;

  /** What is filled anew for every guest. */
  static final int USED = 0x4_0000;

  static final int GDT = 0x1000;
  static final int IDT = 0x2000;
  static final int TSS = 0x3000;
  static final int LDT = 0x5000;
  static final int CODE = 0x8000;
  static final int CODE_SIZE = 0x2000;
  static final int STACK = 0x1_8000;
  static final int TABLES = 0x2_0000;

  /** A device's 64 KiB. */
  static final long MMIO = 0xE000_0000L;

  // Selectors.
  static final int CODE_32 = 0x08;
  static final int CODE_16 = 0x10;
  static final int CODE_64 = 0x18;
  static final int DATA = 0x20;
  static final int USER_CODE_32 = 0x28;
  static final int USER_CODE_16 = 0x30;
  static final int USER_CODE_64 = 0x38;
  static final int USER_DATA = 0x40;
  private static final int TSS_SELECTOR = 0x48;
  private static final int LDT_SELECTOR = 0x58;

  private static final long ENTRY = 0x67;

  private final Cpu c;
  private final GuestMemory memory;

  /** Registers may point to the code: what writes there costs translators much. */
  private boolean pointersToCode = true;

  private final RandomGenerator random;

  Surroundings(Cpu c, RandomGenerator random) {
    this.c = c;
    this.memory = c.memory;
    this.random = random;
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** Random bytes everywhere, then the tables. */
  void fillMemory(GuestMode mode, boolean sound) {
    for (int i = 0; i < USED; i += 8) {
      memory.putLong(i, random.nextLong());
    }
    if (!mode.protectedMode()) {
      for (int i = 0; i < 256; i++) {
        if (sound || chance(80)) {
          memory.putInt(4 * i, CODE + random.nextInt(CODE_SIZE));
        }
      }
    }
    descriptors(sound);
    gates(mode, sound);
    tables();
    if (!sound) {
      for (int i = 0; i < 64; i++) {
        spoilEntry(TABLES + random.nextInt(0x1_0000 / 8) * 8);
      }
      for (int i = 0; i < 4; i++) {
        spoilEntry(TABLES + 0x4000 + random.nextInt(0x40) * 8);
      }
    }
  }

  private void descriptors(boolean sound) {
    long[] gdt = {
      0,
      0x00CF_9B00_0000_FFFFL,
      0x0000_9B00_0000_FFFFL,
      0x00AF_9B00_0000_FFFFL,
      0x00CF_9300_0000_FFFFL,
      0x00CF_FB00_0000_FFFFL,
      0x0000_FB00_0000_FFFFL,
      0x00AF_FB00_0000_FFFFL,
      0x00CF_F300_0000_FFFFL,
      0x0000_8900_3000_2068L,
      0,
      0x0000_8200_5000_0FFFL,
      0,
      0x0000_EC00_0008_8100L,
      0x0000_8500_0048_0000L,
      0x0000_9700_0000_7FFFL
    };
    for (int i = 0; i < gdt.length; i++) {
      memory.putLong(GDT + 8 * i, gdt[i]);
      if (!sound && i > 3 && chance(8)) {
        memory.putLong(GDT + 8 * i, gdt[i] ^ 1L << random.nextInt(64));
      }
      memory.putLong(LDT + 8 * i, gdt[random.nextInt(gdt.length)] ^ 1L << random.nextInt(64));
    }
    // A TSS whose stacks are good in both layouts.
    if (sound || chance(70)) {
      for (int i = 0; i < 0x68; i += 8) {
        memory.putLong(TSS + i, 0);
      }
      memory.putLong(TSS + 4, STACK);
      memory.putInt(TSS + 8, c.longModeActive() ? 0 : DATA);
      for (int i = 1; i < 8; i++) {
        memory.putLong(TSS + 0x1C + 8 * i, STACK);
      }
      memory.putShort(TSS + 0x66, (short) 0x88);
    }
  }

  private void gates(GuestMode mode, boolean sound) {
    int size = mode.longMode() ? 16 : 8;
    for (int i = 0; i < 4096 / size; i++) {
      if (!sound && chance(10)) {
        continue;
      }
      int selector = mode.longMode() ? CODE_64 : mode.codeSize == 2 ? CODE_16 : CODE_32;
      if (!sound && chance(10)) {
        selector = random.nextInt(0x70);
      }
      int type = sound ? 0xE : new int[] {0xE, 0xF, 6, 7, 5, 0xE}[random.nextInt(6)];
      int dpl = chance(50) ? 3 : 0;
      int ist = mode.longMode() ? sound ? 1 : random.nextInt(8) : 0;
      // Sound ones lead to a HLT each, which tells the vector.
      int offset = sound ? CODE - 0x200 + i : CODE + random.nextInt(CODE_SIZE);
      long gate =
          offset & 0xFFFF
              | (long) selector << 16
              | (long) ist << 32
              | (long) (0x80 | dpl << 5 | type) << 40;
      memory.putLong(IDT + i * size, gate);
      if (size == 16) {
        memory.putLong(IDT + i * size + 8, 0);
      }
    }
    if (sound) {
      for (int i = 0; i < 256; i++) {
        memory.putByte(CODE - 0x200 + i, (byte) 0xF4);
      }
    }
  }

  /** One tree for all formats of 8-byte entries, with an end for each way in; and one of 4-byte. */
  private void tables() {
    memory.fill(TABLES, 0xA000, (byte) 0);
    memory.putLong(TABLES, TABLES + 0x1000 | ENTRY);
    memory.putLong(TABLES + 8 * 511, TABLES + 0x1000 | ENTRY);
    memory.putLong(TABLES + 0x1000, TABLES + 0x2000 | ENTRY);
    memory.putLong(TABLES + 0x1000 + 8 * 256, TABLES + 0x2000 | ENTRY);
    memory.putLong(TABLES + 0x1000 + 8 * 511, TABLES + 0x2000 | ENTRY);
    memory.putLong(TABLES + 0x2000, TABLES + 0x3000 | ENTRY);
    memory.putLong(TABLES + 0x2000 + 8 * 3, TABLES + 0x5000 | ENTRY);
    memory.putLong(TABLES + 0x2000 + 8 * 510, TABLES + 0x3000 | ENTRY);
    memory.putLong(TABLES + 0x3000, TABLES + 0x4000 | ENTRY);
    for (int i = 1; i < 512; i++) {
      memory.putLong(TABLES + 0x3000 + 8 * i, (long) (i & 1) << 21 | 0xE7);
      memory.putLong(TABLES + 0x5000 + 8 * i, MMIO & ~0x3FFF_FFFFL | (long) i << 21 | 0xE7);
    }
    memory.putLong(TABLES + 0x5000 + 8 * 256, MMIO | 0xE7);
    for (int i = 0; i < 512; i++) {
      memory.putLong(TABLES + 0x4000 + 8 * i, (long) i << 12 | ENTRY);
    }
    // 32-bit paging.
    memory.putInt(TABLES + 0x6000, (int) (TABLES + 0x7000 | ENTRY));
    for (int i = 1; i < 1024; i++) {
      memory.putInt(TABLES + 0x6000 + 4 * i, i << 22 | 0xE7);
    }
    for (int i = 0; i < 1024; i++) {
      memory.putInt(TABLES + 0x7000 + 4 * i, (int) (i << 12 | ENTRY));
    }
    // PAE's four pointers.
    memory.putLong(TABLES + 0x8000, TABLES + 0x3001);
    memory.putLong(TABLES + 0x8018, TABLES + 0x5001);
  }

  private void spoilEntry(int at) {
    long entry = memory.getLong(at);
    memory.putLong(
        at,
        switch (random.nextInt(5)) {
          case 0 -> random.nextLong();
          case 1 -> entry ^ 1L << random.nextInt(64);
          case 2 -> entry ^ random.nextInt(8);
          case 3 -> (long) random.nextInt(0x400) << 12 | ENTRY;
          default -> entry ^ 0x80;
        });
  }

  // ---------------------------------------------------------------- the processor

  /** Enters a mode at the start of the code; everything that is free is drawn. */
  void enter(GuestMode mode, boolean user, boolean sound) {
    controlRegisters(mode, sound);
    pointersToCode = !sound || chance(20);
    c.gdtBase = GDT;
    c.gdtLimit = chance(50) || sound ? 0x7F : 0xFFF;
    c.idtBase = mode.protectedMode() ? IDT : 0;
    c.idtLimit = chance(90) || sound ? mode.protectedMode() ? 0xFFF : 0x3FF : random.nextInt(4096);
    c.cpl = user && mode.protectedMode() ? 3 : 0;
    if (mode == GuestMode.VIRTUAL_8086) {
      c.cpl = 3;
    }
    Flags.set(c, random.nextInt() & (Flags.ARITHMETIC | Flags.DF));
    if (!sound) {
      c.eflags |= random.nextInt() & (Flags.IF | Flags.IOPL | Flags.NT | Flags.AC | Flags.RF);
      if (chance(10)) {
        c.eflags |= Flags.TF;
      }
    } else if (chance(25)) {
      c.eflags &= ~Flags.DF;
    }
    segments(mode);
    for (int i = 0; i < 16; i++) {
      c.r[i] = register();
    }
    c.r[Cpu.RSP] = STACK + 8 * (random.nextInt(0x200) - 0x100);
    if (mode.codeSize == 2) {
      c.r[Cpu.RSP] &= 0xFFFF;
    }
    c.rip = CODE;
    for (int i = 0; i < 64; i++) {
      c.xmm[i] = lane();
    }
    for (int i = 0; i < 8; i++) {
      c.x87.significand[i] = random.nextLong() | 1L << 63;
      c.x87.signExponent[i] = chance(50) ? 0x3FFF + random.nextInt(32) : random.nextInt(0x1_0000);
    }
    c.x87.valid = chance(50) ? 0xFF : random.nextInt(256);
    c.x87.top = random.nextInt(8);
    c.x87.control = chance(70) ? 0x37F : 0x40 | random.nextInt(0x1000) & 0xF3F;
    c.mxcsr = chance(70) ? 0x1F80 : random.nextInt(0x1_0000);
    c.modeChanged();
    c.mmu.flushAll();
  }

  private void controlRegisters(GuestMode mode, boolean sound) {
    boolean paging = mode.longMode() || mode.protectedMode() && chance(60);
    long optional = Cpu.CR4_TSD | Cpu.CR4_DE | Cpu.CR4_MCE | Cpu.CR4_PGE | Cpu.CR4_PCE;
    optional |= Cpu.CR4_UMIP | Cpu.CR4_FSGSBASE | Cpu.CR4_OSXMMEXCPT | Cpu.CR4_PKE;
    if (!sound) {
      optional |= Cpu.CR4_VME | Cpu.CR4_PVI | Cpu.CR4_SMEP | Cpu.CR4_SMAP;
    }
    c.cr4 = random.nextLong() & optional | Cpu.CR4_OSFXSR | Cpu.CR4_OSXSAVE;
    if (mode.longMode()) {
      c.cr4 |= Cpu.CR4_PAE;
      c.efer = Cpu.EFER_LME | Cpu.EFER_LMA | random.nextInt() & Cpu.EFER_NXE;
      c.efer |= chance(50) ? Cpu.EFER_SCE : 0;
      boolean five = chance(30);
      c.cr4 |= five ? Cpu.CR4_LA57 : 0;
      c.cr4 |= chance(30) ? Cpu.CR4_PCIDE : 0;
      c.cr3 = TABLES + (five ? 0 : 0x1000);
    } else if (paging && chance(50)) {
      c.cr4 |= Cpu.CR4_PAE;
      c.cr3 = TABLES + 0x8000;
      for (int i = 0; i < 4; i++) {
        c.pdpte[i] = memory.getLong(c.cr3 + 8 * i);
      }
    } else {
      c.cr4 |= Cpu.CR4_PSE;
      c.cr3 = TABLES + 0x6000;
    }
    c.cr0 = Cpu.CR0_ET | Cpu.CR0_NE;
    c.cr0 |= mode.protectedMode() ? Cpu.CR0_PE : 0;
    c.cr0 |= paging ? Cpu.CR0_PG & 0xFFFF_FFFFL : 0;
    c.cr0 |= random.nextInt() & (Cpu.CR0_WP | Cpu.CR0_AM);
    if (!sound && chance(10)) {
      c.cr0 |= random.nextInt() & (Cpu.CR0_TS | Cpu.CR0_EM | Cpu.CR0_MP);
      c.cr0 &= ~Cpu.CR0_NE;
    }
    c.xcr0 = chance(80) ? 7 : 1;
  }

  private void segments(GuestMode mode) {
    boolean user = c.cpl == 3;
    int code =
        switch (mode) {
          case LONG -> user ? USER_CODE_64 : CODE_64;
          case PROTECTED_32, COMPATIBILITY_32 -> user ? USER_CODE_32 : CODE_32;
          default -> user ? USER_CODE_16 : CODE_16;
        };
    int data = user ? USER_DATA : DATA;
    if (mode == GuestMode.VIRTUAL_8086) {
      c.eflags |= Flags.VM;
    }
    for (int i = 0; i < 6; i++) {
      if (mode.protectedMode() && mode != GuestMode.VIRTUAL_8086) {
        int selector = (i == Cpu.CS ? code : data) | c.cpl;
        long descriptor = sound(selector & ~3);
        segment(i, selector, Descriptor.base(descriptor), Descriptor.limit(descriptor));
        c.segAccess[i] = Descriptor.access(descriptor);
      } else {
        int selector = i == Cpu.CS || chance(50) ? 0 : random.nextInt(0x1000);
        segment(
            i, selector, (long) selector << 4, mode == GuestMode.UNREAL ? 0xFFFF_FFFFL : 0xFFFF);
        c.segAccess[i] = mode == GuestMode.VIRTUAL_8086 ? 0xF3 : 0x93;
      }
    }
    segment(Cpu.TR, TSS_SELECTOR, TSS, 0x2068);
    c.segAccess[Cpu.TR] = 0x8B;
    segment(Cpu.LDTR, LDT_SELECTOR, LDT, 0xFFF);
    c.segAccess[Cpu.LDTR] = 0x82;
    if (mode == GuestMode.LONG) {
      c.segBase[Cpu.FS] = register() & 0xFFFF_FFFFL;
      c.segBase[Cpu.GS] = register() & 0xFFFF_FFFFL;
    }
  }

  private void segment(int segment, int selector, long base, long limit) {
    c.selector[segment] = selector;
    c.segBase[segment] = base;
    c.segLimit[segment] = limit;
  }

  private static long sound(int selector) {
    return switch (selector) {
      case CODE_32 -> 0x00CF_9B00_0000_FFFFL;
      case CODE_16 -> 0x0000_9B00_0000_FFFFL;
      case CODE_64 -> 0x00AF_9B00_0000_FFFFL;
      case USER_CODE_32 -> 0x00CF_FB00_0000_FFFFL;
      case USER_CODE_16 -> 0x0000_FB00_0000_FFFFL;
      case USER_CODE_64 -> 0x00AF_FB00_0000_FFFFL;
      case DATA -> 0x00CF_9300_0000_FFFFL;
      default -> 0x00CF_F300_0000_FFFFL;
    };
  }

  /** Mostly an address of data, sometimes of code, of a device or of nothing. */
  long register() {
    return switch (random.nextInt(16)) {
      case 0 -> random.nextLong();
      case 1 -> (pointersToCode ? CODE : STACK) + random.nextInt(256);
      case 2 -> MMIO + random.nextInt(0x1_0000);
      case 3 -> random.nextInt(64);
      case 4 -> random.nextInt();
      case 5 -> 0xFFFF_FFFF_8000_0000L + random.nextInt(USED);
      case 6 -> 0x10 + random.nextInt(0x10) << 12 | 0xFF0 + random.nextInt(16);
      default -> 0x1_0000 + random.nextInt(0xF000);
    };
  }

  private long lane() {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextLong();
      case 1 -> Double.doubleToRawLongBits(random.nextInt(1000) / 8.0 - 50);
      case 2 -> 0x3F80_0000_4000_0000L + random.nextInt(0x10_0000);
      default -> 0x1_0000 + random.nextInt(0x8000);
    };
  }
}
