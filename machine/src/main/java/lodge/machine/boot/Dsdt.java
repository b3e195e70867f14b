package lodge.machine.boot;

import static lodge.machine.boot.Aml.busWindow;
import static lodge.machine.boot.Aml.device;
import static lodge.machine.boot.Aml.eisaId;
import static lodge.machine.boot.Aml.integer;
import static lodge.machine.boot.Aml.interrupt;
import static lodge.machine.boot.Aml.join;
import static lodge.machine.boot.Aml.memory;
import static lodge.machine.boot.Aml.memoryWindow;
import static lodge.machine.boot.Aml.name;
import static lodge.machine.boot.Aml.packageOf;
import static lodge.machine.boot.Aml.portWindow;
import static lodge.machine.boot.Aml.ports;
import static lodge.machine.boot.Aml.resources;
import static lodge.machine.boot.Aml.scope;
import static lodge.machine.boot.Aml.string;

import java.util.ArrayList;
import java.util.List;
import lodge.devices.AcpiGpe;
import lodge.devices.Hpet;
import lodge.devices.PciHotplug;
import lodge.devices.Piix3IsaBridge;

/**
 * The differentiated system description table's code: which devices there are beyond what can be
 * probed.
 */
final class Dsdt {
  /** Where the I/O APIC begins; the PCI bus has the addresses from the end of RAM up to here. */
  static final long PCI_MEMORY_END = 0xFEC0_0000L;

  private static final int SLOTS = 32;
  private static final int PINS = 4;

  private Dsdt() {}

  static byte[] code(AcpiTables.Board board) {
    return join(
        scope("\\_SB", processors(board.cpus()), pciRoot(board), timers(), panicEvents(board)),
        HotplugCode.events(),
        softOff(board));
  }

  private static byte[] processors(int cpus) {
    byte[] all = new byte[0];
    for (int i = 0; i < cpus; i++) {
      all =
          join(
              all,
              device(
                  "C%03X".formatted(i),
                  name("_HID", string("ACPI0007")),
                  name("_UID", integer(i))));
    }
    return all;
  }

  private static byte[] pciRoot(AcpiTables.Board board) {
    byte[] windows =
        resources(
            busWindow(0, 0xFF),
            ports(0xCF8, 8),
            portWindow(0, 0xCF7),
            portWindow(0xD00, 0xFFFF),
            memoryWindow(0xA_0000, 0xB_FFFF),
            memoryWindow(board.pciMemoryStart(), PCI_MEMORY_END - 1));
    return device(
        "PCI0",
        name("_HID", eisaId("PNP0A03")),
        name("_UID", integer(0)),
        name("_CRS", windows),
        name("_PRT", interruptRouting(board)),
        HotplugCode.slots(board),
        device(
            "PIC",
            hid("PNP0000"),
            crs(ports(0x20, 2), ports(0xA0, 2), ports(0x4D0, 2), interrupt(2))),
        device("TIMR", hid("PNP0100"), crs(ports(0x40, 4), interrupt(0))),
        device("RTC", hid("PNP0B00"), crs(ports(0x70, 2), interrupt(8))),
        device(
            "COM1", hid("PNP0501"), name("_UID", integer(1)), crs(ports(0x3F8, 8), interrupt(4))),
        device(
            "MISC",
            hid("PNP0C02"),
            crs(
                ports(0x61, 1),
                ports(0x80, 1),
                ports(0x92, 1),
                ports(0xB2, 2),
                ports(board.pmBase(), 0x10),
                ports(board.hotplugBase(), PciHotplug.LENGTH),
                ports(board.gpeBase(), AcpiGpe.LENGTH))));
  }

  /**
   * For each device and pin of bus 0 (ACPI 6.5, 6.2.13): no link device, but the interrupt that
   * firmware has routed the pin to. It is the same with and without the I/O APIC.
   */
  private static byte[] interruptRouting(AcpiTables.Board board) {
    List<byte[]> entries = new ArrayList<>();
    for (int slot = 1; slot < SLOTS; slot++) {
      for (int pin = 0; pin < PINS; pin++) {
        int irq = board.pirqIrqs().get(Piix3IsaBridge.pirqOf(slot, pin));
        entries.add(
            packageOf(integer(slot << 16 | 0xFFFF), integer(pin), integer(0), integer(irq)));
      }
    }
    return packageOf(entries.toArray(byte[][]::new));
  }

  private static byte[] timers() {
    return device("HPET", hid("PNP0103"), crs(memory(AcpiTables.HPET, Hpet.LENGTH)));
  }

  private static byte[] panicEvents(AcpiTables.Board board) {
    return device(
        "PEVT",
        name("_HID", string("QEMU0001")),
        name("_STA", integer(0xF)),
        crs(ports(board.panicPort(), 1)));
  }

  /** What to write as SLP_TYPa and SLP_TYPb for state S5. */
  private static byte[] softOff(AcpiTables.Board board) {
    byte[] sleepType = integer(board.softOffType());
    return name("\\_S5", packageOf(sleepType, sleepType, integer(0), integer(0)));
  }

  private static byte[] hid(String id) {
    return name("_HID", eisaId(id));
  }

  private static byte[] crs(byte[]... descriptors) {
    return name("_CRS", resources(descriptors));
  }
}
