package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PciHotplugTest {
  private static final int SLOTS_4_TO_31 = -1 << 4;

  private final List<Integer> ejected = new ArrayList<>();
  private int events;
  private final PciHotplug hotplug = newChip();

  private PciHotplug newChip() {
    return new PciHotplug(SLOTS_4_TO_31, () -> events++, ejected::add);
  }

  private int in(int register) {
    return (int) hotplug.read(register, 4);
  }

  @Test
  void whatIsPluggedInIsToldOnce() {
    hotplug.plugged(5);
    hotplug.plugged(31);
    assertThat(events).isEqualTo(2);
    assertThat(in(PciHotplug.UP)).isEqualTo(1 << 5 | 1 << 31);
    assertThat(in(PciHotplug.UP)).isZero();
    assertThat(ejected).isEmpty();
  }

  @Test
  void whatIsToGoIsToldUntilTheGuestEjectsIt() {
    hotplug.askToEject(6);
    hotplug.askToEject(7);
    assertThat(events).isEqualTo(2);
    assertThat(in(PciHotplug.DOWN)).isEqualTo(3 << 6);
    assertThat(in(PciHotplug.DOWN)).isEqualTo(3 << 6);
    hotplug.write(PciHotplug.EJECT, 4, 1 << 6);
    assertThat(ejected).containsExactly(6);
    assertThat(in(PciHotplug.DOWN)).isEqualTo(1 << 7);
    hotplug.plugged(7);
    assertThat(in(PciHotplug.DOWN)).as("nobody asked what is new to go").isZero();
  }

  @Test
  void theGuestMayEjectByItselfButOnlyWhatCanBeTakenOut() {
    hotplug.write(PciHotplug.EJECT, 4, -1);
    assertThat(ejected).hasSize(28).startsWith(4, 5).endsWith(31);
    assertThat(in(PciHotplug.REMOVABLE)).isEqualTo(SLOTS_4_TO_31);
    assertThat(in(PciHotplug.EJECT)).as("no features").isZero();
  }

  @Test
  void otherBusesHaveNoSlots() {
    hotplug.write(PciHotplug.BUS, 4, 1);
    hotplug.write(PciHotplug.EJECT, 4, -1);
    assertThat(ejected).isEmpty();
    assertThat(in(PciHotplug.BUS)).isEqualTo(1);
    hotplug.write(PciHotplug.BUS, 4, 0);
    hotplug.write(PciHotplug.EJECT, 4, 1 << 9);
    assertThat(ejected).containsExactly(9);
  }

  @Test
  void narrowAccessesAndOtherPortsDoNothing() {
    hotplug.plugged(8);
    assertThat(hotplug.read(PciHotplug.UP, 1)).isEqualTo(-1);
    hotplug.write(PciHotplug.EJECT, 1, 0xFF);
    hotplug.write(PciHotplug.REMOVABLE, 4, 0);
    hotplug.write(-4, 4, -1);
    hotplug.write(PciHotplug.LENGTH, 4, -1);
    assertThat(ejected).isEmpty();
    assertThat(in(PciHotplug.REMOVABLE)).isEqualTo(SLOTS_4_TO_31);
    assertThat(in(PciHotplug.LENGTH)).isEqualTo(-1);
    assertThat(in(PciHotplug.UP)).isEqualTo(1 << 8);
  }

  @Test
  void aResetTakesOutWhatWasToGo() {
    hotplug.plugged(4);
    hotplug.askToEject(5);
    hotplug.write(PciHotplug.BUS, 4, 3);
    hotplug.reset();
    assertThat(ejected).containsExactly(5);
    assertThat(hotplug.state()).isEqualTo(new PciHotplug.State(0, 0, 0));
  }

  @Test
  void theStateGoesOnElsewhere() {
    hotplug.plugged(4);
    hotplug.askToEject(5);
    PciHotplug other = newChip();
    other.restore(hotplug.state());
    assertThat(other.read(PciHotplug.UP, 4)).isEqualTo(1 << 4);
    assertThat(other.read(PciHotplug.DOWN, 4)).isEqualTo(1 << 5);
    assertThatThrownBy(() -> other.restore(new PciHotplug.State(1, 0, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(other.state().down()).as("nothing changed").isEqualTo(1 << 5);
  }
}
