package lodge.machine;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lodge.core.InterruptLine;
import lodge.devices.IoApic;
import lodge.devices.PciFunction;
import lodge.devices.PciHost;
import lodge.devices.Pic8259;
import lodge.devices.Piix3IsaBridge;
import lodge.devices.SharedLine;

/**
 * How interrupts get from the chips to the interrupt controllers. Each ISA interrupt goes to the
 * two 8259 and to the I/O APIC, there to the pin of its number, but the timer's to pin 2 (as on
 * every PC with an I/O APIC). Those of the PCI bus become ISA interrupts in the PIIX3.
 */
final class InterruptWiring {
  /**
   * Where firmware routes PIRQA# to PIRQD#: to interrupts that no ISA device has. ACPI tables tell
   * the same.
   */
  static final List<Integer> PIRQ_IRQS = List.of(10, 10, 11, 11);

  private static final int TIMER_IRQ = 0;
  private static final int CASCADE_IRQ = 2;
  private static final int TIMER_PIN = 2;
  private static final int ISA_IRQS = 16;
  private static final int SLOTS = 32;
  private static final int FUNCTIONS = 8;
  private static final int INTERRUPT_LINE = 0x3C;
  private static final int INTERRUPT_PIN = 0x3D;

  private final Pic8259 pic;
  private final IoApic ioApic;
  private final List<SharedLine> isa;
  private final List<SharedLine> pirqs;
  private final Piix3IsaBridge bridge;

  InterruptWiring(Pic8259 pic, IoApic ioApic) {
    this.pic = pic;
    this.ioApic = ioApic;
    isa = IntStream.range(0, ISA_IRQS).mapToObj(irq -> new SharedLine(both(irq))).toList();
    bridge = new Piix3IsaBridge(Piix3IsaBridge.ROUTABLE.stream().map(this::isa).toList());
    pirqs =
        IntStream.range(0, Piix3IsaBridge.PIRQS)
            .mapToObj(pirq -> new SharedLine(bridge.pirq(pirq)))
            .toList();
  }

  private InterruptLine both(int irq) {
    if (irq == CASCADE_IRQ) {
      return _ -> {};
    }
    InterruptLine toPic = pic.line(irq);
    InterruptLine toIoApic = ioApic.line(irq == TIMER_IRQ ? TIMER_PIN : irq);
    return level -> {
      toPic.set(level);
      toIoApic.set(level);
    };
  }

  /** Function 0 of the PIIX3. */
  Piix3IsaBridge bridge() {
    return bridge;
  }

  /** One more source of an ISA interrupt, 0 to 15 without 2. */
  InterruptLine isa(int irq) {
    if (irq == CASCADE_IRQ) {
      throw new IllegalArgumentException("IRQ 2 is the cascade");
    }
    return isa.get(irq).input();
  }

  /** Any of the I/O APIC's pins; the 8259 have the first 16 of them, too, without their cascade. */
  InterruptLine pin(int n) {
    return n < ISA_IRQS && n != CASCADE_IRQ ? isa(n) : ioApic.line(n);
  }

  /**
   * An interrupt pin of a PCI device.
   *
   * @param slot its device number
   * @param pin 0 for INTA#
   */
  InterruptLine pci(int slot, int pin) {
    return pirqs.get(Piix3IsaBridge.pirqOf(slot, pin)).input();
  }

  /** Routes as firmware does, and tells each function which interrupt it has. */
  void route(PciHost host) {
    int levelTriggered = 0;
    for (int pirq = 0; pirq < Piix3IsaBridge.PIRQS; pirq++) {
      int irq = PIRQ_IRQS.get(pirq);
      bridge.write(Piix3IsaBridge.PIRQ_ROUTE_CONTROL + pirq, 1, irq);
      levelTriggered |= 1 << irq;
    }
    pic.edgeLevelControl().write(0, 1, levelTriggered & 0xFF);
    pic.edgeLevelControl().write(1, 1, levelTriggered >> 8);
    for (int slot = 0; slot < SLOTS; slot++) {
      for (int function = 0; function < FUNCTIONS; function++) {
        Optional<PciFunction> there = host.function(slot, function);
        int pin = there.map(f -> f.read(INTERRUPT_PIN, 1)).orElse(0);
        if (pin != 0) {
          int irq = PIRQ_IRQS.get(Piix3IsaBridge.pirqOf(slot, pin - 1));
          there.get().write(INTERRUPT_LINE, 1, irq);
        }
      }
    }
  }
}
