package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import lodge.core.InterruptLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Pic8259Test {
  private static final int EOI = 0x20;

  private final Probe intr = new Probe();
  private final Pic8259 pic = new Pic8259(intr);

  @BeforeEach
  void initialize() {
    initialize(1);
  }

  /** Vectors 0x20 and 0x28, as every system sets the pair up. */
  private void initialize(int icw4) {
    command(0x11);
    data(0x20);
    data(4);
    data(icw4);
    slaveCommand(0x11);
    slaveData(0x28);
    slaveData(2);
    slaveData(1);
  }

  private void command(int b) {
    pic.master().write(0, 1, b);
  }

  private void data(int b) {
    pic.master().write(1, 1, b);
  }

  private void slaveCommand(int b) {
    pic.slave().write(0, 1, b);
  }

  private void slaveData(int b) {
    pic.slave().write(1, 1, b);
  }

  private int irr() {
    command(0x0A);
    return (int) pic.master().read(0, 1);
  }

  private int isr() {
    command(0x0B);
    return (int) pic.master().read(0, 1);
  }

  private int slaveIsr() {
    slaveCommand(0x0B);
    return (int) pic.slave().read(0, 1);
  }

  private void raise(int irq) {
    pic.line(irq).set(true);
  }

  private void lower(int irq) {
    pic.line(irq).set(false);
  }

  @Test
  void anEdgeInterruptsOnceUntilTheLineRisesAgain() {
    raise(4);
    assertThat(intr.high).isTrue();
    assertThat(irr()).isEqualTo(0x10);
    assertThat(pic.acknowledge()).isEqualTo(0x24);
    assertThat(intr.high).isFalse();
    assertThat(isr()).isEqualTo(0x10);
    command(EOI);
    assertThat(isr()).isZero();
    raise(4);
    assertThat(intr.high).as("the level that it already has").isFalse();
    lower(4);
    raise(4);
    assertThat(intr.high).isTrue();
  }

  @Test
  void aTickIsNotLostWhenTheLineFallsBeforeTheProcessorIsThere() {
    pic.line(0).pulse();
    assertThat(pic.acknowledge()).isEqualTo(0x20);
  }

  @Test
  void theLevelBitOfTheFirstInitializationWordDoesNothing() {
    command(0x19);
    data(0x20);
    data(4);
    data(1);
    raise(4);
    assertThat(pic.acknowledge()).isEqualTo(0x24);
    command(EOI);
    assertThat(intr.high).as("still an edge").isFalse();
  }

  @Test
  void aLineThatBecomesLevelTriggeredRequestsAsItStands() {
    pic.line(10).pulse();
    raise(11);
    assertThat(pic.acknowledge()).isEqualTo(0x2A);
    slaveCommand(EOI);
    command(EOI);
    assertThat(pic.acknowledge()).isEqualTo(0x2B);
    slaveCommand(EOI);
    command(EOI);
    pic.line(10).pulse();
    assertThat(intr.high).isTrue();
    pic.edgeLevelControl().write(1, 1, 0x0C);
    assertThat(pic.acknowledge()).as("the edge is forgotten, the level is seen").isEqualTo(0x2B);
  }

  @Test
  void aLevelInterruptsAsLongAsItIsHigh() {
    pic.edgeLevelControl().write(0, 1, 0xFF);
    pic.edgeLevelControl().write(1, 1, 0xFF);
    assertThat(pic.edgeLevelControl().read(0, 1)).isEqualTo(0xF8);
    assertThat(pic.edgeLevelControl().read(1, 1)).isEqualTo(0xDE);
    raise(5);
    assertThat(pic.acknowledge()).isEqualTo(0x25);
    command(EOI);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x25);
    lower(5);
    command(EOI);
    assertThat(intr.high).isFalse();
  }

  @Test
  void lowerNumbersGoFirstAndKeepOthersOut() {
    raise(3);
    raise(1);
    assertThat(pic.acknowledge()).isEqualTo(0x21);
    assertThat(intr.high).isFalse();
    raise(0);
    assertThat(intr.high).as("a higher one nests").isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x20);
    command(EOI);
    assertThat(isr()).isEqualTo(2);
    assertThat(intr.high).isFalse();
    command(EOI);
    assertThat(pic.acknowledge()).isEqualTo(0x23);
  }

  @Test
  void maskedLinesWaitUntilTheyAreUnmasked() {
    data(0xFF);
    raise(6);
    assertThat(intr.high).isFalse();
    assertThat(pic.master().read(1, 1)).isEqualTo(0xFF);
    data(0xBF);
    assertThat(intr.high).isTrue();
  }

  @Test
  void theSecondChipInterruptsThroughLineTwoOfTheFirst() {
    raise(14);
    assertThat(irr()).isEqualTo(4);
    assertThat(pic.acknowledge()).isEqualTo(0x2E);
    assertThat(isr()).isEqualTo(4);
    assertThat(slaveIsr()).isEqualTo(0x40);
    raise(8);
    assertThat(intr.high).as("the first chip does not nest line 2").isFalse();
    command(EOI);
    assertThat(pic.acknowledge()).as("then the second does").isEqualTo(0x28);
    slaveCommand(EOI);
    slaveCommand(EOI);
    command(EOI);
    assertThat(slaveIsr()).isZero();
  }

  @Test
  void aSecondRequestOfTheSecondChipFollowsTheFirst() {
    raise(8);
    raise(15);
    assertThat(pic.acknowledge()).isEqualTo(0x28);
    slaveCommand(EOI);
    command(EOI);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x2F);
  }

  @Test
  void specialFullyNestedModeLetsTheSecondChipNest() {
    initialize(0x11);
    raise(14);
    pic.acknowledge();
    raise(8);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x28);
  }

  @Test
  void aRequestThatHasGoneAwayIsASpuriousInterruptSeven() {
    assertThat(pic.acknowledge()).isEqualTo(0x27);
    assertThat(isr()).isZero();
  }

  @Test
  void aRequestOfTheSecondChipThatHasGoneAwayIsASpuriousInterruptFifteen() {
    raise(12);
    slaveData(0xFF);
    assertThat(pic.acknowledge()).isEqualTo(0x2F);
    assertThat(slaveIsr()).isZero();
    assertThat(isr()).as("the first chip believes in it").isEqualTo(4);
  }

  @Test
  void automaticEndOfInterruptLeavesNothingInService() {
    initialize(3);
    raise(4);
    assertThat(pic.acknowledge()).isEqualTo(0x24);
    assertThat(isr()).isZero();
    raise(5);
    assertThat(intr.high).isTrue();
  }

  @Test
  void rotationInAutomaticModeMakesTheServedLineTheLowest() {
    initialize(3);
    command(0x80);
    pic.line(0).pulse();
    assertThat(pic.acknowledge()).isEqualTo(0x20);
    raise(0);
    lower(0);
    raise(0);
    raise(5);
    assertThat(pic.acknowledge()).isEqualTo(0x25);
    assertThat(pic.acknowledge()).isEqualTo(0x20);
    command(0x00);
  }

  @Test
  void rotationOnEndOfInterruptSharesThePriorities() {
    raise(3);
    pic.acknowledge();
    command(0xA0);
    raise(1);
    raise(4);
    assertThat(pic.acknowledge()).as("4 follows 3").isEqualTo(0x24);
    command(0x60 | 4);
    command(0xE0 | 1);
    assertThat(pic.acknowledge()).isEqualTo(0x21);
  }

  @Test
  void setPriorityChoosesTheLowestLine() {
    command(0xC0 | 4);
    raise(4);
    raise(5);
    assertThat(pic.acknowledge()).isEqualTo(0x25);
    command(0x60 | 5);
    assertThat(isr()).isZero();
  }

  @Test
  void specialMaskModeLetsLowerLinesIn() {
    raise(1);
    pic.acknowledge();
    raise(6);
    assertThat(intr.high).isFalse();
    data(0x02);
    command(0x68);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x26);
    command(0x48);
    raise(5);
    assertThat(intr.high).isFalse();
  }

  @Test
  void pollingAcknowledgesWithoutTheProcessor() {
    command(0x0C);
    assertThat(pic.master().read(0, 1)).isZero();
    raise(3);
    command(0x0C);
    assertThat(pic.master().read(0, 1)).isEqualTo(0x83);
    assertThat(isr()).isEqualTo(8);
    assertThat(intr.high).isFalse();
  }

  @Test
  void initializationForgetsRequestsAndTheMask() {
    data(0xFF);
    raise(4);
    initialize();
    assertThat(pic.master().read(1, 1)).isZero();
    assertThat(irr()).isZero();
    assertThat(intr.high).isFalse();
  }

  @Test
  void nothingInterruptsInTheMiddleOfAnInitialization() {
    command(0x11);
    raise(4);
    assertThat(intr.high).isFalse();
    data(0x40);
    data(4);
    data(1);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x44);
  }

  @Test
  void savedStateBringsEverythingBack() {
    raise(4);
    pic.acknowledge();
    raise(1);
    command(0x0B);
    Pic8259.State saved = Fuzz.roundTrip(pic);
    assertThat(pic.state()).isEqualTo(saved);
    assertThat(intr.high).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x21);
  }

  @Test
  void aLineThatIsNoneIsRefused() {
    assertThatThrownBy(() -> pic.line(2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> pic.line(16)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    Random random = new Random(2);
    InterruptLine[] lines = new InterruptLine[16];
    for (int i = 0; i < 16; i++) {
      lines[i] = i == 2 ? level -> {} : pic.line(i);
    }
    for (int i = 0; i < 200_000; i++) {
      switch (random.nextInt(4)) {
        case 0 -> Fuzz.hammerOnce(random, pic.master());
        case 1 -> Fuzz.hammerOnce(random, pic.slave());
        case 2 -> lines[random.nextInt(16)].set(random.nextBoolean());
        default -> assertThat(pic.acknowledge()).isBetween(0, 255);
      }
    }
    Fuzz.hammer(3, null, pic.master(), pic.slave(), pic.edgeLevelControl());
    Pic8259.State saved = Fuzz.roundTrip(pic);
    assertThat(pic.state()).isEqualTo(saved);
  }
}
