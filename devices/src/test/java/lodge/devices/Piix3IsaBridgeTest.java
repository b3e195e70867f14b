package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lodge.core.InterruptLine;
import org.junit.jupiter.api.Test;

class Piix3IsaBridgeTest {
  private static final int PIRQRCA = 0x60;
  private static final int PIRQRCB = 0x61;
  private static final int DISABLED = 0x80;

  private final List<Probe> irqs = Stream.generate(Probe::new).limit(16).toList();
  private final Piix3IsaBridge bridge =
      new Piix3IsaBridge(Piix3IsaBridge.ROUTABLE.stream().<InterruptLine>map(irqs::get).toList());

  private List<Integer> asserted() {
    return IntStream.range(0, 16).filter(irq -> irqs.get(irq).high).boxed().toList();
  }

  @Test
  void isAnIsaBridgeOfADeviceWithSeveralFunctions() {
    assertThat(bridge.read(0, 4)).isEqualTo(0x7000_8086);
    assertThat(bridge.read(0x0A, 2)).isEqualTo(0x0601);
    assertThat(bridge.read(0x0E, 1)).isEqualTo(0x80);
    assertThat(bridge.read(PIRQRCA, 4)).as("nothing is routed").isEqualTo(0x8080_8080);
  }

  @Test
  void aPirqGoesToTheLineItIsRoutedTo() {
    bridge.pirq(0).set(true);
    assertThat(asserted()).isEmpty();
    bridge.write(PIRQRCA, 1, 10);
    assertThat(asserted()).containsExactly(10);
    bridge.write(PIRQRCA, 1, 5);
    assertThat(asserted()).as("moved with its level").containsExactly(5);
    bridge.write(PIRQRCA, 1, 5 | DISABLED);
    assertThat(asserted()).isEmpty();
    bridge.write(PIRQRCA, 1, 13);
    assertThat(asserted()).as("the coprocessor's line is reserved").isEmpty();
  }

  @Test
  void twoPirqsShareALine() {
    bridge.write(PIRQRCA, 2, 10 << 8 | 10);
    bridge.pirq(0).set(true);
    bridge.pirq(1).set(true);
    bridge.pirq(0).set(false);
    assertThat(asserted()).containsExactly(10);
    bridge.write(PIRQRCB, 1, 11);
    assertThat(asserted()).containsExactly(11);
    bridge.pirq(1).set(false);
    assertThat(asserted()).isEmpty();
  }

  @Test
  void neighbouringSlotsHaveDifferentLines() {
    assertThat(IntStream.range(1, 6).map(slot -> Piix3IsaBridge.pirqOf(slot, 0)))
        .containsExactly(0, 1, 2, 3, 0);
    assertThat(IntStream.range(0, 4).map(pin -> Piix3IsaBridge.pirqOf(3, pin)))
        .containsExactly(2, 3, 0, 1);
  }

  @Test
  void resetTakesTheRoutesAndLeavesTheLevels() {
    bridge.write(PIRQRCA, 1, 10);
    bridge.pirq(0).set(true);
    bridge.reset();
    assertThat(asserted()).isEmpty();
    bridge.write(PIRQRCA, 1, 11);
    assertThat(asserted()).containsExactly(11);
  }

  @Test
  void savedStateBringsTheRoutesBack() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      bridge.write(random.nextInt(256), 1, random.nextInt(256));
      bridge.pirq(random.nextInt(4)).set(random.nextBoolean());
    }
    List<Integer> before = asserted();
    PciConfigSpace.State saved = Fuzz.roundTrip(bridge);
    assertThat(bridge.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(asserted()).isEqualTo(before);
  }

  @Test
  void aSharedLineIsHighWhileAnybodyPullsIt() {
    Probe probe = new Probe();
    SharedLine line = new SharedLine(probe);
    InterruptLine one = line.input();
    InterruptLine other = line.input();
    one.set(true);
    other.set(true);
    one.set(false);
    one.set(false);
    assertThat(probe.high).isTrue();
    other.set(false);
    assertThat(probe.high).isFalse();
    assertThat(probe.edges).isEqualTo(1);
  }
}
