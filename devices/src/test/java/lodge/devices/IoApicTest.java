package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IoApicTest {
  private static final int MASKED = 1 << 16;
  private static final int LEVEL = 1 << 15;
  private static final int REMOTE_IRR = 1 << 14;
  private static final int LOGICAL = 1 << 11;

  private record Message(
      int destination, boolean logical, int mode, int vector, boolean level, boolean asserted) {}

  private final List<Message> messages = new ArrayList<>();
  private final IoApic ioApic =
      new IoApic(
          5,
          (destination, logical, mode, vector, level, asserted) ->
              messages.add(new Message(destination, logical, mode, vector, level, asserted)));

  private int in(int register) {
    ioApic.write(0, 4, register);
    return (int) ioApic.read(0x10, 4);
  }

  private void out(int register, int value) {
    ioApic.write(0, 4, register);
    ioApic.write(0x10, 4, value);
  }

  private void entry(int pin, int destination, int low) {
    out(0x11 + 2 * pin, destination << 24);
    out(0x10 + 2 * pin, low);
  }

  @Test
  void saysWhatItIs() {
    assertThat(in(0)).isEqualTo(5 << 24);
    assertThat(in(1)).isEqualTo(0x0017_0020);
    assertThat(in(2)).isEqualTo(5 << 24);
    out(0, 0xFFFF_FFFF);
    assertThat(in(0)).isEqualTo(0xF << 24);
    assertThat(ioApic.read(0, 4)).isZero();
  }

  @Test
  void allPinsAreMaskedAfterReset() {
    for (int pin = 0; pin < 24; pin++) {
      assertThat(in(0x10 + 2 * pin)).isEqualTo(MASKED);
      ioApic.line(pin).pulse();
    }
    assertThat(messages).isEmpty();
  }

  @Test
  void aRisingEdgeSendsOneMessage() {
    entry(4, 3, 0x31);
    ioApic.line(4).set(true);
    ioApic.line(4).set(true);
    assertThat(messages).containsExactly(new Message(3, false, 0, 0x31, false, true));
    assertThat(in(0x18) & REMOTE_IRR).isZero();
    ioApic.line(4).set(false);
    ioApic.line(4).set(true);
    assertThat(messages).hasSize(2);
  }

  @Test
  void anEdgeAtAMaskedPinIsLost() {
    ioApic.line(4).set(true);
    entry(4, 0, 0x31);
    assertThat(messages).isEmpty();
  }

  @Test
  void aLevelIsSentAgainAfterItsEndAsLongAsItStands() {
    entry(9, 0x81, LEVEL | LOGICAL | 1 << 8 | 0x52);
    ioApic.line(9).set(true);
    assertThat(messages).containsExactly(new Message(0x81, true, 1, 0x52, true, true));
    assertThat(in(0x22) & REMOTE_IRR).isNotZero();
    ioApic.endOfInterrupt(0x51);
    assertThat(messages).hasSize(1);
    ioApic.endOfInterrupt(0x52);
    assertThat(messages).hasSize(2);
    ioApic.line(9).set(false);
    ioApic.endOfInterrupt(0x52);
    assertThat(messages).hasSize(2);
    assertThat(in(0x22) & REMOTE_IRR).isZero();
  }

  @Test
  void aLevelWaitsBehindTheMask() {
    entry(9, 0, MASKED | LEVEL | 0x52);
    ioApic.line(9).set(true);
    assertThat(messages).isEmpty();
    out(0x22, LEVEL | 0x52);
    assertThat(messages).hasSize(1);
  }

  @Test
  void theEoiRegisterEndsAnInterruptToo() {
    entry(9, 0, LEVEL | 0x52);
    ioApic.line(9).set(true);
    ioApic.line(9).set(false);
    ioApic.write(0x40, 4, 0x52);
    assertThat(in(0x22) & REMOTE_IRR).isZero();
  }

  @Test
  void makingAPinEdgeTriggeredForAMomentEndsItsInterrupt() {
    entry(9, 0, LEVEL | 0x52);
    ioApic.line(9).set(true);
    out(0x22, MASKED | 0x52);
    assertThat(in(0x22) & REMOTE_IRR).isZero();
    out(0x22, LEVEL | 0x52);
    assertThat(messages).hasSize(2);
  }

  @Test
  void theGuestCannotSetRemoteIrrOrDeliveryStatus() {
    entry(7, 0xFF, 0xFFFF_FFFF);
    assertThat(in(0x1E)).isEqualTo(0x1_AFFF);
    assertThat(in(0x1F)).isEqualTo(0xFF00_0000);
  }

  @Test
  void destination255MeansEveryProcessor() {
    entry(1, 0xFF, 0x40);
    ioApic.line(1).set(true);
    assertThat(messages.getFirst().destination()).isEqualTo(InterruptMessageSink.BROADCAST);
    entry(1, 0xFF, LOGICAL | 0x40);
    ioApic.line(1).pulse();
    ioApic.line(1).set(true);
    assertThat(messages.getLast().destination()).isEqualTo(0xFF);
  }

  @Test
  void savedStateBringsEverythingBack() {
    entry(9, 2, LEVEL | 0x52);
    ioApic.line(9).set(true);
    IoApic.State saved = ioApic.state();
    ioApic.reset();
    assertThat(in(0x22)).isEqualTo(MASKED);
    ioApic.restore(saved);
    assertThat(ioApic.state()).usingRecursiveComparison().isEqualTo(saved);
    ioApic.endOfInterrupt(0x52);
    assertThat(messages).hasSize(2);
    assertThatThrownBy(() -> ioApic.restore(new IoApic.State(0, 0, 0, new long[3])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    Random random = new Random(5);
    for (int i = 0; i < 100_000; i++) {
      out(random.nextInt(256), random.nextInt());
      ioApic.line(random.nextInt(24)).set(random.nextBoolean());
      ioApic.endOfInterrupt(random.nextInt(256));
      Fuzz.hammerOnce(random, ioApic);
    }
    messages.clear();
    IoApic.State saved = Fuzz.roundTrip(ioApic);
    assertThat(ioApic.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThatThrownBy(() -> ioApic.line(24)).isInstanceOf(IllegalArgumentException.class);
  }
}
