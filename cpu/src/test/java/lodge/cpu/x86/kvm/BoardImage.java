package lodge.cpu.x86.kvm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The memory that scenarios start with: descriptor tables with every type of descriptor, handlers
 * that halt, stacks, page tables of each kind. All other bytes are HLT, so that code which goes
 * astray ends at once.
 */
final class BoardImage {
  static final int GDT = 0x1000;
  static final int IDT = 0x2000;
  static final int IDT_LONG = 0x3000;
  static final int TSS = 0x4000;

  /** Up to the end of the I/O permission bitmap. */
  static final int TSS_LIMIT = 0x68 + 0x20;

  static final int OTHER_TSS = 0x4400;
  static final int TSS_16 = 0x4800;
  static final int LDT = 0x5000;

  /** A HLT for each vector, 16 bytes apart. */
  static final int HANDLERS = 0x6000;

  static final int CODE = 0x7000;

  /** Where gates and far pointers lead to. */
  static final int TARGET = 0x7800;

  static final int DATA = 0x8000;
  static final int KERNEL_STACK = 0xA000;
  static final int STACK = 0xB000;
  static final int USER_STACK = 0xC000;
  static final int IST_STACK = 0xD000;

  static final int PML4 = 0x1_0000;
  private static final int PDPT = 0x1_1000;
  private static final int PD = 0x1_2000;
  private static final int PT = 0x1_3000;
  static final int PDPT_PAE = 0x1_4000;
  private static final int PD_PAE = 0x1_5000;
  static final int PD_32 = 0x1_6000;
  private static final int PT_32 = 0x1_7000;

  /** The last tables of the probed region, one for each kind of entry. */
  static final int PROBE_PT = 0x1_8000;

  static final int PROBE_PT_32 = 0x1_9000;
  static final int PROBE_PDPT = 0x1_A000;
  static final int PROBE_PD = 0x1_B000;

  /** What the probed linear page is mapped to. */
  static final int PROBE_FRAME = 0x3_1000;

  /** Linear address whose every level of translation is its own. */
  static final long PROBE_LONG = 0x80_0000_0000L;

  static final long PROBE_PAE = 0x20_0000;
  static final long PROBE_32 = 0x40_0000;

  static final int CODE_32 = 0x08;
  static final int DATA_32 = 0x10;
  static final int CODE_32_USER = 0x18;
  static final int DATA_32_USER = 0x20;
  static final int CODE_64 = 0x28;
  static final int CODE_64_USER = 0x30;
  static final int CODE_16 = 0x38;
  static final int DATA_16 = 0x40;
  static final int TSS_SELECTOR = 0x58;
  static final int LDT_SELECTOR = 0x68;

  /** First of the descriptors that are there for the trying. */
  static final int FIRST_SPECIMEN = 0x80;

  /** End of them, exclusive. */
  static final int SPECIMENS_END = 0x1000;

  private final byte[] bytes = new byte[Machine.MEMORY];
  private final MemorySegment image = MemorySegment.ofArray(bytes);

  BoardImage() {
    Arrays.fill(bytes, (byte) 0xF4);
    Arrays.fill(bytes, 0, 0x6000, (byte) 0);
    Arrays.fill(bytes, PML4, 0x2_0000, (byte) 0);
    for (int i = 0; i < 0x1000; i++) {
      bytes[DATA + i] = (byte) (i * 37 + 11);
      bytes[PROBE_FRAME + i] = (byte) 0xF4;
    }
    descriptors();
    gates();
    tasks();
    pageTables();
  }

  void copyTo(MemorySegment memory) {
    MemorySegment.copy(image, 0, memory, 0, Machine.MEMORY);
  }

  long read(long address) {
    return image.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
  }

  private void put(long address, long value) {
    image.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
  }

  private void put32(long address, int value) {
    image.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
  }

  private void put16(long address, int value) {
    image.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) value);
  }

  /**
   * @param access bits 7:0 the access byte, 15:12 G, D/B, L, AVL
   */
  static long segment(long base, int limit, int access) {
    return limit & 0xFFFF
        | (base & 0xFF_FFFF) << 16
        | (long) (access & 0xF0FF) << 40
        | (long) (limit >> 16 & 0xF) << 48
        | (base >>> 24 & 0xFF) << 56;
  }

  static long gate(int selector, long offset, int access, int parameters) {
    return offset & 0xFFFF
        | (long) (selector & 0xFFFF) << 16
        | (long) (parameters & 0x1F) << 32
        | (long) (access & 0xFF) << 40
        | (offset >>> 16 & 0xFFFF) << 48;
  }

  private void descriptors() {
    long[] fixed = {
      0,
      segment(0, 0xF_FFFF, 0xC09B),
      segment(0, 0xF_FFFF, 0xC093),
      segment(0, 0xF_FFFF, 0xC0FB),
      segment(0, 0xF_FFFF, 0xC0F3),
      segment(0, 0xF_FFFF, 0xA09B),
      segment(0, 0xF_FFFF, 0xA0FB),
      segment(0, 0xFFFF, 0x009B),
      segment(0, 0xFFFF, 0x0093),
      segment(0, 0xFFFF, 0x00FB),
      segment(0, 0xFFFF, 0x00F3),
      segment(TSS, TSS_LIMIT, 0x8B),
      0,
      segment(LDT, 0xFF, 0x82),
      0
    };
    for (int i = 0; i < fixed.length; i++) {
      put(GDT + 8 * i, fixed[i]);
    }
    int at = FIRST_SPECIMEN;
    // Code and data of every type and level, accessed or not, present or not.
    int[] attributes = {0xC000, 0x4000, 0x8000, 0x0000, 0xA000, 0x2000, 0x6000, 0x1000};
    for (int type = 0; type < 16; type++) {
      for (int dpl = 0; dpl < 4; dpl++) {
        int attribute = attributes[(type * 5 + dpl * 3) % attributes.length];
        put(GDT + at, segment(0x10 * type, 0xF_FFFF, 0x90 | type | dpl << 5 | attribute));
        at += 8;
        if (dpl % 3 == 0) {
          put(GDT + at, segment(0, 0x7FFF, 0x10 | type | dpl << 5 | 0x4000));
          at += 8;
        }
      }
    }
    // System descriptors in 16 bytes each.
    for (int type = 0; type < 16; type++) {
      for (int dpl = 0; dpl < 4; dpl += 3) {
        for (int present = 0; present <= 0x80; present += 0x80) {
          put(GDT + at, system(type, type | dpl << 5 | present));
          at += 16;
        }
      }
    }
    // Call gates, to where a call may and may not go.
    int[] targets = {
      CODE_32,
      CODE_64,
      CODE_16,
      CODE_32_USER,
      CODE_64_USER,
      DATA_32,
      0,
      0x1000,
      TSS_SELECTOR,
      CODE_32 | 3,
      CODE_64 | 3,
      FIRST_SPECIMEN + 12 * 48
    };
    for (int target : targets) {
      put(GDT + at, gate(target, TARGET, 0xEC, at >> 4 & 3));
      at += 16;
    }
    for (; at + 16 <= SPECIMENS_END; at += 16) {
      int type = at >> 4 & 0xF;
      put(GDT + at, segment(0x100, 0xFFFF, 0x9B | (at >> 3 & 0x60) | type << 12));
      put(GDT + at + 8, segment(0, type, 0xD3 | (at >> 4 & 0x24) | type << 12 & 0xC000));
    }
    for (int i = 0; i < 32; i++) {
      put(LDT + 8 * i, read(GDT + 8 * (i < 12 ? i : i * 5)));
    }
  }

  private static long system(int type, int access) {
    return switch (type) {
      case 4, 12 -> gate(type == 4 ? CODE_16 : CODE_32, TARGET, access, 2);
      case 5 -> gate(0x80 + 0x60 * 8, 0, access, 0);
      case 6, 7, 14, 15 -> gate(CODE_32, TARGET, access, 0);
      case 1, 3 -> segment(TSS_16, 0x2B, access);
      case 2 -> segment(LDT, 0xFF, access);
      default -> segment(OTHER_TSS, 0x67, access);
    };
  }

  private void gates() {
    for (int vector = 0; vector < 256; vector++) {
      int handler = HANDLERS + 16 * vector;
      put32(4L * vector, handler);
      boolean open = vector == 3 || vector == 4 || vector >= 0x80;
      int dpl = open ? 0x60 : 0;
      put(IDT + 8 * vector, gate(CODE_32, handler, 0x8E | dpl, 0));
      int ist = vector == 8 || vector == 0x85 ? 1 : 0;
      put(IDT_LONG + 16 * vector, gate(CODE_64, handler, 0x8E | dpl, ist));
    }
    int[][] odd = {
      {0x91, CODE_16, 0xE6},
      {0x92, CODE_32, 0xEF},
      {0x93, CODE_16, 0xE7},
      {0x94, CODE_32, 0x6E},
      {0x95, CODE_32 | 3, 0xEE},
      {0x96, 0, 0xEE},
      {0x97, 0x1000, 0xEE},
      {0x98, DATA_32, 0xEE},
      {0x99, CODE_32_USER, 0xEE},
      {0x9A, CODE_32, 0xE0},
      {0x9B, CODE_32, 0xEC},
      {0x9C, CODE_64, 0xEF},
      {0x9D, CODE_64_USER, 0xEE},
      {0x9E, CODE_64, 0xEE},
      {0x9F, CODE_64, 0x6E},
    };
    for (int[] row : odd) {
      int vector = row[0];
      int handler = HANDLERS + 16 * vector;
      put(IDT + 8 * vector, gate(row[1], handler, row[2], 0));
      put(IDT_LONG + 16 * vector, gate(row[1], handler, row[2], 0));
    }
  }

  private void tasks() {
    // The two layouts of a TSS share the place of the first stack.
    put(TSS + 4, KERNEL_STACK | (long) DATA_32 << 32);
    put(TSS + 0x24, IST_STACK);
    put16(TSS + 0x66, 0x68);
    for (int i = 0; i < 0x20; i++) {
      bytes[TSS + 0x68 + i] = (byte) (i % 3 == 0 ? 0x00 : i % 3 == 1 ? 0xFF : 0xA5);
    }
    bytes[TSS + TSS_LIMIT] = (byte) 0xFF;
    int t = OTHER_TSS;
    put(t + 4, KERNEL_STACK | (long) DATA_32 << 32);
    put32(t + 0x20, TARGET);
    put32(t + 0x24, 2);
    for (int i = 0; i < 8; i++) {
      put32(t + 0x28 + 4 * i, i == 4 ? IST_STACK : 0x1111 * i);
    }
    int[] selectors = {DATA_32, CODE_32, DATA_32, DATA_32, 0, DATA_32_USER, LDT_SELECTOR};
    for (int i = 0; i < selectors.length; i++) {
      put32(t + 0x48 + 4 * i, selectors[i]);
    }
    put16(t + 0x66, 0x68);
    t = TSS_16;
    int[] words = {
      0,
      KERNEL_STACK,
      DATA_16,
      0,
      0,
      0,
      0,
      TARGET,
      2,
      1,
      2,
      3,
      4,
      IST_STACK,
      6,
      7,
      8,
      DATA_16,
      CODE_16,
      DATA_16,
      DATA_16,
      LDT_SELECTOR
    };
    for (int i = 0; i < words.length; i++) {
      put16(t + 2 * i, words[i]);
    }
  }

  private void pageTables() {
    for (int i = 0; i < 0xA0; i++) {
      put(PT + 8 * i, (long) i << 12 | 0x67);
      put32(PT_32 + 4 * i, i << 12 | 0x67);
    }
    put(PML4, PDPT | 0x27);
    put(PML4 + 8, PROBE_PDPT | 0x07);
    put(PDPT, PD | 0x27);
    put(PD, PT | 0x27);
    put(PDPT_PAE, PD_PAE | 0x01);
    put(PD_PAE, PT | 0x27);
    put(PD_PAE + 8, PROBE_PT | 0x07);
    put32(PD_32, PT_32 | 0x27);
    put32(PD_32 + 4, PROBE_PT_32 | 0x07);
    put(PROBE_PT, PROBE_FRAME | 0x07);
    put32(PROBE_PT_32, PROBE_FRAME | 0x07);
    put(PROBE_PDPT, PROBE_PD | 0x07);
    put(PROBE_PD, PROBE_PT | 0x07);
  }

  /** Where the entry of a level that translates the probed address is; 0 when there is none. */
  static int probeEntry(Mode.Paging paging, int level) {
    return switch (paging) {
      case NONE -> 0;
      case TWO_LEVEL -> new int[] {PROBE_PT_32, PD_32 + 4, 0, 0}[level];
      case PAE -> new int[] {PROBE_PT, PD_PAE + 8, 0, 0}[level];
      case FOUR_LEVEL -> new int[] {PROBE_PT, PROBE_PD, PROBE_PDPT, PML4 + 8}[level];
    };
  }
}
