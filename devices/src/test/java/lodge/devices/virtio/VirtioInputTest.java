package lodge.devices.virtio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static lodge.devices.virtio.InputKind.ABS_X;
import static lodge.devices.virtio.InputKind.BTN_LEFT;
import static lodge.devices.virtio.InputKind.EV_ABS;
import static lodge.devices.virtio.InputKind.EV_KEY;
import static lodge.devices.virtio.InputKind.EV_LED;
import static lodge.devices.virtio.InputKind.EV_REL;
import static lodge.devices.virtio.InputKind.LED_CAPSL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A tablet or a keyboard of which all work is done before a notification returns. */
class VirtioInputTest {
  private static final int EVENTS = 0;
  private static final int STATUS = 1;
  private static final int KEY_A = 30;
  private static final InputEvent PRESS = new InputEvent(EV_KEY, KEY_A, 1);
  private static final InputEvent END = new InputEvent(0, 0, 0);

  private VirtioInput input;
  private Rig<VirtioInput.State> rig;

  @AfterEach
  void close() {
    rig.close();
  }

  private void start(InputKind kind, long features) {
    input = new VirtioInput(kind, "4711", Runnable::run);
    rig = new Rig<>(input);
    rig.start(features);
  }

  /** What the configuration tells about a selection. */
  private byte[] told(int select, int subselect) {
    rig.driver.write(PciDriver.DEVICE, 0, 1, select);
    rig.driver.write(PciDriver.DEVICE, 1, 1, subselect);
    byte[] bytes = new byte[(int) rig.configuration(2, 1)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) rig.configuration(8 + i, 1);
    }
    return bytes;
  }

  private static ByteBuffer words(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private int made;
  private int read;

  private void room(int events) {
    for (int i = 0; i < events; i++) {
      rig.add(EVENTS, Rig.in(8 * (made++ % 1000), 8));
    }
  }

  /** The next event, or null. */
  private InputEvent event() {
    Used used = rig.poll(EVENTS);
    if (used == null) {
      return null;
    }
    assertThat(used.written()).isEqualTo(8);
    ByteBuffer bytes = words(rig.data(8 * (read++ % 1000), 8));
    return new InputEvent(bytes.getShort(), bytes.getShort(), bytes.getInt());
  }

  @Test
  void aTabletTellsWhatItIs() {
    start(InputKind.TABLET, 0);
    assertThat(rig.pci.read(0, 4)).isEqualTo(0x1052_1AF4);
    assertThat(new String(told(1, 0), US_ASCII)).isEqualTo("Lodge Virtio Tablet");
    assertThat(new String(told(2, 0), US_ASCII)).isEqualTo("4711");
    assertThat(told(3, 0)).containsExactly(6, 0, 0x27, 6, 3, 0, 1, 0);
    assertThat(told(0x10, 0)).as("a pointer").containsExactly(1);
    assertThat(told(0x11, EV_ABS)).as("X and Y").containsExactly(3);
    assertThat(told(0x11, EV_REL)).as("wheels").containsExactly(0x40, 1);
    assertThat(BitSet.valueOf(told(0x11, EV_KEY)).get(BTN_LEFT)).isTrue();
    assertThat(BitSet.valueOf(told(0x11, EV_KEY)).get(KEY_A)).isFalse();
    ByteBuffer range = words(told(0x12, ABS_X));
    assertThat(range.remaining()).isEqualTo(20);
    assertThat(range.getInt(0)).isZero();
    assertThat(range.getInt(4)).isEqualTo(0x7FFF);
  }

  @Test
  void aKeyboardHasKeysAndLampsAndNoAxes() {
    start(InputKind.KEYBOARD, 0);
    assertThat(BitSet.valueOf(told(0x11, EV_KEY)).get(KEY_A)).isTrue();
    assertThat(told(0x11, EV_LED)).containsExactly(7);
    assertThat(told(0x11, EV_ABS)).isEmpty();
    assertThat(told(0x10, 0)).isEmpty();
    assertThat(told(0x12, ABS_X)).isEmpty();
  }

  @Test
  void whatNobodyKnowsIsEmpty() {
    start(InputKind.TABLET, 0);
    for (int select = 0; select < 256; select++) {
      for (int subselect : new int[] {0, 1, 3, 0x1F, 0x7F, 0xFF}) {
        int length = told(select, subselect).length;
        assertThat(length).isLessThanOrEqualTo(128);
        if (select == 0 || select > 0x12 || select > 3 && select < 0x10) {
          assertThat(length).isZero();
        }
      }
    }
    rig.driver.write(PciDriver.DEVICE, 0, 4, 0x0111);
    assertThat(rig.configuration(2, 1)).as("both at once").isPositive();
    assertThat(rig.configuration(0x87, 4)).isZero();
  }

  @Test
  void whatTheUserDoesReachesTheDriver() {
    for (long features : new long[] {0, Features.RING_PACKED, Features.EVENT_IDX}) {
      start(InputKind.TABLET, features);
      made = 0;
      read = 0;
      room(8);
      InputEvent move = new InputEvent(EV_ABS, ABS_X, 0x7FFF);
      InputEvent button = new InputEvent(EV_KEY, BTN_LEFT, 1);
      InputEvent wheel = new InputEvent(EV_REL, InputKind.REL_WHEEL, -1);
      assertThat(input.report(move, button)).isTrue();
      assertThat(input.report(wheel)).isTrue();
      assertThat(event()).isEqualTo(move);
      assertThat(event()).isEqualTo(button);
      assertThat(event()).isEqualTo(END);
      assertThat(event()).isEqualTo(wheel);
      assertThat(event()).isEqualTo(END);
      assertThat(event()).isNull();
      rig.close();
    }
    start(InputKind.TABLET, 0);
    assertThatThrownBy(() -> input.report(PRESS)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void eventsWaitForBuffersButNotWithoutBound() {
    start(InputKind.KEYBOARD, 0);
    int taken = 0;
    while (input.report(PRESS)) {
      taken++;
    }
    assertThat(taken).isEqualTo(VirtioInput.MOST_PENDING / 2);
    room(1);
    int got = 0;
    for (InputEvent event = event(); event != null; event = event()) {
      assertThat(event).isEqualTo(got % 2 == 0 ? PRESS : END);
      got++;
      room(1);
    }
    assertThat(got).as("whole reports").isEqualTo(2 * taken);
  }

  private void status(int type, int code, int value) {
    byte[] bytes = new byte[8];
    words(bytes).putShort((short) type).putShort((short) code).putInt(value);
    rig.add(STATUS, rig.out(0x8000, bytes));
    assertThat(rig.poll(STATUS)).isNotNull();
  }

  @Test
  void theGuestSwitchesLamps() {
    start(InputKind.KEYBOARD, 0);
    status(EV_LED, LED_CAPSL, 1);
    assertThat(input.isLit(LED_CAPSL)).isTrue();
    assertThat(input.isLit(InputKind.LED_NUML)).isFalse();
    status(EV_LED, LED_CAPSL, 0);
    assertThat(input.isLit(LED_CAPSL)).isFalse();
    status(EV_LED, 0xFFFF, 1);
    status(77, LED_CAPSL, 1);
    assertThat(input.isLit(LED_CAPSL)).isFalse();
    assertThat(rig.needsReset()).isFalse();
  }

  @Test
  void buffersWithoutRoomOrEventBreakTheRules() {
    start(InputKind.KEYBOARD, 0);
    rig.add(EVENTS, Rig.in(0, 7));
    input.report(PRESS);
    assertThat(rig.needsReset()).isTrue();
    rig.start(0);
    rig.add(STATUS, rig.out(0, new byte[7]));
    assertThat(rig.needsReset()).isTrue();
    assertThat(rig.pci.errors()).containsEntry(QueueError.REQUEST_FORM, 2L);
  }

  @Test
  void savedStateHasWhatTheDriverHasNotReadYet() {
    start(InputKind.KEYBOARD, 0);
    room(1);
    input.report(PRESS);
    status(EV_LED, LED_CAPSL, 1);
    told(0x11, EV_LED);
    VirtioPci.State<VirtioInput.State> saved = rig.pci.state();
    rig.pci.reset();
    assertThat(input.isLit(LED_CAPSL)).isFalse();
    assertThat(input.report(PRESS)).isFalse();
    rig.pci.restore(saved);
    assertThat(input.isLit(LED_CAPSL)).isTrue();
    assertThat(rig.configuration(8, 1)).isEqualTo(7);
    assertThat(event()).isEqualTo(PRESS);
    room(1);
    assertThat(event()).isEqualTo(END);
  }
}
