package lodge.machine;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.devices.virtio.ConsolePort;
import lodge.devices.virtio.InputKind;
import lodge.devices.virtio.VirtioBalloon;
import lodge.devices.virtio.VirtioConsole;
import lodge.devices.virtio.VirtioDevice;
import lodge.devices.virtio.VirtioInput;
import lodge.devices.virtio.VirtioRng;
import lodge.machine.MachineException.Kind;

/** The virtio devices of a machine that are no disks, with the threads that serve their queues. */
final class VirtioDevices {
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("lodge-virtio-", 0).factory());

  private final GuestMemory memory;
  private final Clock clock;
  private final Consumer<Outcome> end;
  private final List<SerialLink> links = new ArrayList<>();
  private Optional<VirtioBalloon> balloon = Optional.empty();

  /**
   * @param end what a port wants of the machine when its output fails
   */
  VirtioDevices(GuestMemory memory, Clock clock, Consumer<Outcome> end) {
    this.memory = memory;
    this.clock = clock;
    this.end = end;
  }

  /**
   * Makes those that are wanted.
   *
   * @throws MachineException when they do not go together
   */
  List<VirtioDevice<?>> make(List<Device> wanted) {
    List<VirtioDevice<?>> made = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      switch (wanted.get(i)) {
        case Device.VirtioRng _ -> made.add(new VirtioRng(new SecureRandom(), clock));
        case Device.VirtioBalloon chosen -> made.add(balloon(chosen));
        case Device.VirtioSerial _ -> made.add(console(wanted.subList(i + 1, wanted.size())));
        case Device.VirtioKeyboard _ -> made.add(input(InputKind.KEYBOARD));
        case Device.VirtioTablet _ -> made.add(input(InputKind.TABLET));
        case Device.Port port -> checkBus(port, wanted.subList(0, i));
        default -> {}
      }
    }
    return made;
  }

  private VirtioBalloon balloon(Device.VirtioBalloon chosen) {
    if (balloon.isPresent()) {
      throw invalid(chosen, "a machine has one balloon");
    }
    VirtioBalloon made =
        new VirtioBalloon(memory, chosen.deflateOnOom(), chosen.freePageReporting(), threads);
    balloon = Optional.of(made);
    return made;
  }

  private VirtioInput input(InputKind kind) {
    return new VirtioInput(kind, "", threads);
  }

  private static void checkBus(Device.Port port, List<Device> before) {
    if (before.stream().noneMatch(Device.VirtioSerial.class::isInstance)) {
      throw invalid(port, "there is no " + Device.VirtioSerial.NAME + " before it that it is on");
    }
  }

  /** It has the ports that follow it, up to the next of its kind. */
  private VirtioConsole console(List<Device> behind) {
    List<ConsolePort> ports = new ArrayList<>();
    for (Device device : behind) {
      if (device instanceof Device.VirtioSerial) {
        break;
      }
      if (device instanceof Device.Port port) {
        ports.add(port(port));
      }
    }
    if (ports.isEmpty() || ports.size() > VirtioConsole.MOST_PORTS) {
      throw invalid(
          new Device.VirtioSerial(),
          "it needs from 1 to "
              + VirtioConsole.MOST_PORTS
              + " ports behind it, such as virtconsole");
    }
    return new VirtioConsole(ports, threads);
  }

  private ConsolePort port(Device.Port wanted) {
    SerialLink link =
        new SerialLink(
            wanted.console(), e -> end.accept(new Outcome.Failed(wanted.name() + " output: " + e)));
    boolean isConsole = wanted instanceof Device.Virtconsole;
    ConsolePort port = new ConsolePort(wanted.portName(), isConsole, link, threads);
    link.connect(port);
    links.add(link);
    return port;
  }

  private static MachineException invalid(Device device, String what) {
    return new MachineException(Kind.INVALID, "device " + device.name() + ": " + what);
  }

  /** What carries the characters of all ports. */
  List<SerialLink> links() {
    return links;
  }

  Optional<VirtioBalloon> balloon() {
    return balloon;
  }

  /** No request is under way any more. */
  void close() {
    threads.shutdown();
  }
}
