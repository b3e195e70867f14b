package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class I8042Test {
  private static final int OUTPUT_FULL = 1;
  private static final int AUXILIARY = 0x20;

  private final Probe keyboardIrq = new Probe();
  private final Probe mouseIrq = new Probe();
  private final Probe a20 = new Probe();
  private int resets;
  private final I8042 controller = new I8042(keyboardIrq, mouseIrq, a20, () -> resets++);

  private int status() {
    return (int) controller.command().read(0, 1);
  }

  private void command(int b) {
    controller.command().write(0, 1, b);
  }

  private void data(int b) {
    controller.data().write(0, 1, b);
  }

  private int read() {
    assertThat(status() & OUTPUT_FULL).as("output buffer full").isEqualTo(OUTPUT_FULL);
    return (int) controller.data().read(0, 1);
  }

  private void commandByte(int b) {
    command(0x60);
    data(b);
  }

  private void assertEmpty() {
    assertThat(status() & OUTPUT_FULL).isZero();
  }

  @Test
  void passesItsSelfTests() {
    command(0xAA);
    assertThat(read()).isEqualTo(0x55);
    command(0xAB);
    assertThat(read()).isZero();
    command(0xA9);
    assertThat(read()).isZero();
    assertEmpty();
    assertThat(status()).as("system flag, last was a command, not locked").isEqualTo(0x1C);
  }

  @Test
  void keepsItsCommandByteAndRam() {
    commandByte(0x47);
    command(0x20);
    assertThat(read()).isEqualTo(0x47);
    command(0x7F);
    data(0x99);
    command(0x3F);
    assertThat(read()).isEqualTo(0x99);
    assertThat(status() & 8).as("last was a command").isEqualTo(8);
  }

  @Test
  void pulsingTheResetLineResetsTheProcessor() {
    command(0xFE);
    assertThat(resets).isEqualTo(1);
    command(0xFF);
    assertThat(resets).isEqualTo(1);
    command(0xD1);
    data(0xFE);
    assertThat(resets).isEqualTo(2);
  }

  @Test
  void theOutputPortDrivesA20() {
    assertThat(a20.high).isTrue();
    command(0xD1);
    data(0xDD);
    assertThat(a20.high).isFalse();
    command(0xD0);
    assertThat(read() & 3).isEqualTo(1);
    command(0xDF);
    assertThat(a20.high).isTrue();
    command(0xDD);
    assertThat(a20.high).isFalse();
  }

  @Test
  void theKeyboardAnswersAResetAndTellsItsId() {
    commandByte(0x05);
    data(0xFF);
    assertThat(keyboardIrq.high).isTrue();
    assertThat(read()).isEqualTo(0xFA);
    assertThat(read()).isEqualTo(0xAA);
    assertThat(keyboardIrq.high).isFalse();
    assertThat(keyboardIrq.edges).as("an edge for each byte").isEqualTo(2);
    data(0xF2);
    assertThat(read()).isEqualTo(0xFA);
    assertThat(read()).isEqualTo(0xAB);
    assertThat(read()).isEqualTo(0x83);
    assertEmpty();
  }

  @Test
  void theKeyboardTakesParameters() {
    for (int parameterized : new int[] {0xED, 0xF3}) {
      data(parameterized);
      assertThat(read()).isEqualTo(0xFA);
      data(0);
      assertThat(read()).isEqualTo(0xFA);
    }
    commandByte(0x05);
    data(0xF0);
    assertThat(read()).isEqualTo(0xFA);
    data(0);
    assertThat(read()).isEqualTo(0xFA);
    assertThat(read()).as("scan code set").isEqualTo(2);
    data(0xEE);
    assertThat(read()).isEqualTo(0xEE);
    data(0xF0);
    assertThat(read()).isEqualTo(0xFA);
    data(4);
    assertThat(read()).as("no such set").isEqualTo(0xFE);
    data(0x12);
    assertThat(read()).as("no command").isEqualTo(0xFE);
    data(0xFE);
    assertThat(read()).as("once more").isEqualTo(0xFE);
    data(0xF8);
    assertThat(read()).isEqualTo(0xFA);
    assertEmpty();
  }

  @Test
  void keysComeInSetOneWhenTranslated() {
    commandByte(0x45);
    assertThat(controller.key(0x1C)).isTrue();
    assertThat(controller.key(0xF0, 0x1C)).isTrue();
    assertThat(controller.key(0xE0, 0xF0, 0x75)).isTrue();
    assertThat(read()).isEqualTo(0x1E);
    assertThat(read()).isEqualTo(0x9E);
    assertThat(read()).isEqualTo(0xE0);
    assertThat(read()).isEqualTo(0xC8);
    assertEmpty();
  }

  @Test
  void keysComeInSetTwoWhenNot() {
    commandByte(0x05);
    controller.key(0xF0, 0x1C);
    assertThat(read()).isEqualTo(0xF0);
    assertThat(read()).isEqualTo(0x1C);
  }

  @Test
  void theKeyboardSendsTheSetThatItWasTold() {
    commandByte(0x05);
    assertThat(sent(1, 0xE0, 0xF0, 0x75)).containsExactly(0xE0, 0xC8);
    assertThat(sent(1, 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77))
        .containsExactly(0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5);
    assertThat(sent(2, 0xE0, 0xF0, 0x75)).containsExactly(0xE0, 0xF0, 0x75);
    assertThat(sent(3, 0xE0, 0xF0, 0x75)).containsExactly(0xF0, 0x63);
    assertThat(sent(3, 0x1C)).as("most keys as in set 2").containsExactly(0x1C);
    assertThat(sent(3, 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77)).containsExactly(0x62);
    data(0xF6);
    read();
    controller.key(0x76);
    assertThat(read()).as("set 2 is the default").isEqualTo(0x76);
  }

  private List<Integer> sent(int set, int... scanCode) {
    data(0xF0);
    read();
    data(set);
    read();
    assertThat(controller.key(scanCode)).isTrue();
    List<Integer> bytes = new ArrayList<>();
    while ((status() & OUTPUT_FULL) != 0) {
      bytes.add(read());
    }
    return bytes;
  }

  @Test
  void aFullKeyboardBufferTakesNoHalfKeys() {
    commandByte(0x15);
    for (int i = 0; i < 5; i++) {
      assertThat(controller.key(0xE0, 0xF0, 0x75)).isTrue();
    }
    assertThat(controller.key(0xF0, 0x1C)).isFalse();
    assertThat(controller.key(0x1C)).isTrue();
    command(0xAE);
    assertThat(read()).isEqualTo(0xE0);
  }

  @Test
  void aDisabledKeyboardWaits() {
    command(0xAD);
    controller.key(0x1C);
    assertEmpty();
    command(0xAE);
    assertThat(read()).isEqualTo(0x1E);
    data(0xF5);
    read();
    assertThat(controller.key(0x1C)).as("told not to scan").isFalse();
    data(0xF4);
    assertThat(read()).isEqualTo(0xFA);
    assertThat(controller.key(0x1C)).isTrue();
  }

  @Test
  void theAuxiliaryPortLoopsBackAndCanBeSwitchedOff() {
    commandByte(0x02);
    command(0xD3);
    data(0x5A);
    assertThat(status() & (OUTPUT_FULL | AUXILIARY)).isEqualTo(OUTPUT_FULL | AUXILIARY);
    assertThat(mouseIrq.high).isTrue();
    assertThat(keyboardIrq.high).isFalse();
    assertThat(read()).isEqualTo(0x5A);
    assertThat(mouseIrq.high).isFalse();
    command(0xD4);
    data(0xF4);
    assertThat(read()).isEqualTo(0xFA);
    command(0xA7);
    command(0x20);
    assertThat(read() & 0x20).isEqualTo(0x20);
    controller.mouse(1, 1, 0, 0);
    assertEmpty();
    command(0xA8);
    assertThat(status() & (OUTPUT_FULL | AUXILIARY)).isEqualTo(OUTPUT_FULL | AUXILIARY);
    read();
    read();
    read();
    command(0x20);
    assertThat(read() & 0x20).isZero();
  }

  @Test
  void savedStateBringsEverythingBack() {
    commandByte(0x45);
    controller.key(0x1C);
    controller.key(0xF0, 0x1C);
    I8042.State saved = Fuzz.roundTrip(controller);
    assertThat(controller.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(keyboardIrq.high).isTrue();
    assertThat(read()).isEqualTo(0x1E);
    assertThat(read()).isEqualTo(0x9E);
    assertThatThrownBy(
            () ->
                controller.restore(
                    new I8042.State(
                        0,
                        new byte[32],
                        0,
                        0x99,
                        false,
                        0,
                        0,
                        0,
                        false,
                        saved.keyboard(),
                        saved.mouse())))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    Random random = new Random(8);
    for (int i = 0; i < 300_000; i++) {
      Fuzz.hammerOnce(random, random.nextBoolean() ? controller.data() : controller.command());
      controller.key(random.nextInt(256), random.nextInt(256));
      controller.mouse(random.nextInt(), random.nextInt(), random.nextInt(), random.nextInt());
    }
    I8042.State saved = Fuzz.roundTrip(controller);
    assertThat(controller.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(saved.keyboard().buffer().length).isLessThanOrEqualTo(16);
    assertThat(saved.mouse().queue().length).isLessThanOrEqualTo(8);
  }
}
