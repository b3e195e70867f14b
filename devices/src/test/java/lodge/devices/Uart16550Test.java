package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class Uart16550Test {
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int IIR = 2;
  private static final int FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;
  private static final int SCRATCH = 7;
  private static final int OUT2 = 8;
  private static final int LOOP = 0x10;

  private final FakeClock clock = new FakeClock();
  private final Probe irq = new Probe();
  private final StringBuilder sent = new StringBuilder();
  private final Uart16550 uart = new Uart16550(irq, clock, b -> sent.append((char) b));

  private int in(int register) {
    return (int) uart.read(register, 1);
  }

  private void out(int register, int value) {
    uart.write(register, 1, value);
  }

  private void feed(String characters) {
    characters.chars().forEach(c -> assertThat(uart.receive(c)).isTrue());
  }

  @Test
  void whatIsTransmittedLeavesAtOnceAndTheTransmitterIsEmptyAgain() {
    out(DATA, 'h');
    out(DATA, 'i');
    assertThat(sent.toString()).isEqualTo("hi");
    assertThat(in(LSR)).isEqualTo(0x60);
  }

  @Test
  void theDivisorLatchHidesDataAndInterruptEnable() {
    out(LCR, 0x83);
    out(DATA, 0x34);
    out(IER, 0x12);
    assertThat(in(DATA)).isEqualTo(0x34);
    assertThat(in(IER)).isEqualTo(0x12);
    out(LCR, 3);
    assertThat(in(IER)).isZero();
    assertThat(sent.toString()).isEmpty();
  }

  @Test
  void theScratchRegisterKeepsWhatIsWritten() {
    out(SCRATCH, 0xA5);
    assertThat(in(SCRATCH)).isEqualTo(0xA5);
  }

  @Test
  void receivedDataInterruptsAtTheTriggerLevel() {
    out(MCR, OUT2);
    out(FCR, 0x81);
    out(IER, 1);
    feed("1234567");
    assertThat(irq.high).isFalse();
    feed("8");
    assertThat(irq.high).isTrue();
    assertThat(in(IIR)).isEqualTo(0xC4);
    assertThat(in(DATA)).isEqualTo('1');
    assertThat(irq.high).isFalse();
    assertThat(in(LSR) & 1).isEqualTo(1);
  }

  @Test
  void charactersBelowTheTriggerLevelInterruptAfterFourCharacterTimes() {
    out(MCR, OUT2);
    out(LCR, 3);
    out(FCR, 0xC1);
    out(IER, 1);
    feed("a");
    // 9600 baud after reset, 10 bits a character: 4.17 ms
    clock.advance(4_000_000);
    assertThat(irq.high).isFalse();
    feed("b");
    clock.advance(4_000_000);
    assertThat(irq.high).isFalse();
    clock.advance(200_000);
    assertThat(irq.high).isTrue();
    assertThat(in(IIR)).isEqualTo(0xCC);
    assertThat(in(DATA)).isEqualTo('a');
    assertThat(irq.high).isFalse();
    clock.advance(4_200_000);
    assertThat(in(IIR)).isEqualTo(0xCC);
    assertThat(in(DATA)).isEqualTo('b');
    assertThat(clock.idle()).as("an empty FIFO waits for nothing").isTrue();
  }

  @Test
  void anEmptyTransmitterInterruptsOnceAndAgainAfterEachWrite() {
    out(MCR, OUT2);
    out(IER, 2);
    assertThat(irq.high).isTrue();
    assertThat(in(IIR)).isEqualTo(2);
    assertThat(irq.high).isFalse();
    assertThat(in(IIR)).isEqualTo(1);
    out(DATA, 'x');
    assertThat(irq.high).isTrue();
    assertThat(irq.edges).isEqualTo(2);
    out(DATA, 'y');
    assertThat(irq.edges).as("each write makes a new edge").isEqualTo(3);
  }

  @Test
  void interruptsAreIdentifiedInTheOrderOfTheirPriority() {
    out(MCR, OUT2 | LOOP);
    out(IER, 0xF);
    out(DATA, 'a');
    out(DATA, 'b');
    assertThat(in(IIR)).as("overrun").isEqualTo(6);
    assertThat(in(LSR) & 3).isEqualTo(3);
    assertThat(in(IIR)).as("data").isEqualTo(4);
    assertThat(in(DATA)).isEqualTo('b');
    assertThat(in(IIR)).as("transmitter").isEqualTo(2);
    assertThat(in(IIR)).as("modem").isEqualTo(0);
    in(MSR);
    assertThat(in(IIR)).as("none").isEqualTo(1);
  }

  @Test
  void theInterruptLineNeedsOut2() {
    out(IER, 2);
    assertThat(irq.high).isFalse();
    out(MCR, OUT2);
    assertThat(irq.high).isTrue();
    out(MCR, 0);
    assertThat(irq.high).isFalse();
  }

  @Test
  void loopbackConnectsModemControlToModemStatus() {
    in(MSR);
    assertThat(in(MSR)).isEqualTo(0xB0);
    out(MCR, LOOP | 0xA);
    assertThat(in(MSR) & 0xF0).isEqualTo(0x90);
    out(MCR, LOOP | 0x5);
    assertThat(in(MSR)).as("all four changed, but RI rose").isEqualTo(0x60 | 0xB);
    out(MCR, LOOP);
    assertThat(in(MSR)).as("RI's trailing edge").isEqualTo(0x6);
    assertThat(sent.toString()).isEmpty();
  }

  @Test
  void loopbackKeepsTheLineOutAndLosesNothingOfIt() {
    out(IER, 1);
    out(MCR, LOOP);
    assertThat(uart.receive('x')).isFalse();
    boolean[] told = {false};
    uart.onReceiveSpace(() -> told[0] = true);
    out(MCR, 0);
    assertThat(told[0]).isTrue();
    assertThat(uart.receive('x')).isTrue();
  }

  @Test
  void aFullFifoRefusesAndTellsWhenThereIsSpace() {
    int[] told = {0};
    uart.onReceiveSpace(() -> told[0]++);
    out(FCR, 1);
    out(IER, 1);
    assertThat(uart.receiveSpace()).isEqualTo(16);
    feed("0123456789abcdef");
    assertThat(uart.receive('g')).isFalse();
    assertThat(uart.receiveSpace()).isZero();
    assertThat(told[0]).isZero();
    assertThat(in(DATA)).isEqualTo('0');
    assertThat(told[0]).isEqualTo(1);
    in(DATA);
    assertThat(told[0]).as("once per refusal").isEqualTo(1);
    assertThat(uart.receiveSpace()).isEqualTo(2);
  }

  @Test
  void withoutFifosThereIsRoomForOneCharacter() {
    out(IER, 1);
    feed("a");
    assertThat(uart.receive('b')).isFalse();
    assertThat(in(IIR)).isEqualTo(4);
    assertThat(in(DATA)).isEqualTo('a');
    assertThat(in(LSR) & 1).isZero();
  }

  @Test
  void nothingIsTakenUntilTheGuestListens() {
    assertThat(uart.receive('a')).isFalse();
    boolean[] told = {false};
    uart.onReceiveSpace(() -> told[0] = true);
    out(IER, 1);
    assertThat(told[0]).isTrue();
    assertThat(uart.receive('a')).isTrue();
  }

  @Test
  void aGuestThatTakesBackItsRequestToSendGetsNothingUntilItRaisesItAgain() {
    out(IER, 1);
    out(MCR, 0x0B);
    assertThat(uart.receive('a')).isTrue();
    out(MCR, 0x09);
    boolean[] told = {false};
    uart.onReceiveSpace(() -> told[0] = true);
    assertThat(uart.receive('b')).isFalse();
    assertThat(in(DATA)).isEqualTo('a');
    assertThat(told[0]).isFalse();
    out(MCR, 0x0B);
    assertThat(told[0]).isTrue();
    assertThat(uart.receive('b')).isTrue();
  }

  @Test
  void aGuestThatPollsTheLineStatusListensToo() {
    boolean[] told = {false};
    uart.onReceiveSpace(() -> told[0] = true);
    assertThat(uart.receive('a')).isFalse();
    for (int i = 0; i < 100; i++) {
      in(LSR);
      out(DATA, '.');
    }
    assertThat(told[0]).as("a look before each character sent is no polling").isFalse();
    for (int i = 0; i < 100; i++) {
      in(LSR);
    }
    assertThat(told[0]).isTrue();
    feed("a");
    assertThat(in(LSR) & 1).isEqualTo(1);
    assertThat(in(DATA)).isEqualTo('a');
  }

  @Test
  void aDriverThatClosesAndClearsFindsTheCharactersWhenItOpensAgain() {
    out(FCR, 1);
    out(IER, 1);
    feed("typed");
    out(IER, 0);
    out(FCR, 7);
    out(FCR, 0);
    assertThat(in(LSR) & 1).isZero();
    assertThat(in(DATA)).isZero();
    assertThat(uart.receive(' ')).isFalse();
    out(FCR, 1);
    out(IER, 1);
    feed(" ahead");
    StringBuilder read = new StringBuilder();
    while ((in(LSR) & 1) != 0) {
      read.append((char) in(DATA));
    }
    assertThat(read.toString()).isEqualTo("typed ahead");
  }

  @Test
  void switchingTheFifosOnAfterTheInterruptLosesNothing() {
    out(IER, 1);
    feed("u");
    out(FCR, 1);
    feed("name");
    StringBuilder read = new StringBuilder();
    while ((in(LSR) & 1) != 0) {
      read.append((char) in(DATA));
    }
    assertThat(read.toString()).isEqualTo("uname");
  }

  @Test
  void aListeningGuestMayClearItsFifo() {
    out(FCR, 1);
    out(IER, 1);
    feed("gone");
    out(FCR, 3);
    assertThat(in(LSR) & 1).isZero();
    assertThat(uart.receiveSpace()).isEqualTo(16);
  }

  @Test
  void savedStateBringsEverythingBack() {
    out(MCR, OUT2);
    out(FCR, 0x81);
    out(IER, 1);
    feed("abc");
    Uart16550.State saved = uart.state();
    uart.reset();
    assertThat(irq.high).isFalse();
    uart.restore(saved);
    assertThat(uart.state()).usingRecursiveComparison().isEqualTo(saved);
    clock.advance(10_000_000);
    assertThat(irq.high).as("the timeout goes on").isTrue();
    assertThat(in(DATA)).isEqualTo('a');
  }

  @Test
  void aStateThatNoneCanHaveIsRefused() {
    Uart16550.State s = uart.state();
    assertThatThrownBy(
            () ->
                uart.restore(
                    new Uart16550.State(
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0x10000,
                        false,
                        new byte[0],
                        new byte[0],
                        false,
                        false,
                        0,
                        0,
                        false)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                uart.restore(
                    new Uart16550.State(
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        1,
                        false,
                        new byte[17],
                        new byte[0],
                        false,
                        false,
                        0,
                        0,
                        false)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(uart.state()).usingRecursiveComparison().isEqualTo(s);
  }

  @Test
  void survivesAnyAccess() {
    Random random = new Random(1);
    for (int round = 0; round < 20; round++) {
      for (int i = 0; i < 1000; i++) {
        Fuzz.hammerOnce(random, uart);
        uart.receive(random.nextInt());
        clock.advance(random.nextLong(1_000_000));
      }
      Uart16550.State saved = Fuzz.roundTrip(uart);
      assertThat(saved.fifo().length).isLessThanOrEqualTo(16);
      assertThat(saved.held().length).isLessThanOrEqualTo(16);
    }
    assertThat(uart.read(8, 1)).isEqualTo(-1);
    assertThat(uart.read(Long.MIN_VALUE, 8)).isEqualTo(-1);
  }

  @Test
  void everyCharacterArrivesOnceAndInOrderWhateverTheDriverDoesWhileItDoesNotListen() {
    Random random = new Random(7);
    int next = 0;
    int expected = 0;
    for (int i = 0; i < 100_000; i++) {
      switch (random.nextInt(6)) {
        case 0 -> next += uart.receive(next & 0xFF) ? 1 : 0;
        case 1 -> out(IER, random.nextInt(2));
        case 2 -> {
          out(IER, 0);
          out(LCR, 3);
          out(FCR, random.nextInt(4));
        }
        default -> {
          if ((in(LSR) & 1) != 0) {
            assertThat(in(DATA)).isEqualTo(expected++ & 0xFF);
          }
        }
      }
    }
    assertThat(expected).isGreaterThan(1000);
    assertThat(next - expected).isBetween(0, 32);
  }
}
