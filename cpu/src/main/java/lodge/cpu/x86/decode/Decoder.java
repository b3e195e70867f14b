package lodge.cpu.x86.decode;

import java.util.List;
import lodge.cpu.x86.Cpu;

/**
 * Turns bytes into an {@link Insn}, as SDM volume 2, chapter 2 lays out. One object decodes one
 * instruction at a time and allocates nothing; it belongs to one thread.
 */
public final class Decoder {
  /** No instruction is longer (SDM volume 2, 2.3.11); one that would be is #GP(0). */
  public static final int MAX_LENGTH = 15;

  private static final int REX_B = 1;
  private static final int REX_X = 2;
  private static final int REX_R = 4;
  private static final int REX_W = 8;

  private final Insn insn = new Insn();

  private byte[] code;
  private int at;
  private int end;
  private boolean mode64;
  private int rex;

  /** {@link Row} bits of what was seen. */
  private int state;

  /** The opcode table, in its own order. */
  public static List<Form> forms() {
    return FormTable.FORMS;
  }

  /**
   * Decodes the instruction at {@code code[from]}.
   *
   * @param available how many bytes there are from there on; 15 always suffice
   * @param codeSize 2, 4, or 8 for 64-bit mode
   * @return the instruction, valid until the next call, or null when {@code available} bytes do not
   *     hold it whole. Bytes that are #UD give {@link Form#UNDEFINED}, more than 15 bytes {@link
   *     Form#TOO_LONG}
   */
  public Insn decode(byte[] code, int from, int available, int codeSize) {
    Insn insn = this.insn;
    this.code = code;
    this.at = from;
    this.end = from + Math.min(available, MAX_LENGTH);
    this.mode64 = codeSize == 8;
    this.rex = 0;
    this.state = mode64 ? Row.MODE_64 : Row.MODE_OTHER;
    clear(insn, codeSize);
    boolean complete = prefixes(insn) && body(insn);
    if (!complete) {
      if (available < MAX_LENGTH) {
        return null;
      }
      insn.form = Form.TOO_LONG;
    }
    insn.length = at - from;
    return insn;
  }

  private static void clear(Insn insn, int codeSize) {
    insn.form = Form.UNDEFINED;
    insn.codeSize = codeSize;
    insn.operandSize = codeSize == 8 ? 4 : codeSize;
    insn.addressSize = codeSize;
    insn.lock = false;
    insn.repeat = Insn.NONE;
    insn.operandSizePrefix = false;
    insn.rex = false;
    insn.rexW = false;
    insn.vex = false;
    insn.vexL = 0;
    insn.vexRegister = 0;
    insn.opcode = 0;
    insn.hasModrm = false;
    insn.mod = 0;
    insn.reg = 0;
    insn.rm = 0;
    insn.opcodeRegister = 0;
    insn.memory = false;
    insn.base = Cpu.ZERO;
    insn.index = Cpu.ZERO;
    insn.scale = 0;
    insn.disp = 0;
    insn.segment = Cpu.DS;
    insn.segmentOverride = false;
    insn.imm = 0;
    insn.imm2 = 0;
  }

  /** Consumes prefixes up to the opcode; false when the bytes end before it. */
  private boolean prefixes(Insn insn) {
    while (at < end) {
      int b = code[at] & 0xFF;
      switch (b) {
        case 0x26, 0x2E, 0x36, 0x3E -> {
          if (!mode64) {
            insn.segment = b >> 3 & 3;
            insn.segmentOverride = true;
          }
        }
        case 0x64, 0x65 -> {
          insn.segment = b & 7;
          insn.segmentOverride = true;
        }
        case 0x66 -> insn.operandSizePrefix = true;
        case 0x67 -> insn.addressSize = insn.codeSize == 4 ? 2 : 4;
        case 0xF0 -> insn.lock = true;
        case 0xF2, 0xF3 -> insn.repeat = b;
        default -> {
          if (!mode64 || b >> 4 != 4) {
            return true;
          }
          // Counts only if the opcode follows: the next prefix takes it back.
          rex = b;
          at++;
          continue;
        }
      }
      rex = 0;
      at++;
    }
    return false;
  }

  /** Opcode and all that follows; false when the bytes end before it does. */
  private boolean body(Insn insn) {
    int b = code[at++] & 0xFF;
    int map = 0;
    if (b == 0x0F) {
      if (at >= end) {
        return false;
      }
      b = code[at++] & 0xFF;
      map = 1;
      if (b == 0x38 || b == 0x3A) {
        if (at >= end) {
          return false;
        }
        map = b == 0x38 ? 2 : 3;
        b = code[at++] & 0xFF;
      }
    } else if (b == 0xC4 || b == 0xC5) {
      if (at >= end) {
        return false;
      }
      // Outside 64-bit mode these are LES and LDS, which have no register form.
      if (mode64 || (code[at] & 0xC0) == 0xC0) {
        return vex(insn, b);
      }
    }
    insn.rex = rex != 0;
    insn.rexW = (rex & REX_W) != 0;
    state |= insn.rexW ? Row.W1 : Row.W0;
    state |=
        switch (insn.repeat) {
          case Insn.REP -> Row.PREFIX_F3;
          case Insn.REPNE -> Row.PREFIX_F2;
          default -> insn.operandSizePrefix ? Row.PREFIX_66 : Row.PREFIX_NONE;
        };
    int slot = map << 8 | b;
    return match(insn, b, FormTable.LEGACY[slot], FormTable.LEGACY_MODRM[slot]);
  }

  /** The rest of an instruction whose first opcode byte is a VEX prefix (SDM volume 2, 2.3.5). */
  private boolean vex(Insn insn, int first) {
    int b = code[at++] & 0xFF;
    if (insn.lock || insn.repeat != Insn.NONE || insn.operandSizePrefix || rex != 0) {
      return true;
    }
    int map = 1;
    int inverted = ~b >> 5 & REX_R;
    if (first == 0xC4) {
      map = b & 0x1F;
      if (map < 1 || map > 3) {
        return true;
      }
      if (at >= end) {
        return false;
      }
      inverted |= ~b >> 5 & (REX_X | REX_B);
      b = code[at++] & 0xFF;
      inverted |= b >> 4 & REX_W;
    }
    if (at >= end) {
      return false;
    }
    // W selects rows in all modes, but there are neither more registers nor wider ones outside of
    // 64-bit mode.
    state |= (inverted & REX_W) != 0 ? Row.W1 : Row.W0;
    rex = mode64 ? inverted : 0;
    insn.rexW = (rex & REX_W) != 0;
    insn.vex = true;
    insn.vexL = b >> 2 & 1;
    insn.vexRegister = ~b >> 3 & (mode64 ? 15 : 7);
    state |= insn.vexL != 0 ? Row.L1 : Row.L0;
    state |= insn.vexRegister != 0 ? Row.VVVV : 0;
    state |=
        switch (b & 3) {
          case 1 -> Row.PREFIX_66;
          case 2 -> Row.PREFIX_F3;
          case 3 -> Row.PREFIX_F2;
          default -> Row.PREFIX_NONE;
        };
    b = code[at++] & 0xFF;
    int slot = map << 8 | b;
    return match(insn, b, FormTable.VEX[slot], FormTable.VEX_MODRM[slot]);
  }

  /** Finds the row and decodes its operands. */
  private boolean match(Insn insn, int opcode, Row[] rows, boolean modrm) {
    insn.opcode = opcode;
    insn.opcodeRegister = opcode & 7 | (rex & REX_B) << 3;
    if (rows == null) {
      return true;
    }
    state |= (rex & REX_B) != 0 ? Row.REX_B1 : Row.REX_B0;
    if (modrm) {
      if (at >= end) {
        return false;
      }
      int b = code[at++];
      insn.hasModrm = true;
      insn.mod = b >> 6 & 3;
      insn.reg = b >> 3 & 7;
      insn.rm = b & 7;
      state |= insn.mod == 3 ? Row.REGISTER : Row.MEMORY;
      state |= 1 << Row.REG_SHIFT + insn.reg | 1 << Row.RM_SHIFT + insn.rm;
    }
    for (Row row : rows) {
      if ((state & ~row.allowed) == 0) {
        return operands(insn, row);
      }
    }
    return true;
  }

  private boolean operands(Insn insn, Row row) {
    if (row.has(Row.TAKES_REPEAT)) {
      insn.repeat = Insn.NONE;
    }
    insn.operandSize = operandSize(insn, row);
    if (insn.hasModrm) {
      if (!row.has(Row.SHORT_REG)) {
        insn.reg |= (rex & REX_R) << 1;
      }
      if (row.has(Row.NO_MOD)) {
        insn.mod = 3;
      }
      if (insn.mod == 3) {
        if (!row.has(Row.SHORT_RM)) {
          insn.rm |= (rex & REX_B) << 3;
        }
      } else {
        insn.memory = true;
        if (!(insn.addressSize == 2 ? address16(insn) : address(insn, row.has(Row.VSIB)))) {
          return false;
        }
      }
    }
    if (row.immediate != Row.Immediate.NONE && !immediate(insn, row)) {
      return false;
    }
    boolean allowed = (!insn.lock || row.lockable && insn.memory) && special(insn, row);
    insn.form = allowed ? row.form : Form.UNDEFINED;
    return true;
  }

  private int operandSize(Insn insn, Row row) {
    boolean prefix = insn.operandSizePrefix && !row.has(Row.TAKES_66);
    int size = insn.rexW ? 8 : prefix ^ insn.codeSize == 2 ? 2 : 4;
    return switch (row.size) {
      case EFFECTIVE -> size;
      case BYTE -> 1;
      case Y -> insn.rexW ? 8 : 4;
      case DEFAULT_64 -> mode64 && size == 4 ? 8 : size;
      case FORCED_64 -> mode64 ? 8 : size;
      case MAX_32 -> Math.min(size, 4);
      case FIXED -> mode64 ? 8 : 4;
    };
  }

  /** Register numbers that do not exist: no row says them. */
  private boolean special(Insn insn, Row row) {
    if (row.has(Row.CONTROL)) {
      // CR0, CR2, CR3, CR4, CR8.
      return (0x11D >> insn.reg & 1) != 0;
    }
    if (row.has(Row.DEBUG)) {
      return insn.reg < 8;
    }
    if (row.has(Row.VSIB)) {
      // Destination, index and mask have to be three registers; there is no 16-bit form.
      return insn.addressSize != 2
          && insn.reg != insn.index
          && insn.reg != insn.vexRegister
          && insn.index != insn.vexRegister;
    }
    return true;
  }

  /** ModRM in 16-bit addressing (SDM volume 2, table 2-1). */
  private boolean address16(Insn insn) {
    boolean stack = false;
    boolean noBase = false;
    switch (insn.rm) {
      case 0, 1 -> insn.base = Cpu.RBX;
      case 2, 3 -> {
        insn.base = Cpu.RBP;
        stack = true;
      }
      case 4 -> insn.base = Cpu.RSI;
      case 5 -> insn.base = Cpu.RDI;
      case 6 -> {
        noBase = insn.mod == 0;
        if (!noBase) {
          insn.base = Cpu.RBP;
          stack = true;
        }
      }
      default -> insn.base = Cpu.RBX;
    }
    if (insn.rm < 4) {
      insn.index = (insn.rm & 1) == 0 ? Cpu.RSI : Cpu.RDI;
    }
    if (stack && !insn.segmentOverride) {
      insn.segment = Cpu.SS;
    }
    return displacement(insn, noBase || insn.mod == 2 ? 2 : insn.mod);
  }

  /** ModRM and SIB in 32- and 64-bit addressing (SDM volume 2, tables 2-2 and 2-3, 2.2.1). */
  private boolean address(Insn insn, boolean vsib) {
    int base = insn.rm;
    int size = insn.mod == 2 ? 4 : insn.mod;
    if (base == 4) {
      if (at >= end) {
        return false;
      }
      int sib = code[at++];
      int index = sib >> 3 & 7 | (rex & REX_X) << 2;
      if (index != 4 || vsib) {
        insn.index = index;
        insn.scale = sib >> 6 & 3;
      }
      base = sib & 7;
      if (base == 5 && insn.mod == 0) {
        return displacement(insn, 4);
      }
    } else if (base == 5 && insn.mod == 0) {
      if (mode64) {
        insn.base = Cpu.CODE_BASE;
      }
      return displacement(insn, 4);
    }
    insn.base = base | (rex & REX_B) << 3;
    if ((insn.base == Cpu.RSP || insn.base == Cpu.RBP) && !insn.segmentOverride) {
      insn.segment = Cpu.SS;
    }
    return displacement(insn, size);
  }

  /**
   * @param size 0, 1, 2 or 4 bytes
   */
  private boolean displacement(Insn insn, int size) {
    if (at + size > end) {
      return exhausted();
    }
    insn.disp = signed(size);
    return true;
  }

  private boolean immediate(Insn insn, Row row) {
    int wide = insn.operandSize == 2 ? 2 : 4;
    int size =
        switch (row.immediate) {
          case IB -> 1;
          case IW -> 2;
          case IZ -> wide;
          case IV -> insn.operandSize;
          case IW_IB -> 3;
          case POINTER -> wide + 2;
          case MOFFS -> insn.addressSize;
          case NONE -> 0;
        };
    if (at + size > end) {
      return exhausted();
    }
    switch (row.immediate) {
      case IW_IB -> {
        insn.imm = signed(2);
        insn.imm2 = code[at++] & 0xFF;
      }
      case POINTER -> {
        insn.imm = signed(wide) & (wide == 2 ? 0xFFFFL : 0xFFFF_FFFFL);
        insn.imm2 = (int) signed(2) & 0xFFFF;
      }
      case MOFFS -> {
        insn.memory = true;
        insn.disp = signed(size);
      }
      default -> insn.imm = signed(size);
    }
    return true;
  }

  /** The bytes end in the middle of a field: all of them were used. */
  private boolean exhausted() {
    at = end;
    return false;
  }

  /** The next {@code size} bytes, little-endian and sign-extended. */
  private long signed(int size) {
    int p = at;
    at = p + size;
    return switch (size) {
      case 1 -> code[p];
      case 2 -> (short) (code[p] & 0xFF | code[p + 1] << 8);
      case 4 -> word(p);
      case 8 -> word(p) & 0xFFFF_FFFFL | (long) word(p + 4) << 32;
      default -> 0;
    };
  }

  private int word(int p) {
    byte[] c = code;
    return c[p] & 0xFF | (c[p + 1] & 0xFF) << 8 | (c[p + 2] & 0xFF) << 16 | c[p + 3] << 24;
  }
}
