package lodge.core;

/** Does the work of a machine's local APICs in their place: the host's kernel. */
@FunctionalInterface
public interface ApicKeeper {
  /**
   * An interrupt message for whoever it is addressed to (SDM vol. 3, 12.6); from any thread.
   *
   * @param destination APIC id or logical destination; -1 for all
   * @param logical the destination is matched with the logical destination registers
   * @param deliveryMode 0 to 7, as in the redirection table
   * @param vector 0 to 255
   * @param level level-triggered: its end of interrupt is told
   * @return false when the APICs have been given back: it was not delivered
   */
  boolean deliver(int destination, boolean logical, int deliveryMode, int vector, boolean level);
}
