package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PcTestdevTest {
  private final List<Probe> lines = Stream.generate(Probe::new).limit(PcTestdev.LINES).toList();
  private final PcTestdev device = new PcTestdev(new ArrayList<>(lines));
  private final PortBus ports = new PortBus();
  private final MmioBus mmio = new MmioBus();

  @BeforeEach
  void wire() {
    ports.map(PcTestdev.LATCH_PORT, PcTestdev.LATCH_LENGTH, 4, device.latch());
    ports.map(PcTestdev.LATCH_BYTES_PORT, PcTestdev.LATCH_LENGTH, 1, device.latch());
    ports.map(PcTestdev.FLUSH_PORT, PcTestdev.FLUSH_LENGTH, 4, device.flush());
    ports.map(PcTestdev.LINES_PORT, PcTestdev.LINES, 1, device.lines());
    mmio.map(PcTestdev.MEMORY_BASE, PcTestdev.MEMORY_LENGTH, 8, device.memory());
  }

  @Test
  void theLatchKeepsBytesWordsAndDoublewords() {
    ports.write(0xE0, 4, 0x12345678);
    assertThat(ports.read(0xE0, 4)).isEqualTo(0x12345678);
    assertThat(ports.read(0xE0, 1)).isEqualTo(0x78);
    assertThat(ports.read(0xE2, 2)).isEqualTo(0x1234);
    ports.write(0xE1, 1, 0xAA);
    ports.write(0xE2, 2, 0xBBCC);
    assertThat(ports.read(0xE0, 4)).isEqualTo(0xBBCCAA78);
  }

  @Test
  void theBytePortsShowTheSameLatch() {
    ports.write(0xE8, 4, 0x89ABCDEF);
    assertThat(ports.read(0xE0, 4)).isEqualTo(0x89ABCDEF);
    ports.write(0xE0, 2, 0x1122);
    assertThat(ports.read(0xE8, 4)).isEqualTo(0x89AB1122);
    assertThat(ports.read(0xEB, 1)).isEqualTo(0x89);
  }

  @Test
  void flushingAPageChangesNothing() {
    ports.write(0xE4, 4, 0x1000);
    assertThat(ports.read(0xE0, 4)).isZero();
  }

  @Test
  void eachPortSetsItsLine() {
    for (int line = 0; line < PcTestdev.LINES; line++) {
      ports.write(0x2000 + line, 1, 1);
      ports.write(0x2000 + line, 1, 1);
      assertThat(lines.get(line).high).isTrue();
      ports.write(0x2000 + line, 1, 0);
      assertThat(lines.get(line).high).isFalse();
    }
    assertThat(lines).allMatch(line -> line.edges == 1);
  }

  @Test
  void itsMemoryKeepsWhatIsWritten() {
    mmio.write(0xFF00_0000L, 8, 0x0123_4567_89AB_CDEFL);
    assertThat(mmio.read(0xFF00_0000L, 8)).isEqualTo(0x0123_4567_89AB_CDEFL);
    assertThat(mmio.read(0xFF00_0001L, 2)).isEqualTo(0xABCD);
    mmio.write(0xFF00_FFFFL, 1, 0x5A);
    assertThat(mmio.read(0xFF00_FFFFL, 1)).isEqualTo(0x5A);
    assertThat(mmio.read(0xFF01_0000L, 1)).isEqualTo(0xFF);
  }

  @Test
  void itsStateCanBeSavedAndRestored() {
    ports.write(0xE0, 4, 7);
    ports.write(0x2005, 1, 1);
    mmio.write(0xFF00_0010L, 4, 99);
    PcTestdev.State saved = device.state();
    device.reset();
    assertThat(ports.read(0xE0, 4)).isZero();
    assertThat(lines.get(5).high).isFalse();
    assertThat(mmio.read(0xFF00_0010L, 4)).isZero();
    device.restore(saved);
    assertThat(ports.read(0xE0, 4)).isEqualTo(7);
    assertThat(lines.get(5).high).isTrue();
    assertThat(mmio.read(0xFF00_0010L, 4)).isEqualTo(99);
    assertThatThrownBy(() -> device.restore(new PcTestdev.State(0, 1 << 24, new byte[1])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void nothingAGuestDoesBreaksIt() {
    Fuzz.hammer(22, null, device.latch(), device.flush(), device.lines(), device.memory());
    Fuzz.roundTrip(device);
  }
}
