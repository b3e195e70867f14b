package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PciHostTest {
  private static final int DATA = 4;

  private int resets;
  private final List<String> segments = new ArrayList<>();
  private final PciHost host =
      new PciHost(
          new ResetControl(() -> resets++),
          new HostBridge(
              (segment, fromRam, toRam) -> {
                if (fromRam || toRam) {
                  segments.add(segment + (fromRam ? "r" : "") + (toRam ? "w" : ""));
                }
              }));

  private void select(int bus, int device, int function, int register) {
    host.write(0, 4, 1 << 31 | bus << 16 | device << 11 | function << 8 | register);
  }

  private int data(int at, int size) {
    return (int) (host.read(DATA + at, size) & (1L << 8 * size) - 1);
  }

  @Test
  void theHostBridgeIsDeviceZero() {
    select(0, 0, 0, 0);
    assertThat(data(0, 4)).isEqualTo(0x1237_8086);
    assertThat(data(2, 2)).isEqualTo(0x1237);
    assertThat(data(1, 1)).isEqualTo(0x80);
    select(0, 0, 0, 8);
    assertThat(data(2, 2)).as("host bridge class").isEqualTo(0x0600);
    assertThat(host.read(0, 4) & 0xFFFF_FFFFL).isEqualTo(0x8000_0008L);
  }

  @Test
  void whatIsNotThereReadsAsAllOnes() {
    for (int device = 1; device < 32; device++) {
      select(0, device, 0, 0);
      assertThat(data(0, 4)).isEqualTo(-1);
    }
    select(1, 0, 0, 0);
    assertThat(data(0, 4)).isEqualTo(-1);
    host.write(0, 4, 0);
    assertThat(data(0, 4)).as("not enabled").isEqualTo(-1);
  }

  @Test
  void onlyWritableBitsChange() {
    select(0, 0, 0, 0);
    host.write(DATA, 4, 0);
    assertThat(data(0, 4)).isEqualTo(0x1237_8086);
    select(0, 0, 0, 0x58);
    host.write(DATA + 1, 1, 0x30);
    assertThat(data(0, 4)).isEqualTo(0x3000);
    host.reset();
    select(0, 0, 0, 0x58);
    assertThat(data(0, 4)).isZero();
  }

  @Test
  void theAttributeMapTellsWhatTheSegmentsAre() {
    select(0, 0, 0, 0x58);
    host.write(DATA, 4, 0x0021_3000);
    assertThat(segments).containsExactly("0r", "1w", "12rw");
    segments.clear();
    select(0, 0, 0, 0x5C);
    host.write(DATA + 3, 1, 0x33);
    assertThat(segments).containsExactly("0r", "1w", "10rw", "11rw", "12rw");
    segments.clear();
    host.reset();
    assertThat(segments).isEmpty();
  }

  @Test
  void functionsCanBePluggedInAndOut() {
    PciConfigSpace nic = new PciConfigSpace().define(0, 4, 0x1041_1AF4, 0);
    host.add(3, 1, nic);
    select(0, 3, 1, 0);
    assertThat(data(0, 4)).isEqualTo(0x1041_1AF4);
    assertThatThrownBy(() -> host.add(3, 1, nic)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> host.add(32, 0, nic)).isInstanceOf(IllegalArgumentException.class);
    host.remove(3, 1);
    assertThat(data(0, 4)).isEqualTo(-1);
  }

  @Test
  void theResetRegisterLiesInsideTheAddressRegister() {
    host.write(1, 1, 2);
    assertThat(resets).isZero();
    host.write(1, 1, 6);
    assertThat(resets).isEqualTo(1);
    assertThat(host.read(1, 1)).isEqualTo(6);
    host.write(1, 1, 6);
    assertThat(resets).as("needs a rising bit").isEqualTo(1);
    host.write(1, 1, 0);
    host.write(1, 1, 0xE);
    assertThat(resets).isEqualTo(2);
    host.write(0, 4, 0x8000_0600L);
    assertThat(resets).as("a write of the address is none of the reset's").isEqualTo(2);
  }

  @Test
  void savedStateBringsEverythingBack() {
    select(0, 0, 0, 0x58);
    host.write(DATA, 4, -1);
    PciHost.State saved = Fuzz.roundTrip(host);
    assertThat(host.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(data(0, 4)).isEqualTo(0x3333_30FF);
    byte[] other = saved.bridge().bytes().clone();
    other[0] ^= 1;
    assertThatThrownBy(() -> host.restore(new PciHost.State(0, new PciConfigSpace.State(other))))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    Fuzz.hammer(10, null, host);
    select(0, 0, 0, 0);
    assertThat(data(0, 4)).isEqualTo(0x1237_8086);
    PciHost.State saved = Fuzz.roundTrip(host);
    assertThat(host.state()).usingRecursiveComparison().isEqualTo(saved);
  }
}
