package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lodge.core.Exit;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest finds on the PCI bus, and what the host can do with it. */
class VirtioDevicesTest {
  private static final long MEMORY = 16 << 20;
  private static final Device PORT = Device.parse("virtserialport");

  @TempDir Path folder;

  private MachineBuilder machine(FakeEngine engine, Device... devices) throws Exception {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    MachineBuilder builder = new MachineBuilder(List.of(engine)).kernel(kernel).memory(MEMORY);
    List.of(devices).forEach(builder::device);
    return builder;
  }

  private void refused(String message, Device... devices) {
    assertThatThrownBy(() -> machine(new FakeEngine(_ -> Exit.FAILED), devices).build())
        .isInstanceOf(MachineException.class)
        .hasMessage(message);
  }

  @Test
  void theyArePluggedIntoThePciBusInTheOrderGiven() throws Exception {
    List<String> found = new ArrayList<>();
    FakeEngine engine =
        new FakeEngine(
            vcpu -> {
              for (int slot = 2; slot < 32; slot++) {
                vcpu.cpu.ports.write(0xCF8, 4, 0x8000_0000 | slot << 11);
                int id = vcpu.cpu.ports.read(0xCFC, 4);
                if (id != -1) {
                  found.add("%d:%x".formatted(slot, id >>> 16));
                }
              }
              return Exit.FAILED;
            });
    try (Machine machine =
        machine(
                engine,
                new Device.VirtioRng(),
                new Device.VirtioBalloon(true, true),
                new Device.VirtioSerial(),
                PORT,
                new Device.VirtioKeyboard(),
                new Device.VirtioTablet())
            .build()) {
      machine.start();
      machine.await();
    }
    assertThat(found).containsExactly("4:1005", "5:1002", "6:1003", "7:1052", "8:1052");
  }

  @Test
  void thoseThatDoNotGoTogetherAreRefused() {
    Device serial = new Device.VirtioSerial();
    Device balloon = new Device.VirtioBalloon(false, false);
    refused(
        "device virtserialport: there is no virtio-serial-pci before it that it is on",
        PORT,
        serial,
        PORT);
    refused(
        "device virtio-serial-pci: it needs from 1 to 31 ports behind it, such as virtconsole",
        serial,
        serial,
        PORT);
    refused("device virtio-balloon-pci: a machine has one balloon", balloon, balloon);
    Device[] many = new Device[29];
    Arrays.fill(many, new Device.VirtioRng());
    refused("there are more devices than slots of the PCI bus", many);
  }

  @Test
  void aBalloonIsForMachinesThatRunAndHaveOne() throws Exception {
    FakeEngine engine = new FakeEngine(_ -> Exit.FAILED);
    try (Machine machine = machine(engine).build()) {
      assertThatThrownBy(() -> machine.balloon(MEMORY)).hasMessage("the machine was not started");
      machine.start();
      assertThatThrownBy(() -> machine.balloon(MEMORY)).hasMessage("the machine has no balloon");
      assertThatThrownBy(() -> machine.balloon(MEMORY + 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
    try (Machine machine = machine(engine, new Device.VirtioBalloon(false, false)).build()) {
      machine.start();
      machine.balloon(MEMORY / 2);
      assertThat(machine.memoryLeft()).as("the guest has not followed").isEqualTo(MEMORY);
    }
  }
}
