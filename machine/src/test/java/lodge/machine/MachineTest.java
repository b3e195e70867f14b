package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import lodge.core.Exit;
import lodge.cpu.x86.Cpu;
import lodge.machine.FakeEngine.Guest;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class MachineTest {
  private static final int PM1A_CONTROL = 0x604;
  private static final int SLEEP_TO_S5 = 1 << 13 | 5 << 10;

  @TempDir Path folder;
  private Path kernel;
  private FakeEngine engine;

  @BeforeEach
  void writeKernel() throws Exception {
    kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
  }

  private MachineBuilder machine(Guest guest) {
    engine = new FakeEngine(guest);
    return new MachineBuilder(List.of(engine)).kernel(kernel).memory(16 << 20);
  }

  private static Outcome run(MachineBuilder builder) throws InterruptedException {
    try (Machine machine = builder.build()) {
      machine.start();
      return machine.await();
    }
  }

  private static Exit powerOff(FakeEngine.FakeVcpu vcpu) {
    vcpu.cpu.ports.write(PM1A_CONTROL, 2, SLEEP_TO_S5);
    return Exit.KICKED;
  }

  @Test
  void theKernelIsLoadedAndEntered() throws Exception {
    Cpu[] seen = new Cpu[1];
    byte[] first = new byte[3];
    run(
        machine(
            vcpu -> {
              seen[0] = vcpu.cpu;
              vcpu.cpu.memory.get(TestKernels.PREFERRED_ADDRESS, first, 0, 3);
              return powerOff(vcpu);
            }));
    assertThat(seen[0].rip).isEqualTo(TestKernels.PREFERRED_ADDRESS + 0x200);
    assertThat(first).containsExactly(0, 7, 14);
  }

  @Test
  void softOffIsPowerOff() throws Exception {
    assertThat(run(machine(MachineTest::powerOff))).isEqualTo(new Outcome.PowerOff());
  }

  @Test
  void theDebugExitPortEndsTheRunWithItsStatus() throws Exception {
    Outcome outcome =
        run(
            machine(
                    vcpu -> {
                      vcpu.out(0xF4, 0xAB);
                      return Exit.KICKED;
                    })
                .debugExit(true));
    assertThat(outcome).isEqualTo(new Outcome.DebugExit(0xAB));
  }

  @Test
  void withoutDebugExitTheSamePortIsNothing() throws Exception {
    int[] read = new int[1];
    Outcome outcome =
        run(
            machine(
                vcpu -> {
                  vcpu.out(0xF4, 3);
                  read[0] = vcpu.in(0xF4);
                  return powerOff(vcpu);
                }));
    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
    assertThat(read[0]).isEqualTo(0xFF);
  }

  @Test
  void theFirstOutcomeStands() throws Exception {
    Outcome outcome =
        run(
            machine(
                    vcpu -> {
                      vcpu.out(0xF4, 1);
                      vcpu.out(0xF4, 2);
                      return powerOff(vcpu);
                    })
                .debugExit(true));
    assertThat(outcome).isEqualTo(new Outcome.DebugExit(1));
  }

  @Test
  void aPanicEndsTheRunUnlessACrashKernelTakesOver() throws Exception {
    Outcome outcome =
        run(
            machine(
                vcpu -> {
                  vcpu.out(0x505, vcpu.runs == 1 ? 2 : 1);
                  return Exit.KICKED;
                }));
    assertThat(outcome).isEqualTo(new Outcome.Panic());
    assertThat(engine.vcpu.runs).isEqualTo(2);
  }

  @Test
  void aResetBootsAgainInCleanMemory() throws Exception {
    long dirty = 0x90_0000;
    long[] seen = new long[3];
    try (Machine machine =
        machine(
                vcpu -> {
                  Cpu cpu = vcpu.cpu;
                  if (vcpu.runs == 1) {
                    cpu.memory.putLong(dirty, -1);
                    cpu.memory.putByte(TestKernels.PREFERRED_ADDRESS + 1, (byte) 99);
                    cpu.rip = 0x1234;
                    vcpu.out(0xCF9, 2);
                    vcpu.out(0xCF9, 6);
                    return Exit.KICKED;
                  }
                  seen[0] = cpu.memory.getLong(dirty);
                  seen[1] = cpu.memory.getByte(TestKernels.PREFERRED_ADDRESS + 1);
                  seen[2] = cpu.rip;
                  return powerOff(vcpu);
                })
            .build()) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.PowerOff());
      assertThat(machine.counters().totals()).containsEntry("resets", 1L);
    }
    assertThat(seen).containsExactly(0, 7, TestKernels.PREFERRED_ADDRESS + 0x200);
    assertThat(engine.vcpu.resets).isEqualTo(1);
  }

  @Test
  void aMachineMayResetManyTimes() throws Exception {
    try (Machine machine =
        machine(vcpu -> vcpu.runs == 200 ? powerOff(vcpu) : reset(vcpu, vcpu.runs % 3)).build()) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.PowerOff());
      assertThat(machine.counters().totals()).containsEntry("resets", 199L);
    }
  }

  /** By the chipset's reset register, the keyboard controller or port 0x92. */
  private static Exit reset(FakeEngine.FakeVcpu vcpu, int way) {
    switch (way) {
      case 0 -> vcpu.out(0xCF9, 6);
      case 1 -> vcpu.out(0x64, 0xFE);
      default -> vcpu.out(0x92, 1);
    }
    return Exit.KICKED;
  }

  @Test
  void everyWayToResetEndsTheRunWhenItIsNotToReboot() throws Exception {
    for (int way = 0; way < 3; way++) {
      int chosen = way;
      assertThat(run(machine(vcpu -> reset(vcpu, chosen)).rebootOnReset(false)))
          .isEqualTo(new Outcome.Reset());
    }
  }

  @Test
  void aTripleFaultIsReportedWithRegistersAndLastExits() throws Exception {
    Outcome outcome = run(machine(vcpu -> vcpu.runs < 3 ? Exit.KICKED : Exit.SHUTDOWN));
    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.TripleFault.class,
            fault ->
                assertThat(fault.dump())
                    .startsWith("the registers\nlast exits:\n")
                    .contains("SHUTDOWN")
                    .containsPattern("KICKED +rip=0000000000200200"));
  }

  @Test
  void anEngineThatGivesUpOrThrowsFailsTheMachine() throws Exception {
    assertThat(run(machine(vcpu -> Exit.FAILED))).isEqualTo(new Outcome.Failed("the registers\n"));
    Outcome thrown =
        run(
            machine(
                vcpu -> {
                  throw new IllegalStateException("broken");
                }));
    assertThat(thrown)
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed ->
                assertThat(failed.reason().lines().findFirst())
                    .contains("vCPU 0 at rip 0x200200: java.lang.IllegalStateException: broken"));
    assertThat(engine.vcpu.closed).isTrue();
  }

  @Test
  void aHaltedGuestSleepsUntilItsTimerInterrupts() throws Exception {
    int[] vector = {-1};
    Outcome outcome =
        run(
            machine(
                vcpu -> {
                  Cpu cpu = vcpu.cpu;
                  if (vcpu.runs == 1) {
                    startTimerThroughPic(vcpu);
                  }
                  if (!cpu.apic.pending()) {
                    return Exit.HALTED;
                  }
                  vector[0] = cpu.apic.acknowledge();
                  return powerOff(vcpu);
                }));
    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
    assertThat(vector[0]).isEqualTo(0x20);
  }

  @Test
  void noInterruptComesBeforeTheGuestHasHandlers() throws Exception {
    var masks = new long[2];
    run(
        machine(
            vcpu -> {
              masks[0] = vcpu.in(0x21);
              masks[1] = vcpu.in(0xA1);
              assertThat(vcpu.cpu.apic.pending()).isFalse();
              return powerOff(vcpu);
            }));
    assertThat(masks).containsExactly(0xFF, 0xFF);
  }

  private static void startTimerThroughPic(FakeEngine.FakeVcpu vcpu) {
    Cpu cpu = vcpu.cpu;
    // Local APIC on, LINT0 = ExtINT; 8259 at vectors 0x20 and 0x28, only IRQ 0 open.
    cpu.apic.write(0xF0, 4, 0x1FF);
    cpu.apic.write(0x350, 4, 0x700);
    initializePic(vcpu, 0xFE);
    startPit(vcpu);
  }

  private static void initializePic(FakeEngine.FakeVcpu vcpu, int mask) {
    for (int[] write :
        new int[][] {
          {0x20, 0x11},
          {0x21, 0x20},
          {0x21, 4},
          {0x21, 1},
          {0x21, mask},
          {0xA0, 0x11},
          {0xA1, 0x28},
          {0xA1, 2},
          {0xA1, 1},
          {0xA1, 0xFF}
        }) {
      vcpu.out(write[0], write[1]);
    }
  }

  /** Channel 0, mode 2, every 10 ms. */
  private static void startPit(FakeEngine.FakeVcpu vcpu) {
    vcpu.out(0x43, 0x34);
    vcpu.out(0x40, 11932 & 0xFF);
    vcpu.out(0x40, 11932 >> 8);
  }

  @Test
  void theTimerReachesPinTwoOfTheIoApic() throws Exception {
    int[] vector = {-1};
    run(
        machine(
            vcpu -> {
              Cpu cpu = vcpu.cpu;
              if (vcpu.runs == 1) {
                cpu.apic.write(0xF0, 4, 0x1FF);
                initializePic(vcpu, 0xFF);
                cpu.mmu.write(0xFEC0_0000L, 4, 0x10 + 2 * 2);
                cpu.mmu.write(0xFEC0_0010L, 4, 0x31);
                startPit(vcpu);
              }
              if (!cpu.apic.pending()) {
                return Exit.HALTED;
              }
              vector[0] = cpu.apic.acknowledge();
              return powerOff(vcpu);
            }));
    assertThat(vector[0]).isEqualTo(0x31);
  }

  @Test
  void stopEndsARunningAndAHaltedGuest() throws Exception {
    for (Exit kind : new Exit[] {Exit.KICKED, Exit.HALTED}) {
      CountDownLatch running = new CountDownLatch(1);
      try (Machine machine =
          machine(
                  vcpu -> {
                    running.countDown();
                    return kind == Exit.KICKED ? vcpu.spin() : kind;
                  })
              .build()) {
        machine.start();
        running.await();
        machine.stop();
        assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
        machine.stop();
        assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
      }
    }
  }

  @Test
  void closeEndsThreadsAndGivesTheMemoryBack() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    Machine machine =
        machine(
                vcpu -> {
                  running.countDown();
                  return vcpu.spin();
                })
            .build();
    machine.start();
    running.await();
    machine.close();
    machine.close();
    assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
    assertThat(engine.vcpu.closed).isTrue();
    assertThat(engine.vcpu.cpu.memory.segment().scope().isAlive()).isFalse();
    assertThatThrownBy(machine::start).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void manyMachinesLeaveNoThreadsBehind() throws Exception {
    for (int i = 0; i < 20; i++) {
      run(machine(MachineTest::powerOff));
    }
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.startsWith("lodge-vcpu") || name.equals("lodge-clock"));
  }

  @Test
  void aMachineThatNeverStartedCanBeClosedAndAwaited() throws Exception {
    Machine machine = machine(MachineTest::powerOff).build();
    machine.close();
    assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
    assertThat(machine.counters().totals()).isEmpty();
  }

  @Test
  void aMachineStartsOnce() throws Exception {
    try (Machine machine = machine(MachineTest::powerOff).build()) {
      machine.start();
      assertThatThrownBy(machine::start).isInstanceOf(IllegalStateException.class);
      machine.await();
    }
  }

  @Test
  void countersAreThereWhileItRunsAndAfterwards() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    try (Machine machine =
        machine(
                vcpu -> {
                  running.countDown();
                  return vcpu.spin();
                })
            .build()) {
      machine.start();
      running.await();
      assertThat(machine.counters().totals().get("guest_instructions")).isPositive();
      machine.stop();
      machine.await();
      assertThat(machine.counters().totals())
          .containsKeys("guest_instructions", "resets", "wall_nanoseconds")
          .isEqualTo(machine.counters().totals());
    }
  }
}
