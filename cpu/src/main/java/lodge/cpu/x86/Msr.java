package lodge.cpu.x86;

/**
 * One row of the table of model-specific registers.
 *
 * @param number as RDMSR takes it in ECX
 * @param name as SDM volume 4 spells it
 * @param reset value after RESET#
 * @param writable bits that WRMSR may change
 * @param ignored bits that WRMSR may carry but does not change; all others fault when they would
 *     change
 * @param rule what else there is to it
 * @param feature without it the register does not exist; null when it always does
 */
public record Msr(
    int number, String name, long reset, long writable, long ignored, Rule rule, Feature feature) {
  /** What reads and writes do beyond the masks. */
  public enum Rule {
    /** A latch. */
    PLAIN,
    /** WRMSR faults. */
    READ_ONLY,
    /** RDMSR faults; what is written is a command. */
    WRITE_ONLY,
    /** The value has to be a canonical address. */
    CANONICAL,
    /** Eight memory types of the page-attribute table. */
    PAT,
    /** Eight MTRR memory types. */
    MTRR_TYPES,
    /** One MTRR memory type in the low byte. */
    MTRR_TYPE,
    /** Machine-check status: only 0 may be written. */
    ONLY_ZERO,
    /** Machine-check enables: all or none. */
    ALL_OR_NONE,
    /** Kept elsewhere in the processor. */
    SPECIAL
  }
}
