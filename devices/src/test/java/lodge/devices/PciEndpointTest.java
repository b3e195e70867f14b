package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import lodge.core.BusDevice;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import org.junit.jupiter.api.Test;

class PciEndpointTest {
  private static final int COMMAND = 4;
  private static final int BAR1 = 0x14;
  private static final int BAR4 = 0x20;
  private static final int MEMORY = 2;
  private static final int BUS_MASTER = 4;
  private static final long PLACE = 0xD000_0000L;
  private static final int CONTROL = 0x42;

  private final MmioBus bus = new MmioBus();
  private final Probe line = new Probe();
  private final List<String> messages = new ArrayList<>();
  private final PciEndpoint endpoint =
      new PciEndpoint(bus, line, 0x1042_1AF4, 0x0100_0001, 0x1100_1AF4);
  private final Msix msix =
      new Msix(
          endpoint.config(),
          1,
          3,
          (destination, logical, mode, vector, level, assertFlag) ->
              messages.add(destination + (logical ? " logical " : " ") + mode + " " + vector));

  PciEndpointTest() {
    endpoint.memoryBar(1, Msix.LENGTH, 4, msix);
  }

  private void place(long base) {
    endpoint.write(BAR1, 4, (int) base);
    endpoint.write(COMMAND, 2, MEMORY | BUS_MASTER);
  }

  private void control(int bits) {
    endpoint.write(CONTROL, 2, bits);
    msix.update();
  }

  private void message(int vector, int address, int data) {
    bus.write(PLACE + 16 * vector, 8, address & 0xFFFF_FFFFL);
    bus.write(PLACE + 16 * vector + 8, 4, data);
    bus.write(PLACE + 16 * vector + 12, 4, 0);
  }

  @Test
  void aBaseAddressRegisterTellsItsSize() {
    endpoint.write(BAR1, 4, -1);
    assertThat(endpoint.read(BAR1, 4)).isEqualTo(-0x1000);
    endpoint.write(0x10, 4, -1);
    assertThat(endpoint.read(0x10, 4)).as("there is none").isZero();
  }

  @Test
  void memoryIsWhereTheGuestPutsItWhileItIsDecoded() {
    endpoint.write(BAR1, 4, (int) PLACE);
    assertThat(bus.read(PLACE + 12, 4)).isEqualTo(0xFFFF_FFFFL);
    endpoint.write(COMMAND, 2, MEMORY);
    assertThat(bus.read(PLACE + 12, 4)).as("masked").isEqualTo(1);
    endpoint.write(BAR1, 4, (int) PLACE + 0x1_0000);
    assertThat(bus.read(PLACE + 12, 4)).isEqualTo(0xFFFF_FFFFL);
    assertThat(bus.read(PLACE + 0x1_000C, 4)).isEqualTo(1);
    endpoint.write(COMMAND, 2, 0);
    assertThat(bus.read(PLACE + 0x1_000C, 4)).isEqualTo(0xFFFF_FFFFL);
    place(PLACE);
    endpoint.reset();
    assertThat(bus.read(PLACE + 12, 4)).isEqualTo(0xFFFF_FFFFL);
  }

  @Test
  void chipsStayWhereTheyAre() {
    BusDevice chip =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return 0x55;
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    bus.map(PLACE, 0x100, 4, chip);
    place(PLACE);
    assertThat(bus.read(PLACE + 12, 4)).isEqualTo(0x55);
    assertThat(bus.read(PLACE + 0x800, 4)).as("behind it").isZero();
  }

  /** Reads as the port's place in its block. */
  private static BusDevice counting() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return offset;
      }

      @Override
      public void write(long offset, int size, long value) {}
    };
  }

  @Test
  void portsAreWhereTheGuestPutsThemWhileTheyAreDecoded() {
    PortBus ports = new PortBus();
    ports.map(0xC108, 1, 1, counting());
    endpoint.ioBar(ports, 4, 16, 1, counting());
    assertThat(endpoint.read(BAR4, 4)).as("a register of ports").isEqualTo(1);
    endpoint.write(BAR4, 4, -1);
    assertThat(endpoint.read(BAR4, 4)).as("its size").isEqualTo(0xFFFF_FFF1);
    endpoint.write(BAR4, 4, 0xC100);
    assertThat(ports.read(0xC101, 1)).isEqualTo(0xFF);
    endpoint.write(COMMAND, 2, 1);
    assertThat(ports.read(0xC10C, 4)).isEqualTo(0x0F0E_0D0C);
    assertThat(ports.read(0xC108, 1)).as("chips stay where they are").isZero();
    assertThat(ports.read(0xC10F, 2)).as("the end").isEqualTo(0xFF0F);
    endpoint.write(BAR4, 4, 0xFFF0);
    assertThat(ports.read(0xC101, 1)).isEqualTo(0xFF);
    assertThat(ports.read(0xFFFF, 1)).isEqualTo(15);
    endpoint.write(BAR4, 4, 0x1_FFF0);
    assertThat(ports.read(0xFFFF, 1)).as("nowhere").isEqualTo(0xFF);
    endpoint.write(BAR4, 4, 0xFFF0);
    endpoint.write(COMMAND, 2, 0);
    assertThat(ports.read(0xFFFF, 1)).isEqualTo(0xFF);
  }

  @Test
  void theInterruptCanBeDisabled() {
    endpoint.interrupt(true);
    assertThat(line.high).isTrue();
    assertThat(endpoint.read(6, 2) & 8).isEqualTo(8);
    assertThat(endpoint.read(4, 4) >> 16 & 8).isEqualTo(8);
    endpoint.write(COMMAND, 2, 1 << 10);
    assertThat(line.high).isFalse();
    assertThat(endpoint.read(6, 2) & 8).as("status shows it still").isEqualTo(8);
    endpoint.write(COMMAND, 2, 0);
    assertThat(line.high).isTrue();
    endpoint.interrupt(false);
    assertThat(line.high).isFalse();
  }

  @Test
  void capabilitiesAreAList() {
    PciConfigSpace config = endpoint.config();
    int next = config.capability(9, 17);
    int last = config.capability(9, 4);
    assertThat(endpoint.read(6, 2) & 0x10).isEqualTo(0x10);
    assertThat(endpoint.read(0x34, 1)).isEqualTo(0x40);
    assertThat(endpoint.read(0x40, 1)).as("MSI-X").isEqualTo(0x11);
    assertThat(endpoint.read(0x41, 1)).isEqualTo(next);
    assertThat(endpoint.read(next + 1, 1)).isEqualTo(last).isEqualTo(next + 20);
    assertThat(endpoint.read(last, 2)).isEqualTo(9);
    assertThatThrownBy(() -> config.capability(9, 200))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void messagesGoToTheProcessors() {
    place(PLACE);
    message(0, 0xFEE0_3000, 0x0041);
    message(2, 0xFEEF_F004, 0x0142);
    msix.signal(0);
    assertThat(messages).as("not enabled").isEmpty();
    control(1 << 15);
    msix.signal(0);
    msix.signal(2);
    msix.signal(1);
    msix.signal(3);
    msix.signal(0xFFFF);
    assertThat(messages).containsExactly("3 0 65", "-1 logical 1 66");
  }

  @Test
  void maskedMessagesWait() {
    place(PLACE);
    message(0, 0xFEE0_0000, 0x41);
    control(1 << 15);
    bus.write(PLACE + 12, 4, 1);
    msix.signal(0);
    msix.signal(0);
    assertThat(messages).isEmpty();
    assertThat(bus.read(PLACE + 0x800, 8)).isEqualTo(1);
    bus.write(PLACE + 12, 4, 0);
    assertThat(messages).containsExactly("0 0 65");
    assertThat(bus.read(PLACE + 0x800, 8)).isZero();
    control(3 << 14);
    msix.signal(0);
    assertThat(messages).hasSize(1);
    control(1 << 15);
    assertThat(messages).hasSize(2);
    endpoint.write(COMMAND, 2, MEMORY);
    msix.signal(0);
    assertThat(messages).as("it may not write to memory").hasSize(2);
    place(PLACE);
    msix.update();
    assertThat(messages).hasSize(3);
  }

  @Test
  void messagesToAnywhereElseAreNobodys() {
    place(PLACE);
    message(0, 0x1000, 0x41);
    control(1 << 15);
    msix.signal(0);
    assertThat(messages).isEmpty();
    assertThat(bus.read(PLACE + 0x800, 8)).isZero();
  }

  @Test
  void savedStateBringsEverythingBack() {
    place(PLACE);
    message(1, 0xFEE0_0000, 0x41);
    control(3 << 14);
    msix.signal(1);
    Fuzz.roundTrip(endpoint);
    Fuzz.roundTrip(msix);
    assertThat(bus.read(PLACE + 16, 4)).isEqualTo(0xFEE0_0000L);
    control(1 << 15);
    assertThat(messages).containsExactly("0 0 65");
  }

  @Test
  void survivesAnyAccess() {
    Fuzz.hammer(7, null, msix);
    for (int i = 0; i < 256; i++) {
      endpoint.write(i, 1, -1);
    }
    assertThat(endpoint.read(0, 4)).isEqualTo(0x1042_1AF4);
  }
}
