package lodge.core;

/**
 * A local APIC between two who do its work.
 *
 * @param base IA32_APIC_BASE
 * @param deadline IA32_TSC_DEADLINE, 0 for none
 * @param registers {@link #REGISTERS} of 32 bits: each at its offset in the register page divided
 *     by 16 (SDM vol. 3, table 12-1), the identifier in bits 31:24 in every mode
 * @param waitsForStartup its processor does not run until a start-up message comes
 */
public record ApicState(long base, long deadline, int[] registers, boolean waitsForStartup) {
  public static final int REGISTERS = 64;
}
