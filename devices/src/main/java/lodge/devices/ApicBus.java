package lodge.devices;

import java.util.Arrays;
import java.util.function.IntConsumer;
import lodge.core.ApicKeeper;

/**
 * What connects the local APICs with each other and with the I/O APICs: finds the receivers of a
 * message, arbitrates lowest-priority delivery, and carries end-of-interrupt broadcasts back (SDM
 * vol. 3, 12.6.2).
 */
public final class ApicBus implements InterruptMessageSink {
  private volatile LocalApic[] apics = {};
  private volatile IntConsumer endOfInterrupt = _ -> {};

  /** Who does the APICs' work in their place, if anybody does. */
  private volatile ApicKeeper keeper = (_, _, _, _, _) -> false;

  /** Whether an APIC has this identifier. */
  boolean has(int id) {
    return Arrays.stream(apics).anyMatch(apic -> apic.matches(id, false));
  }

  /** Has somebody else get all messages for as long as he takes them. */
  void keeper(ApicKeeper keeper) {
    this.keeper = keeper;
  }

  /**
   * Who hears the vectors of ended level-triggered interrupts: the I/O APIC. Set before the machine
   * starts.
   */
  public void onEndOfInterrupt(IntConsumer action) {
    endOfInterrupt = action;
  }

  @Override
  public void deliver(
      int destination,
      boolean logical,
      int deliveryMode,
      int vector,
      boolean level,
      boolean assertFlag) {
    if (assertFlag && keeper.deliver(destination, logical, deliveryMode, vector, level)) {
      return;
    }
    if (deliveryMode == LOWEST_PRIORITY) {
      LocalApic chosen = lowestPriority(destination, logical);
      if (chosen != null) {
        chosen.accept(FIXED, vector, level);
      }
      return;
    }
    if (!assertFlag) {
      // INIT level de-assert only re-synchronizes arbitration ids, which no processor since the
      // Pentium 4 has.
      return;
    }
    for (LocalApic apic : apics) {
      if (apic.matches(destination, logical)) {
        apic.accept(deliveryMode, vector, level);
      }
    }
  }

  /** The shorthand "all excluding self". */
  void deliverToOthers(LocalApic self, int deliveryMode, int vector) {
    for (LocalApic apic : apics) {
      if (apic != self) {
        apic.accept(deliveryMode == LOWEST_PRIORITY ? FIXED : deliveryMode, vector, false);
      }
    }
  }

  /** Software has ended a level-triggered interrupt. */
  public void endOfInterrupt(int vector) {
    endOfInterrupt.accept(vector);
  }

  /** While the machine is built. */
  synchronized void attach(LocalApic apic) {
    LocalApic[] grown = Arrays.copyOf(apics, apics.length + 1);
    grown[apics.length] = apic;
    apics = grown;
  }

  private LocalApic lowestPriority(int destination, boolean logical) {
    LocalApic chosen = null;
    int lowest = Integer.MAX_VALUE;
    for (LocalApic apic : apics) {
      if (apic.matches(destination, logical) && apic.takesFixed()) {
        int priority = apic.processorPriority();
        if (priority < lowest) {
          lowest = priority;
          chosen = apic;
        }
      }
    }
    return chosen;
  }
}
