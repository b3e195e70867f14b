package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SmallPortsTest {
  private final List<Integer> seen = new ArrayList<>();
  private final Probe a20 = new Probe();
  private int resets;

  @Test
  void port92GatesA20AndResetsOnARisingBit() {
    SystemControlA port = new SystemControlA(a20, () -> resets++);
    port.write(0, 1, 2);
    assertThat(a20.high).isTrue();
    assertThat(port.read(0, 1)).isEqualTo(2);
    port.write(0, 1, 3);
    port.write(0, 1, 3);
    assertThat(resets).isEqualTo(1);
    port.write(0, 1, 0);
    assertThat(a20.high).isFalse();
    port.write(0, 1, 0xFF);
    SystemControlA.State saved = Fuzz.roundTrip(port);
    assertThat(port.state()).isEqualTo(saved);
    assertThat(a20.high).isTrue();
    assertThatThrownBy(() -> port.restore(new SystemControlA.State(4)))
        .isInstanceOf(IllegalArgumentException.class);
    Fuzz.hammer(11, null, port);
  }

  @Test
  void theDebugExitPortsPassOnWhatIsWritten() {
    DebugExit port = new DebugExit(2, seen::add);
    port.write(0, 1, 0x1FF);
    port.write(0, 4, 0x12345678);
    port.write(1, 2, 5);
    port.write(2, 1, 6);
    assertThat(seen).containsExactly(0xFF, 0x12345678, 5);
    assertThat(port.read(0, 1)).isZero();
    Fuzz.hammer(12, null, port);
  }

  @Test
  void thePanicPortKnowsTwoEvents() {
    PvPanic port = new PvPanic(seen::add);
    assertThat(port.read(0, 1)).isEqualTo(3);
    port.write(0, 1, 1);
    port.write(0, 1, 2);
    port.write(0, 1, 0xF4);
    assertThat(seen).containsExactly(PvPanic.PANICKED, PvPanic.CRASH_LOADED);
    Fuzz.hammer(13, null, port);
    assertThat(seen).allMatch(events -> events >= 1 && events <= 3);
  }

  @Test
  void thePostPortShowsTheLastCode() {
    PostCode port = new PostCode();
    port.write(0, 1, 0x1A5);
    assertThat(port.code()).isEqualTo(0xA5);
    assertThat(port.read(0, 1)).isEqualTo(0xA5);
    assertThat(Fuzz.roundTrip(port)).isEqualTo(new PostCode.State(0xA5));
    assertThat(port.code()).isEqualTo(0xA5);
    Fuzz.hammer(14, null, port);
  }

  @Test
  void theResetControlRegisterKeepsItsBits() {
    ResetControl port = new ResetControl(() -> resets++);
    port.write(0, 1, 0xFF);
    assertThat(resets).isEqualTo(1);
    assertThat(port.read(0, 1)).isEqualTo(0xE);
    assertThat(Fuzz.roundTrip(port)).isEqualTo(new ResetControl.State(0xE));
    assertThat(resets).isEqualTo(1);
    Fuzz.hammer(15, null, port);
  }

  @Test
  void vectorSetsFindTheirHighestMember() {
    VectorSet set = new VectorSet();
    assertThat(set.highest()).isEqualTo(-1);
    for (int vector = 0; vector < 256; vector++) {
      set.set(vector, true);
      assertThat(set.highest()).isEqualTo(vector);
      assertThat(set.contains(vector)).isTrue();
      assertThat(set.register(vector >> 5) >>> (vector & 31) & 1).isEqualTo(1);
    }
    for (int vector = 255; vector >= 0; vector--) {
      set.set(vector, false);
      assertThat(set.highest()).isEqualTo(vector - 1);
    }
  }
}
