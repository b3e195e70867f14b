package lodge.machine.boot;

import static lodge.machine.boot.Aml.acquire;
import static lodge.machine.boot.Aml.and;
import static lodge.machine.boot.Aml.argument;
import static lodge.machine.boot.Aml.device;
import static lodge.machine.boot.Aml.ifTrue;
import static lodge.machine.boot.Aml.integer;
import static lodge.machine.boot.Aml.join;
import static lodge.machine.boot.Aml.method;
import static lodge.machine.boot.Aml.mutex;
import static lodge.machine.boot.Aml.name;
import static lodge.machine.boot.Aml.portRegion;
import static lodge.machine.boot.Aml.release;
import static lodge.machine.boot.Aml.scope;
import static lodge.machine.boot.Aml.shiftLeft;
import static lodge.machine.boot.Aml.store;
import static lodge.machine.boot.Aml.value;
import static lodge.machine.boot.Aml.words;

import lodge.devices.PciHotplug;

/**
 * The DSDT's code for PCI devices that come and go (ACPI 6.5, 5.6.6 and 6.3), with the names that
 * it has in QEMU's machines: how the guest learns of a change from {@link PciHotplug}, and how it
 * lets a device go.
 */
final class HotplugCode {
  private static final int SLOTS = 32;

  // Notifications (ACPI 6.5, 5.6.6)
  private static final int DEVICE_CHECK = 1;
  private static final int EJECT_REQUEST = 3;

  private HotplugCode() {}

  /** Inside of the PCI bus's device: its slots, and methods about all of them. */
  static byte[] slots(AcpiTables.Board board) {
    int base = board.hotplugBase();
    byte[] devices = new byte[0];
    byte[] notifications = new byte[0];
    for (int slot = 0; slot < SLOTS; slot++) {
      int bit = 1 << slot;
      if ((board.hotplugSlots() & bit) != 0) {
        devices = join(devices, slot(slot));
        byte[] concerned = and(argument(0), integer(Integer.toUnsignedLong(bit)));
        byte[] notify = Aml.notify(deviceName(slot), argument(1));
        notifications = join(notifications, ifTrue(concerned, notify));
      }
    }
    return join(
        portRegion("PCST", base + PciHotplug.UP, 8),
        words("PCST", "PCIU", "PCID"),
        portRegion("SEJ", base + PciHotplug.EJECT, 4),
        words("SEJ", "B0EJ"),
        portRegion("BNMR", base + PciHotplug.BUS, 4),
        words("BNMR", "BNUM"),
        mutex("BLCK"),
        method(
            "PCEJ",
            1,
            acquire("BLCK"),
            store(integer(0), "BNUM"),
            shiftLeft(integer(1), argument(0), "B0EJ"),
            release("BLCK")),
        devices,
        method("DVNT", 2, notifications),
        method(
            "PCNT",
            0,
            acquire("BLCK"),
            store(integer(0), "BNUM"),
            value("DVNT", value("PCIU"), integer(DEVICE_CHECK)),
            value("DVNT", value("PCID"), integer(EJECT_REQUEST)),
            release("BLCK")));
  }

  private static String deviceName(int slot) {
    return "S%02X".formatted(slot << 3);
  }

  private static byte[] slot(int slot) {
    return device(
        deviceName(slot),
        name("_SUN", integer(slot)),
        name("_ADR", integer((long) slot << 16)),
        method("_EJ0", 1, value("PCEJ", value("_SUN"))));
  }

  /** What the guest does about the event. */
  static byte[] events() {
    return scope(
        "\\_GPE", method("_E%02X".formatted(PciHotplug.EVENT), 0, value("\\_SB.PCI0.PCNT")));
  }
}
