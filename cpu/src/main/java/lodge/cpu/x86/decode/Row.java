package lodge.cpu.x86.decode;

/**
 * A {@link Form} with what the decoder needs of it, worked out once.
 *
 * <p>What an instruction's bytes say is put into one word with a bit for each value of each
 * property ({@code STATE} constants); a row matches when it allows all bits that are set. A
 * property that the instruction does not have sets no bit.
 */
final class Row {
  /** The decisive prefix: F2 and F3 hide 66, the last of F2 and F3 counts; for VEX its pp field. */
  static final int PREFIX_NONE = 1;

  static final int PREFIX_66 = 1 << 1;
  static final int PREFIX_F3 = 1 << 2;
  static final int PREFIX_F2 = 1 << 3;
  static final int PREFIXES = 0xF;

  static final int MODE_64 = 1 << 4;
  static final int MODE_OTHER = 1 << 5;
  static final int W0 = 1 << 6;
  static final int W1 = 1 << 7;
  static final int L0 = 1 << 8;
  static final int L1 = 1 << 9;
  static final int REX_B0 = 1 << 10;
  static final int REX_B1 = 1 << 11;
  static final int MEMORY = 1 << 12;
  static final int REGISTER = 1 << 13;

  /** Eight bits: ModRM.reg without REX.R. */
  static final int REG_SHIFT = 14;

  static final int REGS = 0xFF << REG_SHIFT;

  /** Eight bits: ModRM.rm without REX.B. */
  static final int RM_SHIFT = 22;

  static final int RMS = 0xFF << RM_SHIFT;

  /** VEX.vvvv names a register. */
  static final int VVVV = 1 << 30;

  static final int ANYTHING = VVVV - 1;

  /** How the operand size follows from mode, 66 and REX.W. */
  enum Size {
    /** 16 or 32 bits by mode and 66, 64 with REX.W. */
    EFFECTIVE,
    BYTE,
    /** 32 bits, 64 with REX.W; 66 does not matter. */
    Y,
    /** As EFFECTIVE, but 64 bits where that gives 32 in 64-bit mode. */
    DEFAULT_64,
    /** As EFFECTIVE, but always 64 bits in 64-bit mode. */
    FORCED_64,
    /** As EFFECTIVE, but 32 bits where that gives 64. */
    MAX_32,
    /** 64 bits in 64-bit mode, otherwise 32. */
    FIXED
  }

  /** What follows ModRM and displacement. */
  enum Immediate {
    NONE,
    /** 8 bits. */
    IB,
    /** 16 bits. */
    IW,
    /** 16 or 32 bits by operand size. */
    IZ,
    /** 16, 32 or 64 bits by operand size. */
    IV,
    /** 16 bits, then 8 bits. */
    IW_IB,
    /** Offset of 16 or 32 bits by operand size, then a selector. */
    POINTER,
    /** An offset as wide as an address: no immediate but a memory operand. */
    MOFFS
  }

  /** 66 is part of the opcode and does not change the operand size. */
  static final int TAKES_66 = 1;

  /** F2 or F3 is part of the opcode. */
  static final int TAKES_REPEAT = 1 << 1;

  /** REX.R does not extend ModRM.reg. */
  static final int SHORT_REG = 1 << 2;

  /** REX.B does not extend ModRM.rm. */
  static final int SHORT_RM = 1 << 3;

  /** ModRM.mod is taken to be 3. */
  static final int NO_MOD = 1 << 4;

  /** ModRM.reg names a control register. */
  static final int CONTROL = 1 << 5;

  /** ModRM.reg names a debug register. */
  static final int DEBUG = 1 << 6;

  /** Index and element offsets are in a vector register. */
  static final int VSIB = 1 << 7;

  final Form form;
  final int allowed;
  final Size size;
  final Immediate immediate;
  final int flags;
  final boolean lockable;

  Row(Form form, int allowed, Size size, Immediate immediate, int flags) {
    this.form = form;
    this.allowed = allowed;
    this.size = size;
    this.immediate = immediate;
    this.flags = flags;
    this.lockable = form.has(Form.LOCKABLE);
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }
}
