package lodge.devices.virtio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A console with a terminal and a named port; all work is done before a notification returns. */
class VirtioConsoleTest {
  private static final int RECEIVE = 0;
  private static final int TRANSMIT = 1;
  private static final int CONTROL_RECEIVE = 2;
  private static final int CONTROL_TRANSMIT = 3;
  private static final int RECEIVE_1 = 4;
  private static final int TRANSMIT_1 = 5;

  private static final int DEVICE_READY = 0;
  private static final int PORT_READY = 3;
  private static final int PORT_OPEN = 6;

  /** Control buffers of 64 bytes lie here, one after the other. */
  private static final int CONTROL = 0x8000;

  private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
  private final ByteArrayOutputStream channel = new ByteArrayOutputStream();
  private final ConsolePort first = new ConsolePort("", true, terminal::write, Runnable::run);
  private final ConsolePort second =
      new ConsolePort("org.lodge.0", false, channel::write, Runnable::run);
  private final VirtioConsole console = new VirtioConsole(List.of(first, second), Runnable::run);
  private final Rig<VirtioConsole.State> rig = new Rig<>(console);
  private int spaceCalls;
  private int nextControl;
  private int polledControl;

  VirtioConsoleTest() {
    first.onReceiveSpace(() -> spaceCalls++);
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private static int receive(ConsolePort port, String text) {
    return port.receive(text.getBytes(US_ASCII), 0, text.length());
  }

  private String received(int queue, int at) {
    Used used = rig.poll(queue);
    return used == null ? null : new String(rig.data(at, (int) used.written()), US_ASCII);
  }

  private void tell(int port, int event, int value) {
    byte[] message =
        ByteBuffer.allocate(8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(port)
            .putShort((short) event)
            .putShort((short) value)
            .array();
    rig.add(CONTROL_TRANSMIT, rig.out(0x7000, message));
    assertThat(rig.poll(CONTROL_TRANSMIT)).isNotNull();
  }

  /** Room for one more control message. */
  private void listen() {
    rig.add(CONTROL_RECEIVE, Rig.in(CONTROL + 64 * nextControl++ % 0x1000, 64));
  }

  /** The next control message, such as "0 PORT_NAME 1 name", or null. */
  private String heard() {
    Used used = rig.poll(CONTROL_RECEIVE);
    if (used == null) {
      return null;
    }
    byte[] bytes = rig.data(CONTROL + 64 * polledControl++ % 0x1000, (int) used.written());
    ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return message.getInt(0)
        + " "
        + ConsoleEvent.values()[message.getShort(4)]
        + " "
        + message.getShort(6)
        + (bytes.length > 8
            ? " " + new String(Arrays.copyOfRange(bytes, 8, bytes.length), US_ASCII)
            : "");
  }

  @Test
  void aDriverThatKnowsOnePortHasATerminal() {
    for (long features : new long[] {0, Features.RING_PACKED, Features.EVENT_IDX}) {
      rig.start(features);
      terminal.reset();
      rig.add(TRANSMIT, rig.out(0, "Hel".getBytes(US_ASCII)), rig.out(0x100, (byte) 'l'));
      rig.add(TRANSMIT, rig.out(0x200, (byte) 'o'));
      assertThat(terminal).hasToString("Hello");
      assertThat(rig.poll(TRANSMIT)).isNotNull();
      assertThat(rig.poll(TRANSMIT)).isNotNull();
      rig.add(RECEIVE, Rig.in(0x1000, 100));
      assertThat(receive(first, "input")).isEqualTo(5);
      assertThat(received(RECEIVE, 0x1000)).isEqualTo("input");
      rig.pci.reset();
    }
  }

  @Test
  void inputWaitsForTheGuestAndLosesNothing() {
    assertThat(receive(first, "early")).as("no driver yet").isZero();
    rig.start(0);
    assertThat(receive(first, "early")).as("no buffer yet").isZero();
    spaceCalls = 0;
    rig.add(RECEIVE, Rig.in(0x1000, 2), Rig.in(0x1100, 1));
    assertThat(spaceCalls).isEqualTo(1);
    assertThat(receive(first, "early")).isEqualTo(3);
    rig.add(RECEIVE, Rig.in(0x1200, 10));
    assertThat(receive(first, "ly")).isEqualTo(2);
    assertThat(rig.poll(RECEIVE)).extracting(Used::written).isEqualTo(3L);
    assertThat(rig.data(0x1000, 2)).isEqualTo(new byte[] {'e', 'a'});
    assertThat(rig.data(0x1100, 1)).isEqualTo(new byte[] {'r'});
    assertThat(received(RECEIVE, 0x1200)).isEqualTo("ly");
  }

  @Test
  void portsAreFoundByConversation() {
    console.resize(100, 43);
    rig.start(VirtioConsole.MULTIPORT);
    assertThat(rig.configuration(4, 4)).as("ports").isEqualTo(2);
    for (int i = 0; i < 12; i++) {
      listen();
    }
    assertThat(heard()).isNull();
    tell(0, DEVICE_READY, 1);
    assertThat(heard()).isEqualTo("0 DEVICE_ADD 1");
    assertThat(heard()).isEqualTo("1 DEVICE_ADD 1");
    tell(1, PORT_READY, 1);
    assertThat(heard()).isEqualTo("1 PORT_OPEN 1");
    assertThat(heard()).isEqualTo("1 PORT_NAME 1 org.lodge.0");
    tell(0, PORT_READY, 1);
    assertThat(heard()).isEqualTo("0 CONSOLE_PORT 1");
    assertThat(heard()).as("100 columns, 43 rows").isEqualTo("0 RESIZE 1 d\0+\0");
    assertThat(heard()).isEqualTo("0 PORT_OPEN 1");
    assertThat(heard()).isNull();
  }

  @Test
  void aPortThatTheGuestHasNotOpenedTakesNoInput() {
    rig.start(VirtioConsole.MULTIPORT);
    rig.add(RECEIVE, Rig.in(0x1000, 10));
    rig.add(RECEIVE_1, Rig.in(0x2000, 10));
    assertThat(receive(first, "a")).isZero();
    spaceCalls = 0;
    tell(0, PORT_OPEN, 1);
    assertThat(spaceCalls).isEqualTo(1);
    assertThat(receive(first, "a")).isEqualTo(1);
    assertThat(receive(second, "b")).isZero();
    tell(1, PORT_OPEN, 1);
    assertThat(receive(second, "b")).isEqualTo(1);
    assertThat(received(RECEIVE_1, 0x2000)).isEqualTo("b");
    rig.add(RECEIVE_1, Rig.in(0x2000, 10));
    tell(1, PORT_OPEN, 0);
    assertThat(receive(second, "c")).isZero();
    rig.add(TRANSMIT_1, rig.out(0, (byte) 'x'));
    assertThat(channel).hasToString("x");
    assertThat(terminal).hasToString("");
  }

  @Test
  void theTerminalsSizeIsTold() {
    rig.start(VirtioConsole.MULTIPORT);
    tell(0, PORT_READY, 1);
    for (int i = 0; i < 3; i++) {
      listen();
    }
    assertThat(heard()).isEqualTo("0 CONSOLE_PORT 1");
    assertThat(heard()).isEqualTo("0 PORT_OPEN 1");
    console.resize(80, 24);
    assertThat(heard()).isEqualTo("0 RESIZE 1 P\0\u0018\0");
    assertThat(rig.configurationInterrupts).isEqualTo(1);
    assertThat(rig.configuration(0, 2)).isEqualTo(80);
    assertThat(rig.configuration(2, 2)).isEqualTo(24);
  }

  @Test
  void aDyingGuestWritesWithoutQueues() {
    rig.start(0);
    rig.driver.status(0);
    rig.driver.write(PciDriver.DEVICE, 8, 4, 0x1234_5600 + 'D');
    rig.driver.write(PciDriver.DEVICE, 8, 1, 'y');
    assertThat(terminal).hasToString("Dy");
  }

  @Test
  void aDriverThatAsksAndNeverListensMakesNothingGrow() {
    rig.start(VirtioConsole.MULTIPORT);
    for (int i = 0; i < 1000; i++) {
      tell(0, DEVICE_READY, 1);
      tell(i % 3, PORT_READY, 1);
      tell(-1, PORT_OPEN, 1);
      tell(0, 0xFFFF, 1);
    }
    for (int i = 0; i < 10; i++) {
      listen();
    }
    int heard = 0;
    while (heard() != null) {
      heard++;
    }
    assertThat(heard).as("each once").isEqualTo(6);
  }

  @Test
  void messagesWithoutHeaderOrRoomBreakTheRules() {
    rig.start(VirtioConsole.MULTIPORT);
    rig.add(CONTROL_TRANSMIT, rig.out(0, new byte[7]));
    assertThat(rig.needsReset()).isTrue();
    rig.start(VirtioConsole.MULTIPORT);
    rig.add(CONTROL_RECEIVE, Rig.in(CONTROL, 7));
    tell(0, DEVICE_READY, 1);
    assertThat(rig.needsReset()).isTrue();
    assertThat(rig.pci.errors()).containsOnly(Map.entry(QueueError.REQUEST_FORM, 2L));
    rig.start(0);
    rig.add(RECEIVE, rig.out(0, (byte) 1));
    rig.add(RECEIVE, Rig.in(0x1000, 10));
    assertThat(receive(first, "x")).as("a buffer without room is passed over").isEqualTo(1);
    rig.add(TRANSMIT, Rig.in(0, 10));
    assertThat(rig.poll(TRANSMIT)).isNotNull();
    assertThat(terminal.size()).isZero();
    assertThat(rig.needsReset()).isFalse();
  }

  @Test
  void savedStateRemembersTheConversation() {
    rig.start(VirtioConsole.MULTIPORT);
    tell(0, PORT_OPEN, 1);
    tell(1, PORT_READY, 1);
    rig.add(RECEIVE, Rig.in(0x1000, 10));
    VirtioPci.State<VirtioConsole.State> saved = rig.pci.state();
    rig.pci.reset();
    assertThat(receive(first, "a")).isZero();
    rig.pci.restore(saved);
    assertThat(receive(first, "a")).isEqualTo(1);
    listen();
    listen();
    assertThat(heard()).isEqualTo("1 PORT_OPEN 1");
    assertThat(heard()).isEqualTo("1 PORT_NAME 1 org.lodge.0");
  }

  @Test
  void aSlowOutputHoldsUpNoNotificationAndKeepsItsOrder() throws InterruptedException {
    CountDownLatch slow = new CountDownLatch(1);
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ExecutorService threads = Executors.newCachedThreadPool();
    ConsolePort port =
        new ConsolePort(
            "",
            true,
            b -> {
              await(slow);
              output.write(b);
            },
            threads);
    try (Rig<VirtioConsole.State> other = new Rig<>(new VirtioConsole(List.of(port), threads))) {
      other.start(0);
      for (int i = 0; i < Rig.QUEUE_SIZE; i++) {
        Piece piece = other.out(i, (byte) ('a' + i));
        other.add(TRANSMIT, piece);
      }
      assertThat(other.poll(TRANSMIT)).isNull();
      slow.countDown();
      other.pci.state();
      while (output.size() < Rig.QUEUE_SIZE) {
        other.pci.state();
      }
      assertThat(output).hasToString("abcdefghijklmnop");
    } finally {
      threads.shutdownNow();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aConsoleHasPortsButNotAnyNumberOfThem() {
    List<ConsolePort> many = Collections.nCopies(VirtioConsole.MOST_PORTS + 1, first);
    assertThatThrownBy(() -> new VirtioConsole(many, Runnable::run))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new VirtioConsole(List.of(), Runnable::run))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
