package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import lodge.core.GuestMemory;
import lodge.devices.FakeClock;
import lodge.devices.virtio.DriverQueue.Piece;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Drivers that put anything into the queues and the configuration of devices without disks. */
class HostileDriverTest {
  private static final int ROUNDS = 300;
  private static final int ACTIONS = 40;

  private static final FakeClock CLOCK = new FakeClock();

  static Stream<Function<GuestMemory, VirtioDevice<?>>> devices() {
    return Stream.of(
        _ -> new VirtioRng(new Random(1), CLOCK),
        memory -> new VirtioBalloon(memory, true, true, Runnable::run),
        _ ->
            new VirtioConsole(
                List.of(
                    new ConsolePort("", true, _ -> {}, Runnable::run),
                    new ConsolePort("name", false, _ -> {}, Runnable::run)),
                Runnable::run),
        _ -> new VirtioInput(InputKind.TABLET, "", Runnable::run));
  }

  @ParameterizedTest
  @MethodSource("devices")
  void nothingThrowsAndTheDeviceWorksAfterAReset(Function<GuestMemory, VirtioDevice<?>> type) {
    hammer(memory -> narrow(type.apply(memory)));
  }

  @SuppressWarnings("unchecked") // whatever its state is
  private static VirtioDevice<Record> narrow(VirtioDevice<?> type) {
    return (VirtioDevice<Record>) type;
  }

  private static void hammer(Function<GuestMemory, VirtioDevice<Record>> type) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (Rig<Record> rig = new Rig<>(type)) {
      for (int round = 0; round < ROUNDS; round++) {
        rig.start(random.nextBoolean() ? rig.driver == null ? 0 : rig.driver.offered() : 0);
        for (int action = 0; action < ACTIONS; action++) {
          act(rig, random);
        }
        CLOCK.advance(VirtioRng.PERIOD_NANOS);
        VirtioPci.State<Record> saved = rig.pci.state();
        rig.pci.reset();
        rig.pci.restore(saved);
      }
      rig.start(0);
      assertThat(rig.needsReset()).isFalse();
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private static void act(Rig<Record> rig, Random random) {
    int number = random.nextInt(rig.queues.length);
    DriverQueue queue = rig.queues[number];
    if (random.nextInt(4) == 0 && rig.driver.capabilities.containsKey(PciDriver.DEVICE)) {
      int size = 1 << random.nextInt(3);
      int offset = random.nextInt(16) & -size;
      rig.driver.write(PciDriver.DEVICE, offset, size, random.nextInt(0x20));
      rig.configuration(offset, size);
      return;
    }
    // What the device reads is random, too, but often nearly a message. Words stay aligned, as
    // small numbers do: a driver that gives its rings to the balloon only hurts itself.
    for (int i = 0; i < 16; i++) {
      int value = random.nextInt(random.nextBoolean() ? 8 : Integer.MAX_VALUE);
      rig.memory.putInt(Rig.DATA + 4 * i, value);
    }
    if (queue.free() > 2) {
      long gpa = random.nextInt(50) == 0 ? random.nextLong() : Rig.DATA + 4 * random.nextInt(16);
      queue.add(List.of(new Piece(gpa, random.nextInt(80), random.nextBoolean())), false);
    }
    rig.driver.notifyOf(random.nextInt(8) == 0 ? random.nextInt(rig.queues.length) : number);
    queue.poll();
  }
}
