package lodge.cpu.x86.decode;

/**
 * One decoded instruction: the row of the opcode table it matched and everything its bytes said.
 * Reused by its decoder: copy what you keep.
 */
public final class Insn implements Cloneable {
  /** {@link #repeat} values. */
  public static final int NONE = 0;

  public static final int REPNE = 0xF2;
  public static final int REP = 0xF3;

  /**
   * The matched row; {@link Form#UNDEFINED} when there is none or the encoding is #UD in this mode.
   */
  public Form form;

  /** Length in bytes, 1 to 15. */
  public int length;

  /** Size of the code segment this was decoded for: 2, 4 or 8 (64-bit mode). */
  public int codeSize;

  /**
   * Effective operand size in bytes: 2, 4 or 8 (default-64 and forced-64 rules applied); 1 for byte
   * forms.
   */
  public int operandSize;

  /** Effective address size in bytes: 2, 4 or 8. */
  public int addressSize;

  public boolean lock;

  /** The last F2 or F3 prefix when the row does not use it as a mandatory prefix. */
  public int repeat;

  public boolean operandSizePrefix;
  public boolean rex;

  /** REX.W or VEX.W; never set outside 64-bit mode. */
  public boolean rexW;

  /**
   * VEX-encoded, with its L bit (0: 128, 1: 256 bit) and its extra register. In real and
   * virtual-8086 mode VEX is #UD: the decoder does not know of these modes.
   */
  public boolean vex;

  public int vexL;
  public int vexRegister;

  /** Last opcode byte. */
  public int opcode;

  public boolean hasModrm;

  /** ModRM.mod; 3 means that rm is a register. */
  public int mod;

  /** ModRM.reg with REX.R, 0 to 15; 0 to 7 where it names an MMX or segment register. */
  public int reg;

  /**
   * ModRM.rm with REX.B when {@link #mod} is 3, 0 to 15 (0 to 7 where it names an MMX or x87
   * register); otherwise the raw 3 bits.
   */
  public int rm;

  /** Low 3 opcode bits with REX.B, for forms that name a register there. */
  public int opcodeRegister;

  /** The form has a memory operand (ModRM with mod != 3, or a moffs). */
  public boolean memory;

  /**
   * Base register 0 to 15, {@code Cpu.ZERO} when absent, {@code Cpu.CODE_BASE} when RIP-relative.
   */
  public int base;

  /** Index register 0 to 15 or {@code Cpu.ZERO}; a vector register for gathers. */
  public int index;

  /** 0 to 3. */
  public int scale;

  /**
   * Sign-extended displacement, or the moffs. RIP-relative: still relative to the end of the
   * instruction.
   */
  public long disp;

  /**
   * Segment of the memory operand, default or override: {@code Cpu.ES} to {@code Cpu.GS}, never
   * FLAT. Without ModRM: that of the implied memory operand (strings, XLAT), DS or the override.
   */
  public int segment;

  /**
   * A segment-override prefix was there (last one counts; ES CS SS DS overrides are void in 64-bit
   * mode).
   */
  public boolean segmentOverride;

  /**
   * Immediate, sign-extended from its encoded size; relative branches: the signed displacement. Far
   * pointer: the offset, zero-extended.
   */
  public long imm;

  /** Second immediate (ENTER's level), or the selector of a far pointer; both zero-extended. */
  public int imm2;

  /** A copy that the decoder does not reuse. */
  public Insn copy() {
    try {
      return (Insn) clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }
}
