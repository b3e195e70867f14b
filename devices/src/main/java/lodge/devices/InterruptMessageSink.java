package lodge.devices;

/**
 * Takes interrupt messages to local APICs, as they travel on the system bus (SDM vol. 3, 12.6 and
 * 12.11).
 */
@FunctionalInterface
public interface InterruptMessageSink {
  /** Delivery modes, as in the redirection table, the ICR and MSI data. */
  int FIXED = 0;

  int LOWEST_PRIORITY = 1;
  int SMI = 2;
  int NMI = 4;
  int INIT = 5;
  int STARTUP = 6;
  int EXT_INT = 7;

  /** The physical destination that means every processor. */
  int BROADCAST = -1;

  /**
   * @param destination APIC id or logical destination; {@link #BROADCAST} for all
   * @param logical the destination is matched with the logical destination registers
   * @param deliveryMode 0 to 7
   * @param vector 0 to 255
   * @param level level-triggered: its end of interrupt is broadcast
   * @param assertFlag false for INIT level de-assert only
   */
  void deliver(
      int destination,
      boolean logical,
      int deliveryMode,
      int vector,
      boolean level,
      boolean assertFlag);
}
