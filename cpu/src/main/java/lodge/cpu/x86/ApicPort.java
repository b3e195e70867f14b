package lodge.cpu.x86;

import lodge.core.ApicKeeper;
import lodge.core.ApicState;

/** What a processor needs of its local APIC. Called on the vCPU's thread. */
public interface ApicPort {
  /**
   * Whether an interrupt waits whose priority the task priority lets through (an ExtINT from the
   * 8259 included).
   */
  boolean pending();

  /**
   * Takes the interrupt of the highest priority: its vector, 0 to 255, or -1 when there is none any
   * more.
   */
  int acknowledge();

  /**
   * Takes a non-maskable interrupt if one waits. Of those that come while nobody asks two are kept.
   */
  boolean takeNmi();

  /** CR8: bits 7:4 of the task-priority register. */
  int cr8();

  void setCr8(int value);

  /**
   * IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC range; false when the APIC has no such
   * register now: #GP.
   */
  boolean hasMsr(int msr);

  /**
   * Like {@link #hasMsr}, without the write-only registers (EOI, self-IPI): reading those is #GP.
   */
  default boolean canReadMsr(int msr) {
    return hasMsr(msr);
  }

  long readMsr(int msr);

  /**
   * @return false when the value is not allowed: #GP
   */
  boolean writeMsr(int msr, long value);

  /**
   * Sends what bits 31:0 of an interrupt command ask for, without shorthand, to one APIC.
   *
   * @return false when there is no such APIC
   */
  default boolean sendTo(int apicId, int command) {
    return false;
  }

  /**
   * Software ends an interrupt by clearing a bit in memory where it finds it set, instead of
   * writing EOI.
   *
   * @param gpa of the flag, in RAM; -1 for none
   */
  default void eoiFlag(long gpa) {}

  /** The time-stamp counter jumped, and with it the distance to IA32_TSC_DEADLINE. */
  default void tscAdjusted() {}

  /**
   * Page-aligned address of the register page, or -1 when it is not in memory (disabled or x2APIC
   * mode).
   */
  long mmioBase();

  /**
   * @param offset 0 to 0xFFF in the register page
   */
  long read(int offset, int size);

  void write(int offset, int size, long value);

  /** Whether an engine may have the host's kernel do the APIC's work. */
  default boolean lendable() {
    return false;
  }

  /**
   * Has somebody else do the APIC's work. What still comes this way is ExtINT and NMI by their
   * pins: {@link #pending}, {@link #acknowledge} and {@link #takeNmi}.
   *
   * @return what to go on from
   */
  default ApicState lend(ApicKeeper keeper) {
    throw new UnsupportedOperationException();
  }

  /** Goes on from what {@link #lend} has led to. */
  default void giveBack(ApicState state) {}

  /** While it is lent: software has ended a level-triggered interrupt. */
  default void ended(int vector) {}
}
