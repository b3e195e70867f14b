package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The mouse as a driver sees it, through the keyboard controller. */
class Ps2MouseTest {
  private static final int OUTPUT_FULL = 1;
  private static final int AUXILIARY = 0x20;
  private static final int ACKNOWLEDGE = 0xFA;

  private final Probe keyboardIrq = new Probe();
  private final Probe mouseIrq = new Probe();
  private final I8042 controller = new I8042(keyboardIrq, mouseIrq, _ -> {}, () -> {});

  /** All that the mouse has to say. */
  private List<Integer> read() {
    List<Integer> bytes = new ArrayList<>();
    int status;
    while (((status = (int) controller.command().read(0, 1)) & OUTPUT_FULL) != 0) {
      assertThat(status & AUXILIARY).as("from the mouse").isNotZero();
      bytes.add((int) controller.data().read(0, 1));
    }
    return bytes;
  }

  private List<Integer> ask(int... bytes) {
    List<Integer> answers = new ArrayList<>();
    for (int b : bytes) {
      controller.command().write(0, 1, 0xD4);
      controller.data().write(0, 1, b);
      answers.addAll(read());
    }
    return answers;
  }

  /** Makes it report its movements. */
  private void enable() {
    assertThat(ask(0xF4)).containsExactly(ACKNOWLEDGE);
  }

  private int knock(int... rates) {
    for (int rate : rates) {
      ask(0xF3, rate);
    }
    return ask(0xF2).getLast();
  }

  @Test
  void aResetIsAnsweredWithTheSelfTestAndTheId() {
    controller.command().write(0, 1, 0x60);
    controller.data().write(0, 1, 0x47);
    assertThat(ask(0xFF)).containsExactly(ACKNOWLEDGE, 0xAA, 0);
    assertThat(mouseIrq.edges).as("an edge for each byte").isEqualTo(3);
    assertThat(keyboardIrq.edges).isZero();
    assertThat(ask(0xF2)).containsExactly(ACKNOWLEDGE, 0);
  }

  @Test
  void saysNothingUntilItIsEnabled() {
    controller.mouse(5, 5, 0, 1);
    assertThat(read()).isEmpty();
    enable();
    assertThat(read()).as("what was before is forgotten").isEmpty();
    controller.mouse(5, -3, 0, 1);
    assertThat(read()).containsExactly(0x29, 5, 0xFD);
    controller.mouse(0, 0, 0, 1);
    assertThat(read()).as("nothing has changed").isEmpty();
    controller.mouse(0, 0, 0, 6);
    assertThat(read()).containsExactly(0x0E, 0, 0);
    ask(0xF5);
    controller.mouse(1, 1, 0, 0);
    assertThat(read()).isEmpty();
  }

  @Test
  void knocksOpenTheWheelAndThenTheFiveButtons() {
    assertThat(knock(200, 200, 80)).as("not without the wheel").isZero();
    assertThat(knock(200, 100, 80)).isEqualTo(3);
    enable();
    controller.mouse(1, 2, -1, 0x1F);
    assertThat(read()).containsExactly(0x0F, 1, 2, 0xFF);
    assertThat(knock(200, 200, 80)).isEqualTo(4);
    controller.mouse(0, 0, 2, 0x10);
    assertThat(read()).containsExactly(0x08, 0, 0, 0x22);
    assertThat(ask(0xFF)).as("a reset makes it a plain one").containsExactly(ACKNOWLEDGE, 0xAA, 0);
    assertThat(ask(0xF2)).containsExactly(ACKNOWLEDGE, 0);
  }

  @Test
  void movementThatFindsNoRoomIsAddedUp() {
    enable();
    for (int i = 0; i < 10; i++) {
      controller.mouse(10, 1, 0, 0);
    }
    assertThat(read())
        .as("one packet under way, one more in the queue, the others in one")
        .containsExactly(8, 10, 1, 8, 10, 1, 8, 10, 1, 8, 70, 7);
  }

  @Test
  void movementBeyondNineBitsOverflows() {
    enable();
    controller.mouse(255, -255, 0, 0);
    assertThat(read()).containsExactly(0x28, 255, 1);
    controller.mouse(256, Integer.MIN_VALUE, 0, 0);
    assertThat(read()).containsExactly(0xE8, 255, 1);
  }

  @Test
  void tellsItsStatus() {
    assertThat(ask(0xE9)).containsExactly(ACKNOWLEDGE, 0, 2, 100);
    assertThat(ask(0xE8, 3, 0xF3, 40, 0xE7, 0xF4)).containsOnly(ACKNOWLEDGE);
    controller.mouse(0, 0, 0, 1);
    read();
    assertThat(ask(0xE9)).containsExactly(ACKNOWLEDGE, 0x34, 3, 40);
    ask(0xE6, 0xF0);
    assertThat(ask(0xE9)).containsExactly(ACKNOWLEDGE, 0x64, 3, 40);
    ask(0xF6);
    assertThat(ask(0xE9)).as("defaults").containsExactly(ACKNOWLEDGE, 4, 2, 100);
  }

  @Test
  void inRemoteModeItIsAsked() {
    enable();
    ask(0xF0);
    controller.mouse(3, 4, 0, 0);
    controller.mouse(3, 4, 0, 0);
    assertThat(read()).isEmpty();
    assertThat(ask(0xEB)).containsExactly(ACKNOWLEDGE, 8, 6, 8);
    assertThat(ask(0xEB)).containsExactly(ACKNOWLEDGE, 8, 0, 0);
    ask(0xEA);
    controller.mouse(1, 1, 0, 0);
    assertThat(read()).containsExactly(8, 1, 1);
  }

  @Test
  void inWrapModeItEchoes() {
    assertThat(ask(0xEE, 0x55, 0xF2, 0xEE)).containsExactly(ACKNOWLEDGE, 0x55, 0xF2, 0xEE);
    assertThat(ask(0xEC)).containsExactly(ACKNOWLEDGE);
    assertThat(ask(0xF2)).containsExactly(ACKNOWLEDGE, 0);
  }

  @Test
  void refusesWhatItDoesNotKnowAndRepeatsItself() {
    assertThat(ask(0x11)).containsExactly(0xFE);
    assertThat(ask(0xE8, 4)).containsExactly(ACKNOWLEDGE, 0xFE);
    ask(0xF2);
    assertThat(ask(0xFE)).containsExactly(0);
  }

  @Test
  void savedStateBringsEverythingBack() {
    knock(200, 100, 80);
    enable();
    for (int i = 0; i < 5; i++) {
      controller.mouse(10, 1, 1, 0);
    }
    I8042.State saved = Fuzz.roundTrip(controller);
    assertThat(controller.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(read()).containsExactly(8, 10, 1, 1, 8, 10, 1, 1, 8, 30, 3, 3);
    assertThat(knock(200, 200, 80)).isEqualTo(4);
    assertThatThrownBy(() -> controller.restore(with(saved, new byte[9])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static I8042.State with(I8042.State s, byte[] queue) {
    Ps2Mouse.State m = s.mouse();
    return new I8042.State(
        s.commandByte(),
        s.ram(),
        s.outputPort(),
        s.command(),
        s.lastWasCommand(),
        s.output(),
        s.outputStatus(),
        s.answer(),
        s.breaking(),
        s.keyboard(),
        new Ps2Mouse.State(
            queue,
            m.id(),
            m.reporting(),
            m.remote(),
            m.wrapping(),
            m.scaling(),
            m.resolution(),
            m.sampleRates(),
            m.command(),
            m.lastSent(),
            m.dx(),
            m.dy(),
            m.wheel(),
            m.buttons(),
            m.changed()));
  }
}
