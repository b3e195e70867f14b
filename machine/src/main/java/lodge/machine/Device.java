package lodge.machine;

import java.util.List;
import lodge.machine.MachineException.Kind;

/**
 * A device that a machine has only when somebody asks for it, see {@link MachineBuilder#device}.
 * Names and properties are those of QEMU's {@code -device}.
 */
public sealed interface Device {
  /** What {@link #parse} knows. */
  List<String> NAMES = DeviceDescription.names();

  String name();

  /**
   * Ports through which a guest ends the run: writing a value is {@link Outcome.DebugExit} with
   * twice the value plus 1.
   *
   * @param iobase the first port
   * @param iosize how many ports, 1 to 0x10000
   */
  record IsaDebugExit(int iobase, int iosize) implements Device {
    static final String NAME = "isa-debug-exit";
    private static final int PORTS = 1 << 16;

    /**
     * @throws MachineException when there are no such ports
     */
    public IsaDebugExit {
      if (iobase < 0 || iobase >= PORTS) {
        throw invalid(NAME + ": iobase must be from 0 to 0xffff");
      }
      if (iosize < 1 || iosize > PORTS - iobase) {
        throw invalid(NAME + ": iosize must be from 1 to " + (PORTS - iobase));
      }
    }

    /** Four ports from 0xF4 on. */
    public IsaDebugExit() {
      this(0xF4, 4);
    }

    @Override
    public String name() {
      return NAME;
    }
  }

  /**
   * What test programs want of a PC: latches at ports 0xE0 and 0xE8, interrupt lines at 0x2000, and
   * 64 KiB of memory behind the memory bus at 0xFF000000.
   */
  record PcTestdev() implements Device {
    static final String NAME = "pc-testdev";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** A virtio device on the PCI bus, or a part of one. */
  sealed interface Virtio extends Device {}

  /** Random bytes from the host. */
  record VirtioRng() implements Virtio {
    static final String NAME = "virtio-rng-pci";

    @Override
    public String name() {
      return NAME;
    }
  }

  /**
   * Memory that the guest can do without goes back to the host, see {@link Machine#balloon}.
   *
   * @param deflateOnOom the guest may take memory back before it runs out of it
   * @param freePageReporting the guest gives back by itself what it does not use just now
   */
  record VirtioBalloon(boolean deflateOnOom, boolean freePageReporting) implements Virtio {
    static final String NAME = "virtio-balloon-pci";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** A bus for the {@link Port}s that follow it. */
  record VirtioSerial() implements Virtio {
    static final String NAME = "virtio-serial-pci";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** Carries characters; on the {@link VirtioSerial} before it. */
  sealed interface Port extends Virtio {
    /** What the guest finds it by, or empty. */
    String portName();

    /** What it is connected to. */
    SerialConsole console();
  }

  /** A terminal for the guest, such as /dev/hvc0. */
  record Virtconsole(String portName, SerialConsole console) implements Port {
    static final String NAME = "virtconsole";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** A line for a program in the guest, which finds it by its name. */
  record Virtserialport(String portName, SerialConsole console) implements Port {
    static final String NAME = "virtserialport";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** A keyboard. */
  record VirtioKeyboard() implements Virtio {
    static final String NAME = "virtio-keyboard-pci";

    @Override
    public String name() {
      return NAME;
    }
  }

  /** A pointer that says where on the screen it is. */
  record VirtioTablet() implements Virtio {
    static final String NAME = "virtio-tablet-pci";

    @Override
    public String name() {
      return NAME;
    }
  }

  /**
   * Reads a description such as {@code isa-debug-exit,iobase=0xf4,iosize=4}.
   *
   * @throws MachineException of kind INVALID when the device, a property or its value is unknown
   */
  static Device parse(String description) {
    return DeviceDescription.parse(description);
  }

  private static MachineException invalid(String what) {
    return new MachineException(Kind.INVALID, "device " + what);
  }
}
