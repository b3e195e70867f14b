package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LocalApicTest {
  private static final int ID = 0x20;
  private static final int TPR = 0x80;
  private static final int PPR = 0xA0;
  private static final int EOI = 0xB0;
  private static final int LDR = 0xD0;
  private static final int DFR = 0xE0;
  private static final int SVR = 0xF0;
  private static final int ESR = 0x280;
  private static final int ICR = 0x300;
  private static final int ICR_HIGH = 0x310;
  private static final int LVT_LINT0 = 0x350;
  private static final int LVT_LINT1 = 0x360;
  private static final int LVT_ERROR = 0x370;

  private static final int APIC_BASE = LocalApic.IA32_APIC_BASE;
  private static final long BASE = 0xFEE0_0000L;
  private static final long EN = 0x800;
  private static final long EXTD = 0x400;
  private static final long BSP = 0x100;

  private static final int MASKED = 1 << 16;
  private static final int LEVEL = 1 << 15;
  private static final int TO_SELF = 1 << 18;
  private static final int TO_ALL = 2 << 18;
  private static final int TO_OTHERS = 3 << 18;

  private final FakeClock clock = new FakeClock();
  private final ApicBus bus = new ApicBus();
  private final int[] kicks = new int[4];
  private final List<Integer> ended = new ArrayList<>();
  private int extIntVector = -1;
  private final LocalApic apic = apic(0);

  LocalApicTest() {
    bus.onEndOfInterrupt(ended::add);
    enable(apic);
  }

  private LocalApic apic(int id) {
    return new LocalApic(
        id,
        id == 0,
        40,
        1_000_000_000,
        clock,
        clock::nanos,
        bus,
        () -> extIntVector,
        () -> kicks[id & 3]++);
  }

  private static void enable(LocalApic apic) {
    apic.write(SVR, 4, 0x1FF);
  }

  private void out(int register, long value) {
    apic.write(register, 4, value);
  }

  private long in(int register) {
    return apic.read(register, 4);
  }

  private void interrupt(int vector) {
    bus.deliver(0, false, InterruptMessageSink.FIXED, vector, false, true);
  }

  private static long bits(LocalApic apic, int register, int vector) {
    return apic.read(register + (vector >> 5) * 16, 4) >> (vector & 31) & 1;
  }

  @Test
  void startsAsTheManualSays() {
    LocalApic fresh = apic(1);
    assertThat(fresh.read(ID, 4)).isEqualTo(1 << 24);
    assertThat(fresh.read(0x30, 4)).isEqualTo(0x0005_0014);
    assertThat(fresh.read(SVR, 4)).isEqualTo(0xFF);
    assertThat(fresh.read(DFR, 4)).isEqualTo(0xFFFF_FFFFL);
    for (int lvt = 0x320; lvt <= 0x370; lvt += 16) {
      assertThat(fresh.read(lvt, 4)).isEqualTo(MASKED);
    }
    assertThat(fresh.mmioBase()).isEqualTo(BASE);
    assertThat(apic.readMsr(APIC_BASE)).isEqualTo(BASE | EN | BSP);
    assertThat(fresh.readMsr(APIC_BASE)).isEqualTo(BASE | EN);
  }

  @Test
  void anInterruptGoesFromRequestToServiceToEnd() {
    interrupt(0x41);
    assertThat(kicks[0]).isEqualTo(1);
    assertThat(apic.pending()).isTrue();
    assertThat(bits(apic, 0x200, 0x41)).isEqualTo(1);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(apic.pending()).isFalse();
    assertThat(bits(apic, 0x200, 0x41)).isZero();
    assertThat(bits(apic, 0x100, 0x41)).isEqualTo(1);
    assertThat(in(PPR)).isEqualTo(0x40);
    assertThat(apic.acknowledge()).isEqualTo(-1);
    out(EOI, 0);
    assertThat(bits(apic, 0x100, 0x41)).isZero();
    assertThat(ended).as("an edge is nobody's business").isEmpty();
  }

  @Test
  void higherClassesNestAndTheSameClassWaits() {
    interrupt(0x41);
    apic.acknowledge();
    interrupt(0x4F);
    assertThat(apic.pending()).isFalse();
    interrupt(0x51);
    assertThat(apic.pending()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x51);
    out(EOI, 0);
    assertThat(apic.pending()).isFalse();
    out(EOI, 0);
    assertThat(apic.acknowledge()).isEqualTo(0x4F);
  }

  @Test
  void theTaskPriorityKeepsLowerClassesOut() {
    out(TPR, 0x52);
    assertThat(apic.cr8()).isEqualTo(5);
    interrupt(0x5F);
    assertThat(apic.pending()).isFalse();
    assertThat(kicks[0]).isZero();
    apic.setCr8(4);
    assertThat(in(TPR)).isEqualTo(0x40);
    assertThat(apic.pending()).isTrue();
    assertThat(kicks[0]).isEqualTo(1);
  }

  @Test
  void theEndOfALevelInterruptIsBroadcast() {
    bus.deliver(0, false, 0, 0x61, true, true);
    assertThat(bits(apic, 0x180, 0x61)).isEqualTo(1);
    apic.acknowledge();
    out(EOI, 0);
    assertThat(ended).containsExactly(0x61);
    out(EOI, 0);
    assertThat(ended).as("nothing was in service").hasSize(1);
  }

  @Test
  void aDisabledApicTakesNoFixedInterruptsAndMasksItsTable() {
    out(LVT_LINT0, 0x700);
    out(SVR, 0xFF);
    assertThat(in(LVT_LINT0)).isEqualTo(MASKED | 0x700);
    out(LVT_LINT0, 0x700);
    assertThat(in(LVT_LINT0)).as("stays masked").isEqualTo(MASKED | 0x700);
    interrupt(0x41);
    assertThat(apic.pending()).isFalse();
    bus.deliver(0, false, InterruptMessageSink.NMI, 0, false, true);
    assertThat(apic.takeNmi()).isTrue();
    assertThat(apic.takeNmi()).isFalse();
  }

  @Test
  void lint0CarriesThe8259() {
    extIntVector = 0x30;
    out(LVT_LINT0, 0x700);
    apic.lint0().set(true);
    assertThat(kicks[0]).isEqualTo(1);
    assertThat(apic.pending()).isTrue();
    out(TPR, 0xFF);
    assertThat(apic.pending()).as("whatever the task priority").isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x30);
    apic.lint0().set(false);
    assertThat(apic.pending()).isFalse();
    out(LVT_LINT0, 0x10700);
    apic.lint0().set(true);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void aRealPairOf8259InterruptsThroughLint0() {
    Pic8259[] pic = new Pic8259[1];
    LocalApic cpu =
        new LocalApic(
            2,
            true,
            40,
            1_000_000_000,
            clock,
            clock::nanos,
            bus,
            () -> pic[0].acknowledge(),
            () -> {});
    pic[0] = new Pic8259(cpu.lint0());
    enable(cpu);
    cpu.write(LVT_LINT0, 4, 0x700);
    for (int b : new int[] {0x11, 0x20, 4, 1}) {
      pic[0].master().write(b == 0x11 ? 0 : 1, 1, b);
    }
    pic[0].line(1).set(true);
    pic[0].line(3).set(true);
    assertThat(cpu.acknowledge()).isEqualTo(0x21);
    assertThat(cpu.pending()).isFalse();
    pic[0].master().write(0, 1, 0x20);
    assertThat(cpu.pending()).isTrue();
    assertThat(cpu.acknowledge()).isEqualTo(0x23);
  }

  @Test
  void withTheApicOffItsPinsAreTheProcessorsOwn() {
    extIntVector = 8;
    assertThat(apic.writeMsr(APIC_BASE, BASE | BSP)).isTrue();
    assertThat(apic.mmioBase()).isEqualTo(-1);
    assertThat(apic.read(ID, 4)).isEqualTo(-1);
    apic.lint0().set(true);
    assertThat(apic.pending()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(8);
    apic.lint1().set(true);
    assertThat(apic.takeNmi()).isTrue();
    interrupt(0x41);
    apic.lint0().set(false);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void lint1IsTheNmiPin() {
    out(LVT_LINT1, 0x400);
    apic.lint1().set(true);
    assertThat(kicks[0]).isEqualTo(1);
    assertThat(apic.takeNmi()).isTrue();
    apic.lint1().set(true);
    assertThat(apic.takeNmi()).as("an edge").isFalse();
  }

  @Test
  void aLevelAtLint0IsServedUntilItFalls() {
    out(LVT_LINT0, LEVEL | 0x45);
    apic.lint0().set(true);
    assertThat(apic.acknowledge()).isEqualTo(0x45);
    assertThat(in(LVT_LINT0)).isEqualTo(LEVEL | 0x4000 | 0x45);
    out(EOI, 0);
    assertThat(apic.acknowledge()).isEqualTo(0x45);
    apic.lint0().set(false);
    out(EOI, 0);
    assertThat(apic.pending()).isFalse();
    assertThat(in(LVT_LINT0)).isEqualTo(LEVEL | 0x45);
  }

  @Test
  void errorsAreCollectedAndShownWhenEsrIsWritten() {
    out(LVT_ERROR, 0xFE);
    in(0x40);
    assertThat(in(ESR)).isZero();
    assertThat(apic.acknowledge()).isEqualTo(0xFE);
    out(ESR, 0);
    assertThat(in(ESR)).isEqualTo(0x80);
    out(ICR, TO_SELF | 0x0F);
    interrupt(5);
    out(ESR, 0);
    assertThat(in(ESR)).isEqualTo(0x60);
    out(ESR, 0);
    assertThat(in(ESR)).isZero();
  }

  @Test
  void anErrorEntryWithAnIllegalVectorDoesNotCallItself() {
    out(LVT_ERROR, 3);
    in(0x40);
    out(ESR, 0);
    assertThat(in(ESR)).isEqualTo(0xC0);
  }

  @Test
  void registersAreReadInPiecesAndWrittenAsAWhole() {
    out(TPR, 0x42);
    assertThat(apic.read(LVT_LINT0 + 2, 1) & 0xFF).isEqualTo(1);
    assertThat(apic.read(TPR + 4, 4)).isZero();
    apic.write(TPR, 1, 0x10);
    apic.write(TPR + 4, 4, 0x10);
    assertThat(in(TPR)).isEqualTo(0x42);
    apic.write(TPR, 8, 0x30);
    assertThat(in(TPR)).isEqualTo(0x30);
  }

  // Interprocessor interrupts

  @Test
  void physicalDestinationsReachOneProcessorOrAll() {
    LocalApic one = apic(1);
    LocalApic two = apic(2);
    enable(one);
    enable(two);
    out(ICR_HIGH, 1L << 24);
    out(ICR, 0x4050);
    assertThat(one.acknowledge()).isEqualTo(0x50);
    assertThat(two.pending()).isFalse();
    assertThat(apic.pending()).isFalse();
    out(ICR_HIGH, 0xFFL << 24);
    out(ICR, 0x4060);
    assertThat(List.of(apic.acknowledge(), one.acknowledge(), two.acknowledge()))
        .containsOnly(0x60);
    assertThat(in(ICR)).isEqualTo(0x4060);
  }

  @Test
  void shorthandsReachSelfAllAndOthers() {
    LocalApic one = apic(1);
    enable(one);
    out(ICR, TO_SELF | 0x4050);
    assertThat(apic.acknowledge()).isEqualTo(0x50);
    assertThat(one.pending()).isFalse();
    out(ICR, TO_OTHERS | 0x4060);
    assertThat(apic.pending()).isFalse();
    assertThat(one.acknowledge()).isEqualTo(0x60);
    out(ICR, TO_ALL | 0x4070);
    assertThat(apic.acknowledge()).isEqualTo(0x70);
    assertThat(one.acknowledge()).isEqualTo(0x70);
    out(ICR, TO_OTHERS | 0x4400);
    assertThat(one.takeNmi()).isTrue();
    assertThat(apic.takeNmi()).isFalse();
  }

  @Test
  void aCommandForOneProcessorTellsWhetherThereIsOne() {
    LocalApic one = apic(1);
    enable(one);
    assertThat(apic.sendTo(1, 0x50)).isTrue();
    assertThat(one.acknowledge()).isEqualTo(0x50);
    assertThat(apic.sendTo(2, 0x50)).isFalse();
  }

  @Test
  void flatLogicalDestinationsAreMasks() {
    LocalApic one = apic(1);
    enable(one);
    out(LDR, 1L << 24);
    one.write(LDR, 4, 2L << 24);
    bus.deliver(2, true, 0, 0x50, false, true);
    assertThat(apic.pending()).isFalse();
    assertThat(one.acknowledge()).isEqualTo(0x50);
    bus.deliver(3, true, 0, 0x60, false, true);
    assertThat(apic.acknowledge()).isEqualTo(0x60);
    assertThat(one.acknowledge()).isEqualTo(0x60);
    bus.deliver(4, true, 0, 0x70, false, true);
    assertThat(apic.pending() || one.pending()).isFalse();
  }

  @Test
  void clusteredLogicalDestinationsNameAClusterAndAMask() {
    LocalApic one = apic(1);
    enable(one);
    out(DFR, 0);
    one.write(DFR, 4, 0);
    out(LDR, 0x11L << 24);
    one.write(LDR, 4, 0x21L << 24);
    bus.deliver(0x2F, true, 0, 0x50, false, true);
    assertThat(apic.pending()).isFalse();
    assertThat(one.acknowledge()).isEqualTo(0x50);
    bus.deliver(0xF1, true, 0, 0x60, false, true);
    assertThat(apic.acknowledge()).isEqualTo(0x60);
    assertThat(one.acknowledge()).isEqualTo(0x60);
  }

  @Test
  void lowestPriorityGoesToTheLeastBusyProcessor() {
    LocalApic one = apic(1);
    enable(one);
    out(LDR, 1L << 24);
    one.write(LDR, 4, 2L << 24);
    out(TPR, 0x20);
    bus.deliver(3, true, InterruptMessageSink.LOWEST_PRIORITY, 0x50, false, true);
    assertThat(one.acknowledge()).isEqualTo(0x50);
    bus.deliver(3, true, InterruptMessageSink.LOWEST_PRIORITY, 0x60, false, true);
    assertThat(apic.acknowledge()).isEqualTo(0x60);
    bus.deliver(8, true, InterruptMessageSink.LOWEST_PRIORITY, 0x60, false, true);
    assertThat(apic.pending() || one.pending()).isFalse();
  }

  @Test
  void initAndStartupBringAProcessorUp() {
    LocalApic one = apic(1);
    assertThat(one.waitsForStartup()).isTrue();
    assertThat(apic.waitsForStartup()).isFalse();
    out(ICR_HIGH, 1L << 24);
    out(ICR, 0xC500);
    out(ICR, 0x8500);
    assertThat(kicks[1]).as("the de-assert means nothing").isEqualTo(1);
    out(ICR, 0x4699);
    out(ICR, 0x4698);
    assertThat(one.takeStartup()).as("not before INIT").isEqualTo(-1);
    assertThat(one.takeInit()).isTrue();
    assertThat(one.takeInit()).isFalse();
    assertThat(one.takeStartup()).as("the first message").isEqualTo(0x99);
    assertThat(one.waitsForStartup()).isFalse();
    out(ICR, 0x4699);
    assertThat(one.takeStartup()).as("it runs").isEqualTo(-1);
  }

  @Test
  void initResetsTheRegistersAndStopsAnApplicationProcessor() {
    LocalApic one = apic(1);
    enable(one);
    one.write(TPR, 4, 0x70);
    bus.deliver(1, false, InterruptMessageSink.INIT, 0, false, true);
    assertThat(one.takeInit()).isTrue();
    assertThat(one.read(TPR, 4)).isZero();
    assertThat(one.read(SVR, 4)).isEqualTo(0xFF);
    assertThat(one.waitsForStartup()).isTrue();
    bus.deliver(0, false, InterruptMessageSink.INIT, 0, false, true);
    assertThat(apic.takeInit()).isTrue();
    assertThat(apic.waitsForStartup()).as("the bootstrap processor goes on").isFalse();
  }

  // x2APIC and IA32_APIC_BASE

  @Test
  void onlyTheTransitionsOfTheManualAreAllowed() {
    assertThat(apic.writeMsr(APIC_BASE, BASE | EXTD)).as("x2APIC without enable").isFalse();
    assertThat(apic.writeMsr(APIC_BASE, BASE | EN | 1)).as("reserved bit").isFalse();
    assertThat(apic.writeMsr(APIC_BASE, 1L << 40 | BASE | EN)).as("past MAXPHYADDR").isFalse();
    assertThat(apic.writeMsr(APIC_BASE, BASE | EN | EXTD)).isTrue();
    assertThat(apic.mmioBase()).isEqualTo(-1);
    assertThat(apic.writeMsr(APIC_BASE, BASE | EN)).as("x2APIC to xAPIC").isFalse();
    assertThat(apic.writeMsr(APIC_BASE, BASE | EXTD)).isFalse();
    assertThat(apic.readMsr(APIC_BASE)).isEqualTo(BASE | EN | EXTD);
    assertThat(apic.writeMsr(APIC_BASE, BASE)).isTrue();
    assertThat(apic.writeMsr(APIC_BASE, BASE | EN | EXTD)).as("disabled to x2APIC").isFalse();
    assertThat(apic.writeMsr(APIC_BASE, 0x1234_5000L | EN)).isTrue();
    assertThat(apic.mmioBase()).isEqualTo(0x1234_5000L);
  }

  @Test
  void turningTheApicOffForgetsItsState() {
    out(TPR, 0x50);
    out(ID, 9L << 24);
    assertThat(in(ID)).isEqualTo(9 << 24);
    apic.writeMsr(APIC_BASE, BASE);
    apic.writeMsr(APIC_BASE, BASE | EN);
    assertThat(in(TPR)).isZero();
    assertThat(in(ID)).isZero();
    assertThat(in(SVR)).isEqualTo(0xFF);
  }

  @Test
  void x2apicRegistersExistOnlyInX2apicMode() {
    assertThat(apic.hasMsr(0x802)).isFalse();
    assertThat(apic.writeMsr(0x808, 0)).isFalse();
    apic.writeMsr(APIC_BASE, BASE | EN | EXTD);
    for (int msr = 0x800; msr <= 0x8FF; msr++) {
      int register = msr - 0x800;
      boolean lvtOrIcr = register >= 0x32 && register <= 0x39 || register == 0x30;
      boolean readable =
          lvtOrIcr
              || register >= 0x10 && register <= 0x28
              || List.of(2, 3, 8, 0xA, 0xD, 0xF, 0x3E).contains(register);
      assertThat(apic.canReadMsr(msr)).as("%x", msr).isEqualTo(readable);
      assertThat(apic.hasMsr(msr))
          .as("%x", msr)
          .isEqualTo(readable || register == 0xB || register == 0x3F);
    }
    assertThat(apic.hasMsr(LocalApic.IA32_TSC_DEADLINE)).isTrue();
    assertThat(apic.hasMsr(0x10)).isFalse();
  }

  @Test
  void x2apicRefusesReservedBitsAndReadOnlyRegisters() {
    apic.writeMsr(APIC_BASE, BASE | EN | EXTD);
    assertThat(apic.writeMsr(0x802, 1)).as("id").isFalse();
    assertThat(apic.writeMsr(0x80D, 1)).as("logical destination").isFalse();
    assertThat(apic.writeMsr(0x80A, 0)).as("processor priority").isFalse();
    assertThat(apic.writeMsr(0x810, 0)).as("in service").isFalse();
    assertThat(apic.writeMsr(0x839, 0)).as("current count").isFalse();
    assertThat(apic.writeMsr(0x80B, 1)).as("EOI takes 0 only").isFalse();
    assertThat(apic.writeMsr(0x80B, 0)).isTrue();
    assertThat(apic.writeMsr(0x828, 1)).isFalse();
    assertThat(apic.writeMsr(0x828, 0)).isTrue();
    assertThat(apic.writeMsr(0x808, 0x100)).isFalse();
    assertThat(apic.writeMsr(0x808, 1L << 32)).isFalse();
    assertThat(apic.writeMsr(0x80F, 0x1FF)).isTrue();
    assertThat(apic.writeMsr(0x80F, 0x2FF)).isFalse();
    assertThat(apic.writeMsr(0x832, 0x700FF)).isTrue();
    assertThat(apic.writeMsr(0x832, 0x80000)).isFalse();
    assertThat(apic.writeMsr(0x83E, 4)).isFalse();
    assertThat(apic.writeMsr(0x83F, 0x100)).isFalse();
    assertThat(apic.writeMsr(0x830, 1L << 12)).isFalse();
  }

  @Test
  void x2apicIdsAndLogicalIdsComeFromTheProcessorsNumber() {
    LocalApic many = apic(0x123);
    many.writeMsr(APIC_BASE, BASE | EN | EXTD);
    assertThat(many.readMsr(0x802)).isEqualTo(0x123);
    assertThat(many.readMsr(0x80D)).isEqualTo(0x12 << 16 | 1 << 3);
    enableX2(many);
    bus.deliver(0x123, false, 0, 0x50, false, true);
    assertThat(many.acknowledge()).isEqualTo(0x50);
    bus.deliver(0x12_0008, true, 0, 0x60, false, true);
    assertThat(many.acknowledge()).isEqualTo(0x60);
    bus.deliver(0x11_0008, true, 0, 0x70, false, true);
    assertThat(many.pending()).isFalse();
  }

  private static void enableX2(LocalApic apic) {
    apic.writeMsr(0x80F, 0x1FF);
  }

  @Test
  void x2apicSendsWithOneWrite() {
    LocalApic one = apic(1);
    apic.writeMsr(APIC_BASE, BASE | EN | EXTD);
    one.writeMsr(APIC_BASE, BASE | EN | EXTD);
    enableX2(one);
    assertThat(apic.writeMsr(0x830, 1L << 32 | 0x4050)).isTrue();
    assertThat(one.acknowledge()).isEqualTo(0x50);
    assertThat(apic.readMsr(0x830)).isEqualTo(1L << 32 | 0x4050);
    assertThat(apic.writeMsr(0x830, 0xFFFF_FFFFL << 32 | 0x4060)).isTrue();
    assertThat(one.pending()).as("its 0x50 is in service").isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x60);
    assertThat(apic.writeMsr(0x83F, 0x70)).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x70);
  }

  // State

  @Test
  void savedStateBringsEverythingBack() {
    out(LVT_LINT0, 0x700);
    out(TPR, 0x20);
    interrupt(0x41);
    apic.acknowledge();
    interrupt(0x51);
    bus.deliver(0, false, InterruptMessageSink.NMI, 0, false, true);
    LocalApic.State saved = apic.state();
    apic.reset();
    assertThat(apic.pending()).isFalse();
    apic.restore(saved);
    assertThat(apic.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(apic.takeNmi()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x51);
  }

  @Test
  void aStateThatNoneCanHaveIsRefused() {
    LocalApic.State s = apic.state();
    LocalApic.State broken =
        new LocalApic.State(
            s.base(),
            s.id(),
            s.tpr(),
            s.ldr(),
            s.dfr(),
            s.svr(),
            s.esr(),
            s.errors(),
            s.icr(),
            new int[5],
            s.isr(),
            s.irr(),
            s.tmr(),
            false,
            false,
            false,
            0,
            false,
            false,
            -1,
            s.timer());
    assertThatThrownBy(() -> apic.restore(broken)).isInstanceOf(IllegalArgumentException.class);
    assertThat(apic.state()).usingRecursiveComparison().isEqualTo(s);
  }

  @Test
  void survivesAnyAccess() {
    LocalApic one = apic(1);
    Random random = new Random(6);
    int[] sizes = {1, 2, 4, 8};
    for (int i = 0; i < 300_000; i++) {
      LocalApic target = random.nextInt(4) == 0 ? one : apic;
      switch (random.nextInt(10)) {
        case 0, 1 -> target.read(random.nextInt(0x1000), sizes[random.nextInt(4)]);
        case 2, 3, 4 ->
            target.write(random.nextInt(0x40) << 4, sizes[random.nextInt(4)], value(random));
        case 5 -> target.writeMsr(0x800 + random.nextInt(0x40), value(random));
        case 6 -> {
          if (random.nextInt(20) == 0) {
            target.writeMsr(APIC_BASE, BASE | random.nextInt(4) << 10 | BSP);
          }
          target.writeMsr(LocalApic.IA32_TSC_DEADLINE, value(random));
        }
        case 7 -> {
          target.readMsr(0x800 + random.nextInt(0x100));
          target.lint0().set(random.nextBoolean());
          target.lint1().set(random.nextBoolean());
        }
        case 8 -> {
          assertThat(target.acknowledge()).isBetween(-1, 255);
          target.takeNmi();
          target.takeInit();
          target.takeStartup();
          target.setCr8(random.nextInt());
        }
        default -> clock.advance(random.nextLong(500_000));
      }
    }
    LocalApic.State saved = apic.state();
    apic.restore(saved);
    assertThat(apic.state()).usingRecursiveComparison().isEqualTo(saved);
  }

  private static long value(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt(256);
      case 2 -> 1L << random.nextInt(64);
      default -> random.nextInt(0x80000);
    };
  }
}
