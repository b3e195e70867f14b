package lodge.cpu.x86.translator;

/** Where a region's method keeps things. Long values take two slots. */
final class Locals {
  static final int THIS = 0;
  static final int CPU = 1;

  /** {@code long[]}: the processor's registers. */
  static final int REGISTERS = 2;

  static final int MMU = 3;

  /** RIP of byte 0 of the page. */
  static final int CODE_BASE = 4;

  /** Number of the {@link Site} that may fault, or of the exit to take. */
  static final int WHERE = 6;

  /** Instructions retired, counted by blocks. */
  static final int COUNT = 7;

  /** See {@link FlagState}. */
  static final int FLAG_A = 8;

  static final int FLAG_B = 10;
  static final int FLAG_R = 12;

  /** The flags' kind where it is not constant. */
  static final int FLAG_KIND = 14;

  /** Where an indirect exit leads. */
  static final int TARGET = 16;

  static final int TEMP_1 = 18;
  static final int TEMP_2 = 20;
  static final int TEMP_3 = 22;
  static final int ADDRESS = 24;
  private static final int FIRST_REGISTER = 26;

  /** {@code long[]}: the lanes of the vector registers. */
  static final int VECTORS = FIRST_REGISTER + 2 * 16;

  /** An int. */
  static final int INT = VECTORS + 1;

  /** {@link lodge.cpu.x86.Mmu#tlb}. */
  static final int TLB = INT + 1;

  private Locals() {}

  static int register(int number) {
    return FIRST_REGISTER + 2 * number;
  }
}
