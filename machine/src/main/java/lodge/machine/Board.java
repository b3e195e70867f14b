package lodge.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Stateful;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.devices.AcpiGpe;
import lodge.devices.AcpiPm;
import lodge.devices.ApicBus;
import lodge.devices.CharacterSink;
import lodge.devices.CmosRtc;
import lodge.devices.DebugExit;
import lodge.devices.FwCfg;
import lodge.devices.HostBridge;
import lodge.devices.Hpet;
import lodge.devices.I8042;
import lodge.devices.IoApic;
import lodge.devices.LocalApic;
import lodge.devices.PcTestdev;
import lodge.devices.PciHost;
import lodge.devices.PciHotplug;
import lodge.devices.Pic8259;
import lodge.devices.Piix4PowerManagement;
import lodge.devices.Pit8254;
import lodge.devices.PostCode;
import lodge.devices.PvPanic;
import lodge.devices.ResetControl;
import lodge.devices.ShadowRam;
import lodge.devices.SystemControlA;
import lodge.devices.Uart16550;
import lodge.devices.virtio.VirtioDevice;
import lodge.devices.virtio.VirtioPci;
import lodge.machine.boot.AcpiTables;
import lodge.machine.boot.FirmwareFiles;
import lodge.machine.boot.FirmwareImage;
import lodge.machine.boot.MemoryMap;

/** The wiring of the PC: which chip sits where and on which interrupt line. */
final class Board {
  private static final long IO_APIC = 0xFEC0_0000L;
  private static final int IO_APIC_LENGTH = 0x1000;
  private static final int IO_APIC_ID = 0;
  private static final long HPET = 0xFED0_0000L;
  private static final int FIRST_HPET_PIN = 16;
  private static final int PM_BASE = 0x600;
  private static final int PM_LENGTH = 0x10;
  private static final int PM_TIMER_BITS = 32;
  private static final int SMI_COMMAND = 0xB2;
  private static final int HOTPLUG_BASE = 0xAE00;
  private static final int GPE_BASE = 0xAFE0;
  private static final int PANIC_PORT = 0x505;
  private static final int DEBUG_EXIT_PORT = 0xF4;

  // Registers of the local APIC (SDM volume 3, table 12-1)
  private static final int SPURIOUS_INTERRUPT = 0xF0;
  private static final int LINT0 = 0x350;
  private static final int LINT1 = 0x360;
  private static final int APIC_ENABLED = 1 << 8;
  private static final int LEVEL_TRIGGERED = 1 << 15;
  private static final int EXT_INT = 7 << 8;
  private static final int NMI = 4 << 8;

  private static final int TIMER_IRQ = 0;
  private static final int KEYBOARD_IRQ = 1;
  private static final int CASCADE_IRQ = 2;
  private static final int COM1_IRQ = 4;
  private static final int RTC_IRQ = 8;
  private static final int SCI_IRQ = 9;
  private static final int MOUSE_IRQ = 12;
  private static final int PRIMARY_IDE_IRQ = 14;
  private static final int SECONDARY_IDE_IRQ = 15;

  static final int ISA_BRIDGE_SLOT = 1;
  private static final int POWER_MANAGEMENT = 3;

  /** Of the PIIX3, whose function 0 is the ISA bridge. */
  static final int IDE_FUNCTION = 1;

  /** Where kernels that are booted directly find the ports of the IDE bus master. */
  private static final int IDE_BUS_MASTER = 0xC040;

  // CMOS bytes by which firmware knows the board: coprocessor and mouse; what to boot from, four
  // bits each; processors besides the first one.
  private static final int CMOS_EQUIPMENT = 0x14;
  private static final int EQUIPMENT = 0x06;
  private static final int CMOS_BOOT_THIRD = 0x38;
  private static final int CMOS_BOOT_FIRST = 0x3D;
  private static final int BOOT_FLOPPY = 1;
  private static final int BOOT_DISK = 2;
  private static final int BOOT_CD = 3;
  private static final int CMOS_CPUS = 0x5F;

  private final MemoryMap map;
  private final Clock clock;
  private final PortBus ports = new PortBus();
  private final List<Stateful<?>> chips = new ArrayList<>();
  private final List<Cpu> cpus = new ArrayList<>();
  private final List<LocalApic> localApics = new ArrayList<>();
  private final PciHost pci;
  private final PciSlots slots;
  private final Disks disks;
  private final VirtioDevices virtio;
  private final Uart16550 com1;

  // The boot processor's APIC needs the 8259 and the other way round.
  private Pic8259 pic;

  private final InterruptWiring interrupts;

  /** Where ROM can be below 1 MiB, in machines with firmware. */
  private final Optional<ShadowRam> shadow;

  /**
   * @param end what a chip wants of the machine: power off, reset, ...; from any thread
   * @param kick wakes the vCPU of this number; from any thread
   */
  Board(
      MachineSpec spec,
      MemoryMap map,
      GuestMemory memory,
      Clock clock,
      CharacterSink serialOutput,
      Consumer<Outcome> end,
      IntConsumer kick) {
    this.map = map;
    this.clock = clock;
    ApicBus apicBus = new ApicBus();
    MmioBus mmio = new MmioBus();
    CpuModel model = spec.model();
    for (int i = 0; i < model.cpus(); i++) {
      int id = i;
      LocalApicPort port =
          new LocalApicPort(
              id,
              model,
              spec.gdb().isEmpty(),
              clock,
              apicBus,
              () -> id == 0 ? pic.acknowledge() : -1,
              () -> kick.accept(id));
      Cpu cpu = new Cpu(id, model, memory, ports, mmio, clock, port);
      port.connect(cpu);
      cpus.add(cpu);
      localApics.add(add(port.apic()));
    }
    pic = add(new Pic8259(localApics.getFirst().lint0()));
    IoApic ioApic = add(new IoApic(IO_APIC_ID, apicBus));
    apicBus.onEndOfInterrupt(ioApic::endOfInterrupt);
    mmio.map(IO_APIC, IO_APIC_LENGTH, 4, ioApic);
    ports.map(0x20, 2, 1, pic.master());
    ports.map(0xA0, 2, 1, pic.slave());
    ports.map(0x4D0, 2, 1, pic.edgeLevelControl());
    interrupts = new InterruptWiring(pic, ioApic);

    Hpet hpet =
        add(
            new Hpet(
                interrupts.isa(TIMER_IRQ),
                interrupts.isa(RTC_IRQ),
                IntStream.range(0, Hpet.PINS)
                    .mapToObj(n -> ioApic.line(FIRST_HPET_PIN + n))
                    .toList(),
                clock));
    mmio.map(HPET, Hpet.LENGTH, 8, hpet);
    Pit8254 pit = add(new Pit8254(hpet.pit(), clock));
    ports.map(0x40, 4, 1, pit);
    ports.map(0x61, 1, 1, pit.systemControlB());
    long highRam = Math.max(0, memory.end() - GuestMemory.HIGH_RAM_START);
    CmosRtc rtc = add(new CmosRtc(hpet.rtc(), clock, memory.lowRamEnd(), highRam));
    rtc.store(CMOS_EQUIPMENT, EQUIPMENT);
    rtc.store(
        CMOS_BOOT_FIRST,
        switch (spec.bootFrom()) {
          case DISK -> BOOT_CD << 4 | BOOT_DISK;
          case CDROM -> BOOT_DISK << 4 | BOOT_CD;
        });
    rtc.store(CMOS_BOOT_THIRD, BOOT_FLOPPY << 4);
    rtc.store(CMOS_CPUS, cpus.size() - 1);
    ports.map(0x70, 2, 1, rtc);
    com1 = add(new Uart16550(interrupts.isa(COM1_IRQ), clock, serialOutput));
    ports.map(0x3F8, 8, 1, com1);
    ports.map(0x80, 1, 1, add(new PostCode()));

    A20Gate a20 = new A20Gate(open -> cpus.getFirst().setA20(open));
    Runnable reset = () -> end.accept(new Outcome.Reset());
    I8042 keyboard =
        add(
            new I8042(
                interrupts.isa(KEYBOARD_IRQ), interrupts.isa(MOUSE_IRQ), a20::keyboard, reset));
    ports.map(0x60, 1, 1, keyboard.data());
    ports.map(0x64, 1, 1, keyboard.command());
    ports.map(0x92, 1, 1, add(new SystemControlA(a20::fast, reset)));
    shadow = shadow(spec.boot(), memory);
    shadow.ifPresent(
        ram -> {
          mmio.map(ShadowRam.START, ShadowRam.LENGTH, 8, ram);
          add(ram);
        });
    // A kernel that is booted directly finds RAM there, whatever the bridge says.
    HostBridge bridge =
        new HostBridge(
            shadow.<HostBridge.AttributeMap>map(ram -> ram::set).orElse((_, _, _) -> {}));
    pci = add(new PciHost(add(new ResetControl(reset)), bridge));
    pci.add(ISA_BRIDGE_SLOT, 0, add(interrupts.bridge()));
    pci.add(ISA_BRIDGE_SLOT, POWER_MANAGEMENT, add(Piix4PowerManagement.at(PM_BASE)));
    ports.map(0xCF8, 8, 4, pci);

    AcpiGpe gpe = add(new AcpiGpe(interrupts.isa(SCI_IRQ)));
    ports.map(GPE_BASE, AcpiGpe.LENGTH, 4, gpe);
    disks = new Disks(cpus.size(), memory, mmio, ports, apicBus);
    slots =
        new PciSlots(
            pci,
            slot -> interrupts.pci(slot, 0),
            () -> gpe.raise(PciHotplug.EVENT),
            disks.threads());
    ports.map(HOTPLUG_BASE, PciHotplug.LENGTH, 4, slots.hotplug());
    Runnable powerOff = () -> end.accept(new Outcome.PowerOff());
    AcpiPm pm = add(new AcpiPm(interrupts.isa(SCI_IRQ), clock, PM_TIMER_BITS, powerOff));
    ports.map(PM_BASE, PM_LENGTH, 4, pm);
    ports.map(SMI_COMMAND, 2, 1, pm.smiCommand());
    ports.map(PANIC_PORT, 1, 1, add(new PvPanic(events -> panic(events, end))));
    if (spec.debugExit()) {
      DebugExit exit =
          add(new DebugExit(1, status -> end.accept(new Outcome.DebugExit(status & 0xFF))));
      ports.map(DEBUG_EXIT_PORT, 1, 1, exit);
    }
    FwCfg configuration = add(configuration(memory));
    if (spec.boot() instanceof Boot.Firmware) {
      List<String> order = BootOrder.of(spec.drives(), spec.bootFrom());
      FirmwareFiles.add(configuration, memory, described(), spec.uuid(), order);
    }
    ports.map(FwCfg.PORT, FwCfg.LENGTH, 2, configuration);
    ports.map(FwCfg.DMA_PORT, FwCfg.DMA_LENGTH, 4, configuration.dma());
    for (Device device : spec.devices()) {
      try {
        attach(device, mmio, end);
      } catch (IllegalArgumentException e) {
        throw new MachineException(
            MachineException.Kind.INVALID, "device " + device.name() + ": " + e.getMessage(), e);
      }
    }
    putIn(spec.drives());
    virtio = new VirtioDevices(memory, clock, end);
    for (VirtioDevice<?> type : virtio.make(spec.devices())) {
      int slot =
          slots
              .free()
              .orElseThrow(() -> invalid("there are more devices than slots of the PCI bus"));
      VirtioPci<?> function = new VirtioPci<>(memory, mmio, ports, slots.line(slot), apicBus, type);
      slots.put(slot, new PciSlots.Card(function, function::reset));
    }
  }

  private void putIn(List<Drive> drives) {
    List<Drive> ide = drives.stream().filter(Drive::isIde).toList();
    for (Drive drive : drives) {
      if (!drive.isIde()) {
        int slot = slots.free().orElseThrow();
        slots.put(slot, disks.virtio(drive, slot, slots.line(slot)));
      }
    }
    if (!ide.isEmpty()) {
      InterruptLine primary = interrupts.isa(PRIMARY_IDE_IRQ);
      InterruptLine secondary = interrupts.isa(SECONDARY_IDE_IRQ);
      pci.add(ISA_BRIDGE_SLOT, IDE_FUNCTION, add(disks.ide(ide, primary, secondary)));
    }
  }

  /**
   * Plugs a virtio disk in while the machine runs.
   *
   * @param wanted the slot, or none for the first free one
   * @return the slot
   */
  synchronized int plug(Drive drive, OptionalInt wanted) {
    if (drive.isIde()) {
      throw invalid(name(drive) + ": only virtio disks can be plugged into a running machine");
    }
    if (disks.plugged(drive).isPresent()) {
      throw invalid(name(drive) + ": it is plugged in already");
    }
    wanted.ifPresent(Board::check);
    int slot =
        wanted.isPresent()
            ? wanted.getAsInt()
            : slots.free().orElseThrow(() -> invalid("the PCI bus has no free slot"));
    if (!slots.isFree(slot)) {
      throw invalid("slot " + slot + " of the PCI bus is taken");
    }
    slots.plug(slot, disks.virtio(drive, slot, slots.line(slot)));
    return slot;
  }

  private static void check(int slot) {
    if (slot < PciSlots.FIRST || slot >= PciSlots.END) {
      throw invalid(
          "slot %d of the PCI bus: devices go into slots %d to %d"
              .formatted(slot, PciSlots.FIRST, PciSlots.END - 1));
    }
  }

  /** Asks the guest to let go of a disk. @return done when the disk is out and closed */
  CompletableFuture<Void> unplug(Drive drive) {
    Disks.Plugged plugged =
        disks
            .plugged(drive)
            .orElseThrow(() -> invalid(name(drive) + ": no such virtio disk is plugged in"));
    slots.askToEject(plugged.slot());
    return plugged.out();
  }

  private static String name(Drive drive) {
    return "drive '" + drive.serial() + "'";
  }

  private static MachineException invalid(String message) {
    return new MachineException(MachineException.Kind.INVALID, message);
  }

  /**
   * Finds out whether the devices get along with each other and with the board.
   *
   * @throws MachineException when they do not
   */
  static void tryOut(MachineSpec spec) {
    try (GuestMemory memory = GuestMemory.allocate(Machine.MIN_MEMORY);
        HostClock clock = new HostClock()) {
      new Board(spec, MemoryMap.of(Machine.MIN_MEMORY), memory, clock, _ -> {}, _ -> {}, _ -> {});
    }
  }

  private static Optional<ShadowRam> shadow(Boot boot, GuestMemory memory) {
    return boot instanceof Boot.Firmware(FirmwareImage image)
        ? Optional.of(new ShadowRam(memory, image.content()))
        : Optional.empty();
  }

  private FwCfg configuration(GuestMemory memory) {
    FwCfg configuration = new FwCfg(memory);
    configuration.add64(FwCfg.RAM_SIZE, memory.size());
    configuration.add16(FwCfg.NB_CPUS, cpus.size());
    configuration.add16(FwCfg.MAX_CPUS, cpus.size());
    return configuration;
  }

  private void attach(Device device, MmioBus mmio, Consumer<Outcome> end) {
    switch (device) {
      case Device.IsaDebugExit(int iobase, int iosize) -> {
        // As from QEMU: an odd status, so that 0 is left for a guest that powers itself off.
        IntConsumer exit = value -> end.accept(new Outcome.DebugExit((value << 1 | 1) & 0xFF));
        ports.map(iobase, iosize, 4, add(new DebugExit(iosize, exit)));
      }
      case Device.PcTestdev() -> {
        List<InterruptLine> lines =
            IntStream.range(0, PcTestdev.LINES).mapToObj(interrupts::pin).toList();
        PcTestdev testdev = add(new PcTestdev(lines));
        ports.map(PcTestdev.LATCH_PORT, PcTestdev.LATCH_LENGTH, 4, testdev.latch());
        ports.map(PcTestdev.LATCH_BYTES_PORT, PcTestdev.LATCH_LENGTH, 1, testdev.latch());
        ports.map(PcTestdev.FLUSH_PORT, PcTestdev.FLUSH_LENGTH, 4, testdev.flush());
        ports.map(PcTestdev.LINES_PORT, PcTestdev.LINES, 1, testdev.lines());
        mmio.map(PcTestdev.MEMORY_BASE, PcTestdev.MEMORY_LENGTH, 8, testdev.memory());
      }
      case Device.Virtio _ -> {
        // Plugged into the PCI bus behind the disks.
      }
    }
  }

  /** A guest that has loaded a crash kernel goes on by itself. */
  private static void panic(int events, Consumer<Outcome> end) {
    if ((events & PvPanic.PANICKED) != 0) {
      end.accept(new Outcome.Panic());
    }
  }

  private <C extends Stateful<?>> C add(C chip) {
    chips.add(chip);
    return chip;
  }

  /** RESET# of all chips. The processors are their engines' business. */
  void reset() {
    chips.forEach(Stateful::reset);
    slots.reset();
  }

  /** Waits for requests under way and closes the disks. @return what went wrong */
  Optional<String> close() {
    slots.awaitRequests();
    virtio.close();
    return disks.close();
  }

  Disks disks() {
    return disks;
  }

  VirtioDevices virtio() {
    return virtio;
  }

  /** All count from 0 now: guests rely on theirs being equal. */
  void startTimeStampCounters() {
    long now = clock.nanos();
    cpus.forEach(cpu -> cpu.msrs.startTsc(now));
  }

  /**
   * Leaves what firmware leaves: the 8259 and NMI reach the boot processor through its APIC
   * (virtual wire mode, MP specification 1.4, 3.6.2.2), the processors know the memory types, and
   * tables tell the guest about this board. The 8259 have the PC's vectors; but as no handlers are
   * there, all lines are masked, so that real-mode guests can set IF.
   */
  void writeFirmware(GuestMemory memory) {
    cpus.forEach(MemoryTypes::set);
    LocalApic apic = localApics.getFirst();
    apic.write(SPURIOUS_INTERRUPT, 4, APIC_ENABLED | 0xFF);
    apic.write(LINT0, 4, LEVEL_TRIGGERED | EXT_INT);
    apic.write(LINT1, 4, LEVEL_TRIGGERED | NMI);
    initialize(pic.master(), 8, 1 << CASCADE_IRQ);
    initialize(pic.slave(), 0x70, CASCADE_IRQ);
    interrupts.route(pci);
    disks.ide().ifPresent(ide -> ide.enable(IDE_BUS_MASTER));
    AcpiTables.write(memory, described());
  }

  /** Has the processors find firmware in the ROM; RAM is empty. */
  void showRom() {
    shadow.ifPresent(ShadowRam::reset);
  }

  private AcpiTables.Board described() {
    return new AcpiTables.Board(
        cpus.size(),
        IO_APIC_ID,
        PM_BASE,
        PM_TIMER_BITS == 32,
        SMI_COMMAND,
        AcpiPm.ACPI_ENABLE,
        AcpiPm.ACPI_DISABLE,
        AcpiPm.SLP_TYP_S5,
        GPE_BASE,
        HOTPLUG_BASE,
        PciSlots.MASK,
        PANIC_PORT,
        map.lowRamEnd(),
        InterruptWiring.PIRQ_IRQS);
  }

  /** ICW1 to ICW4 of an 8259 that is one of two, then its mask. */
  private static void initialize(BusDevice chip, int firstVector, int cascade) {
    chip.write(0, 1, 0x11);
    chip.write(1, 1, firstVector);
    chip.write(1, 1, cascade);
    chip.write(1, 1, 1);
    chip.write(1, 1, 0xFF);
  }

  List<Cpu> cpus() {
    return cpus;
  }

  LocalApic localApic(int cpu) {
    return localApics.get(cpu);
  }

  Uart16550 com1() {
    return com1;
  }
}
