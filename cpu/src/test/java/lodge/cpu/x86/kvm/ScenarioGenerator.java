package lodge.cpu.x86.kvm;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Flags;

/**
 * Draws scenarios from a table of instructions. In the templates {@code M} stands for a memory
 * operand at (E/R)BX with the register field before it, {@code i8} for a byte; the rest is machine
 * code. AX takes a selector, the memory operand a far pointer or a descriptor table register.
 */
final class ScenarioGenerator {
  /** What an instruction needs around it. */
  enum Needs {
    NOTHING,
    /** A selector in AX and at the memory operand, descriptors drawn anew. */
    SELECTOR,
    /** A far pointer at the memory operand and in the code. */
    FAR,
    /** A frame for a far return or IRET on the stack. */
    FRAME,
    /** Flags on the stack. */
    FLAGS,
    /** Limit and base at the memory operand. */
    TABLE,
    CONTROL,
    DEBUG,
    MSR,
    VECTOR,
    PORT,
    /** The memory operand is on a page whose translation is drawn. */
    PAGE
  }

  /**
   * @param bits what code sizes know it: sum of 2, 4, 8
   */
  record Row(String mnemonic, String code, Needs needs, int bits) {}

  private static final int ALL = 14;
  private static final int LEGACY = 6;
  private static final int LONG = 8;

  private static final List<Row> ROWS = rows();

  private static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    String[] registers = {"ES", "CS", "SS", "DS", "FS", "GS"};
    for (int i = 0; i < 6; i++) {
      String name = registers[i];
      add(rows, "MOV " + name + ", r16", "8E" + modrm(i, 0), Needs.SELECTOR, ALL);
      add(rows, "MOV r, " + name, "8C" + modrm(i, 0), Needs.NOTHING, ALL);
      add(rows, "MOV m16, " + name, "8CM" + i, Needs.NOTHING, ALL);
    }
    String[] pushes = {"06", "0E", "16", "1E", "0FA0", "0FA8"};
    String[] pops = {"07", "", "17", "1F", "0FA1", "0FA9"};
    for (int i = 0; i < 6; i++) {
      int bits = i < 4 ? LEGACY : ALL;
      add(rows, "PUSH " + registers[i], pushes[i], Needs.NOTHING, bits);
      if (i != 1) {
        add(rows, "POP " + registers[i], pops[i], Needs.FRAME, bits);
      }
    }
    String[] pointers = {"C4", "", "0FB2", "C5", "0FB4", "0FB5"};
    for (int i = 0; i < 6; i++) {
      if (i != 1) {
        boolean old = i == 0 || i == 3;
        add(rows, "L" + registers[i], pointers[i] + "M1", Needs.FAR, old ? LEGACY : ALL);
      }
    }
    add(rows, "LAR", "0F02C8", Needs.SELECTOR, ALL);
    add(rows, "LSL", "0F03C8", Needs.SELECTOR, ALL);
    add(rows, "VERR", "0F00E0", Needs.SELECTOR, ALL);
    add(rows, "VERW", "0F00E8", Needs.SELECTOR, ALL);
    add(rows, "ARPL", "63C8", Needs.SELECTOR, LEGACY);
    add(rows, "SLDT", "0F00C1", Needs.NOTHING, ALL);
    add(rows, "STR", "0F00C9", Needs.NOTHING, ALL);
    add(rows, "SLDT m16", "0F00M0", Needs.NOTHING, ALL);
    add(rows, "LLDT", "0F00D0", Needs.SELECTOR, ALL);
    add(rows, "LTR", "0F00D8", Needs.SELECTOR, ALL);
    add(rows, "LLDT m16", "0F00M2", Needs.SELECTOR, ALL);
    add(rows, "LTR m16", "0F00M3", Needs.SELECTOR, ALL);
    add(rows, "SGDT", "0F01M0", Needs.NOTHING, ALL);
    add(rows, "SIDT", "0F01M1", Needs.NOTHING, ALL);
    add(rows, "LGDT", "0F01M2", Needs.TABLE, ALL);
    add(rows, "LIDT", "0F01M3", Needs.TABLE, ALL);
    add(rows, "SMSW", "0F01E1", Needs.NOTHING, ALL);
    add(rows, "SMSW m16", "0F01M4", Needs.NOTHING, ALL);
    add(rows, "LMSW", "0F01F0", Needs.CONTROL, ALL);
    add(rows, "INVLPG", "0F01M7", Needs.NOTHING, ALL);
    add(rows, "CLTS", "0F06", Needs.CONTROL, ALL);
    add(rows, "INVD", "0F08", Needs.NOTHING, ALL);
    add(rows, "WBINVD", "0F09", Needs.NOTHING, ALL);
    for (int cr = 0; cr < 9; cr++) {
      String rex = cr == 8 ? "44" : "";
      int bits = cr == 8 ? LONG : ALL;
      add(rows, "MOV CR" + cr + ", r", rex + "0F22" + modrm(cr & 7, 0), Needs.CONTROL, bits);
      add(rows, "MOV r, CR" + cr, rex + "0F20" + modrm(cr & 7, 1), Needs.NOTHING, bits);
    }
    for (int dr = 0; dr < 8; dr++) {
      add(rows, "MOV DR" + dr + ", r", "0F23" + modrm(dr, 0), Needs.DEBUG, ALL);
      add(rows, "MOV r, DR" + dr, "0F21" + modrm(dr, 1), Needs.DEBUG, ALL);
    }
    add(rows, "RDMSR", "0F32", Needs.MSR, ALL);
    add(rows, "WRMSR", "0F30", Needs.MSR, ALL);
    add(rows, "INT", "CDi8", Needs.VECTOR, ALL);
    add(rows, "INT3", "CC", Needs.NOTHING, ALL);
    add(rows, "INTO", "CE", Needs.NOTHING, LEGACY);
    add(rows, "INT1", "F1", Needs.NOTHING, ALL);
    add(rows, "UD2", "0F0B", Needs.NOTHING, ALL);
    add(rows, "HLT", "F4", Needs.NOTHING, ALL);
    add(rows, "IRET", "CF", Needs.FRAME, ALL);
    add(rows, "RET far", "CB", Needs.FRAME, ALL);
    add(rows, "RET far imm16", "CA0800", Needs.FRAME, ALL);
    add(rows, "JMP ptr", "EAptr", Needs.FAR, LEGACY);
    add(rows, "CALL ptr", "9Aptr", Needs.FAR, LEGACY);
    add(rows, "JMP m far", "FFM5", Needs.FAR, ALL);
    add(rows, "CALL m far", "FFM3", Needs.FAR, ALL);
    add(rows, "CLI", "FA", Needs.NOTHING, ALL);
    add(rows, "STI", "FB", Needs.NOTHING, ALL);
    add(rows, "PUSHF", "9C", Needs.NOTHING, ALL);
    add(rows, "POPF", "9D", Needs.FLAGS, ALL);
    add(rows, "SWAPGS", "0F01F8", Needs.NOTHING, LONG);
    add(rows, "SYSENTER", "0F34", Needs.NOTHING, ALL);
    add(rows, "SYSEXIT", "0F35", Needs.NOTHING, ALL);
    add(rows, "SYSCALL", "0F05", Needs.NOTHING, ALL);
    add(rows, "SYSRET", "0F07", Needs.NOTHING, ALL);
    add(rows, "IN imm8", "E4i8", Needs.PORT, ALL);
    add(rows, "IN DX", "ED", Needs.PORT, ALL);
    add(rows, "OUT imm8", "E7i8", Needs.PORT, ALL);
    add(rows, "OUT DX", "EE", Needs.PORT, ALL);
    add(rows, "MOV load", "8BM1", Needs.PAGE, ALL);
    add(rows, "MOV store", "89M1", Needs.PAGE, ALL);
    add(rows, "MOV store byte", "88M1", Needs.PAGE, ALL);
    add(rows, "ADD m, r", "01M1", Needs.PAGE, ALL);
    add(rows, "PUSH m", "FFM6", Needs.PAGE, ALL);
    add(rows, "JMP r", "FFE3", Needs.PAGE, ALL);
    add(rows, "XCHG m, r", "87M1", Needs.PAGE, ALL);
    add(rows, "LGDT", "0F01M2", Needs.PAGE, ALL);
    add(rows, "SGDT", "0F01M0", Needs.PAGE, ALL);
    return List.copyOf(rows);
  }

  private static void add(List<Row> rows, String mnemonic, String code, Needs needs, int bits) {
    rows.add(new Row(mnemonic, code, needs, bits));
  }

  private static String modrm(int reg, int rm) {
    return String.format("%02X", 0xC0 | reg << 3 | rm);
  }

  private final Random random;
  private final CpuModel model;

  ScenarioGenerator(long seed, CpuModel model) {
    random = new Random(seed);
    this.model = model;
  }

  static List<Row> table() {
    return ROWS;
  }

  /** Whether a row has a meaning, if only #UD by privilege or mode, in a mode. */
  static boolean fits(Row row, Mode mode) {
    return (row.bits & mode.codeSize) != 0;
  }

  Scenario draw(Row row, Mode mode) {
    Scenario s = new Scenario(row.mnemonic, mode);
    long[] v = s.start.v;
    for (int i = 0; i < 16; i++) {
      if (i != Cpu.RSP && i != Cpu.RBX) {
        v[i] = mode.codeSize == 8 ? random.nextLong() : random.nextInt() & 0xFFFF_FFFFL;
      }
    }
    v[Cpu.RBX] = BoardImage.DATA + 0x100;
    flags(s);
    control(s);
    surroundings(s, row.needs);
    s.code(encode(row, mode));
    return s;
  }

  private void flags(Scenario s) {
    s.start.v[CpuState.RFLAGS] |= random.nextInt() & Flags.ARITHMETIC;
    if (random.nextInt(3) == 0) {
      s.start.v[CpuState.RFLAGS] |= random.nextInt() & (Flags.AC | Flags.NT | Flags.ID);
    }
    if (!s.mode.virtual8086() && random.nextInt(3) == 0) {
      s.start.v[CpuState.RFLAGS] |= random.nextInt() & Flags.IOPL;
    }
  }

  private void control(Scenario s) {
    long[] v = s.start.v;
    if (random.nextInt(4) == 0) {
      v[CpuState.CR0] |= random.nextInt() & (Cpu.CR0_TS | Cpu.CR0_EM | Cpu.CR0_MP | Cpu.CR0_WP);
    }
    int free = Cpu.CR4_TSD | Cpu.CR4_DE | Cpu.CR4_PGE | Cpu.CR4_UMIP | Cpu.CR4_FSGSBASE;
    if (s.mode.virtual8086()) {
      free |= Cpu.CR4_VME;
    }
    if (random.nextInt(4) == 0) {
      v[CpuState.CR4] |= random.nextInt() & free & model.cr4Mask();
    }
  }

  private String encode(Row row, Mode mode) {
    StringBuilder code = new StringBuilder();
    int wide = random.nextInt(3);
    if (wide == 0) {
      code.append("66");
    } else if (wide == 1 && mode.codeSize == 8 && !row.code.startsWith("44")) {
      code.append("48");
    }
    boolean wideOperand = mode.codeSize == 2 ? wide == 0 : wide != 0;
    String template = row.code;
    int memory = template.indexOf('M');
    if (memory >= 0) {
      int rm = mode.codeSize == 2 ? 7 : 3;
      int reg = template.charAt(memory + 1) - '0';
      template =
          template.substring(0, memory)
              + String.format("%02X", reg << 3 | rm)
              + template.substring(memory + 2);
    }
    template = template.replace("i8", String.format("%02X", immediate(row.needs)));
    if (template.endsWith("ptr")) {
      template = template.substring(0, template.length() - 3);
      int offset = offset();
      code.append(template).append(little(offset, wideOperand ? 4 : 2));
      return code.append(little(selector(mode), 2)).toString();
    }
    return code.append(template).toString();
  }

  private static String little(int value, int size) {
    StringBuilder hex = new StringBuilder();
    for (int i = 0; i < size; i++) {
      hex.append(String.format("%02X", value >> 8 * i & 0xFF));
    }
    return hex.toString();
  }

  private int immediate(Needs needs) {
    if (needs == Needs.VECTOR && random.nextBoolean()) {
      return 0x80 + random.nextInt(0x20);
    }
    return random.nextInt(256);
  }

  private int offset() {
    return random.nextInt(8) == 0 ? random.nextInt() : BoardImage.TARGET + random.nextInt(16);
  }

  /** A selector that means something in the mode. */
  private int selector(Mode mode) {
    if (mode.real() || mode.virtual8086()) {
      // Below 1 MiB the end of the memory is not reached from here.
      return random.nextInt(0x800);
    }
    int rpl = random.nextInt(3) == 0 ? random.nextInt(4) : mode.cpl;
    return switch (random.nextInt(12)) {
      case 0 -> rpl;
      case 1 -> random.nextInt(0x10000);
      case 2 -> 0x1000 + random.nextInt(0x20);
      case 3 -> random.nextInt(32) << 3 | 4 | rpl;
      case 4, 5 -> random.nextInt(16) << 3 | rpl;
      default -> random.nextInt(0x200) << 3 | rpl;
    };
  }

  /** Code that far transfers mostly want. */
  private int codeSelector(Mode mode) {
    if (mode.real() || mode.virtual8086() || random.nextInt(2) == 0) {
      return selector(mode);
    }
    int[] choice = {0x08, 0x1B, 0x2B, 0x33, 0x28, 0x38, 0x4B, 0x0B};
    return choice[random.nextInt(choice.length)];
  }

  private int stackSelector(Mode mode) {
    if (mode.real() || mode.virtual8086() || random.nextInt(3) == 0) {
      return selector(mode);
    }
    int[] choice = {0x10, 0x23, 0x40, 0x53, 0};
    return choice[random.nextInt(choice.length)];
  }

  private void surroundings(Scenario s, Needs needs) {
    long[] v = s.start.v;
    int operand = BoardImage.DATA + 0x100;
    switch (needs) {
      case SELECTOR -> {
        int selector = selector(s.mode);
        v[Cpu.RAX] = v[Cpu.RAX] & ~0xFFFFL | selector;
        s.poke(operand, selector, 2);
        redescribe(s, selector);
      }
      case FAR -> {
        int selector = codeSelector(s.mode);
        int size = 2 + 2 * random.nextInt(3);
        s.poke(operand, offset() & 0xFFFF_FFFFL, 8);
        for (int i : new int[] {2, 4, 8}) {
          if (size == 6 || i == size || random.nextBoolean()) {
            s.poke(operand + i, selector, 2);
          }
        }
        redescribe(s, selector);
      }
      case FRAME -> frame(s);
      case FLAGS -> s.poke((int) v[Cpu.RSP] - 0x100, someFlags(), 8);
      case TABLE -> {
        s.poke(operand, random.nextInt(), 2);
        boolean any = random.nextInt(3) == 0;
        s.poke(operand + 2, any ? random.nextLong() : random.nextLong() >> 20, 8);
      }
      case CONTROL -> v[Cpu.RAX] = controlValue(s);
      case DEBUG -> {
        if (random.nextBoolean()) {
          v[Cpu.RAX] = 1L << random.nextInt(s.mode.codeSize == 8 ? 64 : 32);
        }
        if (random.nextInt(4) == 0) {
          v[CpuState.DR7] |= 1 << 13;
        }
        // Nothing may match by chance.
        v[Cpu.RAX] &= ~0xFFL;
      }
      case MSR -> msr(s);
      case PORT -> v[Cpu.RDX] = random.nextInt(0x180);
      case PAGE -> page(s);
      default -> {}
    }
    if (needs == Needs.FLAGS || needs == Needs.FRAME) {
      v[Cpu.RSP] -= 0x100;
    }
  }

  private void redescribe(Scenario s, int selector) {
    if (random.nextInt(3) != 0 || s.mode.real() || (selector & 4) != 0 || selector < 0x80) {
      return;
    }
    if ((selector | 15) > 0xFFF) {
      return;
    }
    int at = BoardImage.GDT + (selector & ~7);
    int access = random.nextInt(256) & ~0x80 | (random.nextInt(6) == 0 ? 0 : 0x80);
    int attributes = random.nextInt(16) << 12;
    boolean gate = (access & 0x10) == 0 && (access & 4) != 0;
    long low =
        gate
            ? BoardImage.gate(codeSelector(s.mode), offset(), access, random.nextInt(4))
            : BoardImage.segment(
                random.nextInt(4) == 0 ? random.nextInt() & 0xFFFF_FFFFL : 0x10 * access,
                random.nextInt(0x10_0000),
                access | attributes);
    s.poke(at, low, 8);
    if (s.mode.longMode() && (access & 0x10) == 0 && random.nextBoolean()) {
      s.poke(at + 8, random.nextInt(4) == 0 ? random.nextLong() : 0, 8);
    }
  }

  private long someFlags() {
    int flags = random.nextInt() & ~(Flags.TF | Flags.VM);
    return random.nextInt(3) == 0 ? flags & 0xFFFF_FFFFL : flags & 0xFFF;
  }

  private void frame(Scenario s) {
    int at = (int) s.start.v[Cpu.RSP] - 0x100;
    int size = 2 << random.nextInt(s.mode.codeSize == 8 ? 3 : 2);
    if (random.nextInt(3) != 0) {
      size = s.mode.codeSize;
    }
    boolean iret = random.nextBoolean();
    int selector = codeSelector(s.mode);
    long ip = offset() & 0xFFFF_FFFFL;
    if (random.nextInt(8) == 0) {
      ip = random.nextLong();
    }
    if (random.nextInt(8) == 0) {
      // What POP takes.
      ip = selector(s.mode);
    }
    int slot = at;
    s.poke(slot, ip, size);
    slot += size;
    s.poke(slot, selector, size);
    slot += size;
    if (iret) {
      long flags = someFlags();
      if (random.nextInt(6) == 0 && s.mode.cpl == 0) {
        flags |= Flags.VM;
      }
      s.poke(slot, flags, size);
      slot += size;
    } else if (random.nextBoolean()) {
      slot += 8;
    }
    s.poke(slot, BoardImage.USER_STACK - 0x80, size);
    slot += size;
    s.poke(slot, stackSelector(s.mode), size);
    for (int i = 0; i < 4; i++) {
      slot += size;
      s.poke(slot, selector(s.mode), size);
    }
    redescribe(s, selector);
  }

  private long controlValue(Scenario s) {
    long[] v = s.start.v;
    long value =
        v[random.nextBoolean() ? CpuState.CR0 : random.nextBoolean() ? CpuState.CR4 : CpuState.CR3];
    if (random.nextInt(6) == 0) {
      return value;
    }
    int flips = 1 + random.nextInt(2);
    for (int i = 0; i < flips; i++) {
      value ^= 1L << random.nextInt(s.mode.codeSize == 8 && random.nextInt(6) == 0 ? 64 : 32);
    }
    return value;
  }

  private static final int[] SAFE_MSRS = {
    0x174,
    0x175,
    0x176,
    0x277,
    0xC000_0080,
    0xC000_0081,
    0xC000_0082,
    0xC000_0083,
    0xC000_0084,
    0xC000_0100,
    0xC000_0101,
    0xC000_0102,
    0x1234_5678,
    0xC000_0200
  };

  private void msr(Scenario s) {
    long[] v = s.start.v;
    v[Cpu.RCX] = SAFE_MSRS[random.nextInt(SAFE_MSRS.length)] & 0xFFFF_FFFFL;
    long value =
        switch (random.nextInt(4)) {
          case 0 -> random.nextLong();
          case 1 -> random.nextLong() >> 17;
          case 2 -> 1L << random.nextInt(64);
          default -> v[CpuState.EFER] ^ 1L << random.nextInt(14);
        };
    if (v[Cpu.RCX] == 0x277 && random.nextBoolean()) {
      value &= 0x0707_0707_0707_0707L;
    }
    v[Cpu.RAX] = value & 0xFFFF_FFFFL;
    v[Cpu.RDX] = value >>> 32;
  }

  private void page(Scenario s) {
    long[] v = s.start.v;
    Mode.Paging paging = s.mode.paging;
    if (paging == Mode.Paging.NONE) {
      return;
    }
    long probe =
        switch (paging) {
          case TWO_LEVEL -> BoardImage.PROBE_32;
          case PAE -> BoardImage.PROBE_PAE;
          default -> s.mode.codeSize == 8 ? BoardImage.PROBE_LONG : 0;
        };
    if (probe == 0) {
      return;
    }
    v[Cpu.RBX] = probe + 0x100 + random.nextInt(8);
    if (random.nextBoolean()) {
      v[CpuState.CR0] |= Cpu.CR0_WP;
    }
    int free = (Cpu.CR4_SMEP | Cpu.CR4_SMAP | Cpu.CR4_PGE) & model.cr4Mask();
    if (random.nextBoolean()) {
      v[CpuState.CR4] |= random.nextInt() & free;
    }
    if (random.nextInt(3) == 0) {
      v[CpuState.EFER] &= ~(long) Cpu.EFER_NXE;
    }
    boolean small = paging == Mode.Paging.TWO_LEVEL;
    BoardImage image = IMAGE;
    for (int level = 0; level < 4; level++) {
      int at = BoardImage.probeEntry(paging, level);
      if (at == 0 || random.nextInt(3) == 0) {
        continue;
      }
      long entry = image.read(at);
      entry = small ? entry & 0xFFFF_FFFFL : entry;
      int some = random.nextInt();
      entry ^= some & random.nextInt() & (level == 0 ? 0x167 : 0x67);
      if (level == 1 && random.nextInt(4) == 0) {
        // A large page at 0: the frame behind the probed address is another one then.
        entry = entry & 0x67 | 0x80;
        if (random.nextInt(4) == 0) {
          entry |= 1 << 13 + random.nextInt(8);
        }
      } else if (!small && random.nextInt(4) == 0) {
        entry |= 1L << (random.nextBoolean() ? 63 : 40 + random.nextInt(23));
      } else if (level > 1 && random.nextInt(6) == 0) {
        entry |= 0x80;
      }
      s.poke(at, entry, small ? 4 : 8);
    }
  }

  private static final BoardImage IMAGE = new BoardImage();
}
