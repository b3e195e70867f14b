package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lodge.core.Exit;
import lodge.machine.MachineException.Kind;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceTest {
  @TempDir Path folder;

  private static void refused(String description, String message) {
    assertThatThrownBy(() -> Device.parse(description))
        .isInstanceOfSatisfying(
            MachineException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void descriptionsAreThoseOfQemu() {
    assertThat(Device.parse("isa-debug-exit")).isEqualTo(new Device.IsaDebugExit(0xF4, 4));
    assertThat(Device.parse("isa-debug-exit,iobase=0x501,iosize=2"))
        .isEqualTo(new Device.IsaDebugExit(0x501, 2));
    assertThat(Device.parse("isa-debug-exit,iosize=1")).isEqualTo(new Device.IsaDebugExit(0xF4, 1));
    assertThat(Device.parse("pc-testdev")).isEqualTo(new Device.PcTestdev());
    assertThat(Device.parse("virtio-balloon-pci"))
        .isEqualTo(new Device.VirtioBalloon(false, false));
    assertThat(Device.parse("virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=off"))
        .isEqualTo(new Device.VirtioBalloon(false, true));
    assertThat(Device.parse("virtserialport,name=org.lodge.0"))
        .isInstanceOfSatisfying(
            Device.Port.class, port -> assertThat(port.portName()).isEqualTo("org.lodge.0"));
    assertThat(Device.NAMES)
        .allSatisfy(name -> assertThat(Device.parse(name).name()).isEqualTo(name));
  }

  @Test
  void unknownDevicesAndPropertiesAreRefused() {
    refused("", "device '' is unknown; there are isa-debug-exit, pc-testdev");
    refused("pci-testdev", "device 'pci-testdev' is unknown");
    refused("pc-testdev,speed=9", "device pc-testdev: property 'speed' is unknown");
    refused("virtio-balloon-pci,deflate-on-oom=yes", "'yes' is neither on nor off");
    refused("isa-debug-exit,iobase", "'iobase' is no property");
    refused("isa-debug-exit,iobase=", "iobase '' is no number");
    refused("isa-debug-exit,iobase=port", "iobase 'port' is no number");
    refused("isa-debug-exit,iobase=0x10000", "iobase must be from 0 to 0xffff");
    refused("isa-debug-exit,iobase=-1", "iobase must be from 0 to 0xffff");
    refused("isa-debug-exit,iosize=0", "iosize must be from 1 to");
    refused("isa-debug-exit,iobase=0xffff,iosize=2", "iosize must be from 1 to 1");
  }

  private MachineBuilder machine(FakeEngine engine) throws Exception {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    return new MachineBuilder(List.of(engine)).kernel(kernel).memory(16 << 20);
  }

  @Test
  void devicesThatWantTheSamePortsAreRefused() throws Exception {
    FakeEngine none = new FakeEngine(_ -> Exit.FAILED);
    assertThatThrownBy(machine(none).device(new Device.IsaDebugExit(0x3F0, 9))::build)
        .isInstanceOf(MachineException.class)
        .hasMessage("device isa-debug-exit: I/O port 0x3f8 is taken");
    assertThatThrownBy(
            machine(none).device(new Device.PcTestdev()).device(new Device.PcTestdev())::build)
        .hasMessage("device pc-testdev: I/O port 0xe0 is taken");
    assertThatThrownBy(machine(none).debugExit(true).device(new Device.IsaDebugExit())::build)
        .hasMessage("device isa-debug-exit: I/O port 0xf4 is taken");
  }

  @Test
  void anExitIsTwiceTheValuePlusOne() throws Exception {
    for (int value : new int[] {0, 1, 5, 0x80, 0xFF}) {
      FakeEngine engine =
          new FakeEngine(
              vcpu -> {
                vcpu.cpu.ports.write(0x501, 2, value);
                return Exit.KICKED;
              });
      try (Machine machine = machine(engine).device(new Device.IsaDebugExit(0x501, 2)).build()) {
        machine.start();
        assertThat(machine.await()).isEqualTo(new Outcome.DebugExit((value << 1 | 1) & 0xFF));
      }
    }
  }

  @Test
  void theTestDevicesLinesReachTheInterruptControllers() throws Exception {
    int[] seen = new int[3];
    FakeEngine engine =
        new FakeEngine(
            vcpu -> {
              seen[0] = vcpu.in(0x20) & 1 << 5;
              vcpu.out(0x2005, 1);
              seen[1] = vcpu.in(0x20) & 1 << 5;
              vcpu.out(0x200E, 1);
              seen[2] = vcpu.in(0xA0) & 1 << 6;
              vcpu.out(0x2017, 1);
              return Exit.FAILED;
            });
    try (Machine machine = machine(engine).device(new Device.PcTestdev()).build()) {
      machine.start();
      machine.await();
    }
    assertThat(seen).containsExactly(0, 1 << 5, 1 << 6);
  }
}
