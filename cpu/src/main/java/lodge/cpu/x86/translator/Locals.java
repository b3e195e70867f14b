package lodge.cpu.x86.translator;

import lodge.cpu.x86.FlagState;

/** Where a region's method keeps things. Long values take two slots. */
final class Locals {
  static final int THIS = 0;
  static final int CPU = 1;

  /** {@code long[]}: the processor's registers. */
  static final int REGISTERS = 2;

  static final int MMU = 3;

  /** RIP of byte 0 of the page. */
  static final int CODE_BASE = 4;

  /** Number of the {@link Site} or of the exit to take. */
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

  /** Where the host has the operand. */
  static final int HOST = TLB + 2;

  /** Not 0: floating-point results have to be exact. */
  static final int EXACT = HOST + 2;

  private static final int FIRST_SOURCE = EXACT + 1;
  private static final int FIRST_RESULT = FIRST_SOURCE + 2 * 4;
  private static final int FIRST_LANE = FIRST_RESULT + 2 * 4;

  private static final int FIRST_PAGE = FIRST_LANE + 2 * 2 * 16 + 1;

  /** {@code jdk.internal.misc.Unsafe}. */
  static final int UNSAFE = FIRST_PAGE - 1;

  private Locals() {}

  /**
   * A remembered page of reads or writes, and {@link #pageAddend} its addend: the host's address.
   */
  static int page(int slot, boolean write) {
    return FIRST_PAGE + 8 * slot + (write ? 4 : 0);
  }

  static int pageAddend(int slot, boolean write) {
    return page(slot, write) + 2;
  }

  /** A lane of a vector instruction's last operand, 0 to 3. */
  static int source(int lane) {
    return FIRST_SOURCE + 2 * lane;
  }

  /** A lane of its result, 0 to 3. */
  static int result(int lane) {
    return FIRST_RESULT + 2 * lane;
  }

  /** Of lanes 0 and 1 of a vector register. */
  static int lane(int register, int lane) {
    return FIRST_LANE + 2 * (2 * register + lane);
  }

  static int register(int number) {
    return FIRST_REGISTER + 2 * number;
  }
}
