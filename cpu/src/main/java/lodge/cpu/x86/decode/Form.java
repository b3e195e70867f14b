package lodge.cpu.x86.decode;

/**
 * One row of the opcode table: an instruction form. Operands are written in the notation of SDM
 * volume 2, appendix A ({@code Ev}, {@code Gb}, {@code Vps}, {@code Ib}, ...), x87 operands as its
 * instruction pages do ({@code m32fp}); two more letters: {@code Z} is the register that the opcode
 * names, {@code L} the one in the upper half of an immediate.
 *
 * @param mnemonic as the SDM spells it, upper case, for example {@code ADD}, {@code CVTSI2SD},
 *     {@code FMUL}
 * @param operands in Intel order; empty array when there are none
 * @param feature the CPUID feature that brought it, for example {@code 8086} (all that every x86-64
 *     processor has), {@code X64}, {@code SSE2}, {@code SSE41}; two that are both needed are
 *     joined: {@code AES+AVX}
 * @param encoding the row's opcode column, for documentation: {@code 0F 58 /r}, {@code 80 /0 ib}
 * @param flags bits below
 */
public record Form(
    Mnemonic mnemonic, String[] operands, String feature, String encoding, int flags) {
  /** LOCK is allowed when the first operand is memory. */
  public static final int LOCKABLE = 1;

  /** #UD in 64-bit mode. */
  public static final int NO_64 = 1 << 1;

  /** #UD outside 64-bit mode. */
  public static final int ONLY_64 = 1 << 2;

  /** More than 15 bytes: #GP(0). */
  public static final Form TOO_LONG = new Form(Mnemonic.TOO_LONG, new String[0], "", "", 0);

  /** What bytes that match no row decode to. */
  public static final Form UNDEFINED = new Form(Mnemonic.UNDEFINED, new String[0], "", "", 0);

  public boolean has(int flag) {
    return (flags & flag) != 0;
  }
}
