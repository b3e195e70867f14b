package lodge.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import lodge.machine.Device;
import lodge.machine.Machine;
import lodge.machine.SerialConsole;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Debian's kernel with the drivers of all virtio devices that are no disks. */
@Timeout(900) // fetching the guest is part of it
class VirtioDevicesIT {
  private static final long MIB = 1 << 20;
  private static final String MODULES =
      "virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci"
          + " virtio-rng virtio_balloon virtio_console virtio_input";

  /** What the guest has sent. */
  private static final class Received extends OutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public synchronized void write(int b) {
      bytes.write(b);
      notifyAll();
    }

    synchronized void await(String text) throws InterruptedException {
      while (!bytes.toString(US_ASCII).contains(text)) {
        wait();
      }
    }
  }

  private final Received terminal = new Received();
  private final Received channel = new Received();
  private final SerialConsole.Fed keys = SerialConsole.fed(terminal);
  private final SerialConsole.Fed line = SerialConsole.fed(channel);

  private static String output(GuestShell guest, String command) throws Exception {
    return guest.run(command).output();
  }

  @Test
  void linuxUsesThemAll() throws Exception {
    try (GuestShell guest =
        new GuestShell(
            TinyGuest.machine()
                .device(new Device.VirtioRng())
                .device(new Device.VirtioBalloon(false, true))
                .device(new Device.VirtioSerial())
                .device(new Device.Virtconsole("", keys))
                .device(new Device.Virtserialport("org.lodge.0", line))
                .device(new Device.VirtioKeyboard())
                .device(new Device.VirtioTablet()))) {
      guest.awaitPrompt();
      // What the kernel says stays out of what the commands print.
      guest.run("dmesg -n 1");
      String load = "for m in " + MODULES + "; do insmod /lib/modules/$m.ko* || echo no $m; done";
      assertThat(output(guest, load)).isEmpty();

      assertThat(output(guest, "cat /sys/class/misc/hw_random/rng_current"))
          .isEqualTo("virtio_rng.0\n");
      assertThat(output(guest, "head -c 4096 /dev/hwrng | sort -u | wc -c")).isNotEqualTo("0\n");

      assertThat(output(guest, "grep -o 'Lodge [A-Za-z ]*' /proc/bus/input/devices"))
          .isEqualTo("Lodge Virtio Keyboard\nLodge Virtio Tablet\n");

      consoleCarriesCharacters(guest);
      balloonTakesAndGivesMemory(guest);

      assertThat(output(guest, "dmesg | grep -iE 'virtio|vport|hvc' | grep -iE 'fail|error|bug'"))
          .isEmpty();
    }
  }

  private void consoleCarriesCharacters(GuestShell guest) throws Exception {
    guest.run("echo from the guest >/dev/hvc0");
    terminal.await("from the guest");
    keys.feed().write("from the host\n".getBytes(US_ASCII));
    assertThat(output(guest, "head -n 1 </dev/hvc0")).isEqualTo("from the host\n");
    terminal.await("from the host");

    assertThat(output(guest, "cat /sys/class/virtio-ports/*/name")).isEqualTo("org.lodge.0\n");
    String port =
        "/dev/"
            + output(guest, "grep -l org.lodge.0 /sys/class/virtio-ports/*/name")
                .replaceAll(".*/(vport[^/]*)/name\\n", "$1");
    guest.run("seq 1 5000 >" + port);
    channel.await("\n5000\n");
    byte[] much = "0123456789abcdef".repeat(4096).getBytes(US_ASCII);
    Thread.ofVirtual().start(() -> feed(much));
    assertThat(output(guest, "head -c " + much.length + " " + port + " | md5sum"))
        .isEqualTo(output(guest, "yes 0123456789abcdef | head -n 4096 | tr -d '\\n' | md5sum"));
  }

  private void feed(byte[] bytes) {
    try {
      line.feed().write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static long free(GuestShell guest) throws Exception {
    return Long.parseLong(output(guest, "grep MemFree: /proc/meminfo").replaceAll("[^0-9]", ""))
        << 10;
  }

  private static void balloonTakesAndGivesMemory(GuestShell guest) throws Exception {
    Machine machine = guest.machine();
    long all = machine.memoryLeft();
    long before = free(guest);
    assertThat(before).isGreaterThan(200 * MIB);
    machine.balloon(all - 128 * MIB);
    await(guest, all - 128 * MIB);
    assertThat(before - free(guest)).isBetween(100 * MIB, 150 * MIB);
    machine.balloon(all);
    await(guest, all);
    assertThat(before - free(guest)).isLessThan(30 * MIB);
  }

  /** The guest follows while it does something else. */
  private static void await(GuestShell guest, long memory) throws Exception {
    for (int i = 0; i < 100 && guest.machine().memoryLeft() != memory; i++) {
      guest.run("sleep 0.1");
    }
    assertThat(guest.machine().memoryLeft()).isEqualTo(memory);
  }
}
