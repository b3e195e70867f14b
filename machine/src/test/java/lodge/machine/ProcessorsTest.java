package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import lodge.core.Exit;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Cpuid;
import lodge.machine.FakeEngine.FakeVcpu;
import lodge.machine.FakeEngine.Guest;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several processors: how they start, stop and reset together. */
@Timeout(30)
class ProcessorsTest {
  private static final int ICR_LOW = 0x300;
  private static final int ICR_HIGH = 0x310;
  private static final int INIT_ALL_OTHERS = 0xC_4500;
  private static final int STARTUP_ALL_OTHERS = 0xC_4600;
  private static final int PM1A_CONTROL = 0x604;
  private static final int SLEEP_TO_S5 = 1 << 13 | 5 << 10;

  @TempDir Path folder;
  private Path kernel;
  private FakeEngine engine;

  @BeforeEach
  void writeKernel() throws Exception {
    kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
  }

  private Machine machine(int cpus, Guest guest) {
    engine = new FakeEngine(guest);
    return new MachineBuilder(List.of(engine), 16)
        .kernel(kernel)
        .memory(16 << 20)
        .cpus(cpus)
        .build();
  }

  private static void send(FakeVcpu vcpu, int command) {
    vcpu.cpu.apic.write(ICR_LOW, 4, command);
  }

  private static void send(FakeVcpu vcpu, int destination, int command) {
    vcpu.cpu.apic.write(ICR_HIGH, 4, (long) destination << 24);
    send(vcpu, command);
  }

  private static Exit powerOff(FakeVcpu vcpu) {
    vcpu.cpu.ports.write(PM1A_CONTROL, 2, SLEEP_TO_S5);
    return Exit.KICKED;
  }

  private static void runToPowerOff(Machine machine) throws InterruptedException {
    assertThat(run(machine)).isEqualTo(new Outcome.PowerOff());
  }

  private static Outcome run(Machine machine) throws InterruptedException {
    try (machine) {
      machine.start();
      return machine.await();
    }
  }

  @Test
  void theOthersWaitForTheirStartupMessage() throws Exception {
    Outcome outcome =
        run(
            machine(
                4,
                vcpu -> {
                  Thread.sleep(20);
                  return vcpu.runs < 3 ? Exit.KICKED : powerOff(vcpu);
                }));
    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
    assertThat(engine.vcpus).extracting(vcpu -> vcpu.runs).containsExactly(3, 0, 0, 0);
    assertThat(engine.vcpus).allMatch(vcpu -> vcpu.closed);
  }

  @Test
  void initAndStartupStartThemInRealModeAtTheVectorsPage() throws Exception {
    int cpus = 16;
    AtomicReferenceArray<String> seen = new AtomicReferenceArray<>(cpus);
    CountDownLatch started = new CountDownLatch(cpus - 1);
    runToPowerOff(
        machine(
            cpus,
            vcpu -> {
              Cpu cpu = vcpu.cpu;
              if (cpu.apicId != 0) {
                String start =
                    "%x:%x %x cr0 %x mode %d"
                        .formatted(
                            cpu.selector[Cpu.CS],
                            cpu.rip,
                            cpu.segBase[Cpu.CS],
                            cpu.cr0,
                            cpu.codeSize);
                if (seen.compareAndSet(cpu.apicId, null, start)) {
                  started.countDown();
                }
                return vcpu.spin();
              }
              send(vcpu, INIT_ALL_OTHERS);
              send(vcpu, STARTUP_ALL_OTHERS | 0x9A);
              send(vcpu, STARTUP_ALL_OTHERS | 0x77);
              started.await();
              return powerOff(vcpu);
            }));
    for (int i = 1; i < cpus; i++) {
      assertThat(seen.get(i)).isEqualTo("9a00:0 9a000 cr0 60000010 mode 2");
    }
  }

  @Test
  void startupWithoutInitIsForProcessorsThatWait() throws Exception {
    AtomicInteger starts = new AtomicInteger();
    CountDownLatch first = new CountDownLatch(1);
    runToPowerOff(
        machine(
            2,
            vcpu -> {
              if (vcpu.cpu.apicId == 1) {
                if (vcpu.cpu.rip == 0) {
                  starts.incrementAndGet();
                  vcpu.cpu.rip = 0x1234;
                  first.countDown();
                }
                return vcpu.spin();
              }
              send(vcpu, 1, 0x4610);
              first.await();
              // It runs: a second message is lost.
              send(vcpu, 1, 0x4611);
              Thread.sleep(50);
              return powerOff(vcpu);
            }));
    assertThat(starts).hasValue(1);
    assertThat(engine.vcpus.get(1).cpu.rip).isEqualTo(0x1234);
  }

  @Test
  void initStopsARunningProcessorUntilItIsStartedAgain() throws Exception {
    CountDownLatch[] started = {new CountDownLatch(1), new CountDownLatch(1)};
    AtomicInteger starts = new AtomicInteger();
    long[] tsc = new long[2];
    runToPowerOff(
        machine(
            2,
            vcpu -> {
              Cpu cpu = vcpu.cpu;
              if (cpu.apicId == 1) {
                if (cpu.rip == 0) {
                  int start = starts.getAndIncrement();
                  tsc[start] = cpu.tsc();
                  cpu.xmm[5] = start == 0 ? 99 : cpu.xmm[5];
                  cpu.rip = 0x1234;
                  cpu.halted = true;
                  started[start].countDown();
                }
                return start(vcpu);
              }
              send(vcpu, INIT_ALL_OTHERS);
              send(vcpu, STARTUP_ALL_OTHERS | 1);
              started[0].await();
              send(vcpu, INIT_ALL_OTHERS);
              Thread.sleep(20);
              assertThat(starts).hasValue(1);
              send(vcpu, STARTUP_ALL_OTHERS | 2);
              started[1].await();
              return powerOff(vcpu);
            }));
    Cpu cpu = engine.vcpus.get(1).cpu;
    assertThat(starts).hasValue(2);
    assertThat(cpu.segBase[Cpu.CS]).isEqualTo(0x2000);
    assertThat(cpu.xmm[5]).as("what INIT leaves alone").isEqualTo(99);
    assertThat(tsc[1]).isGreaterThan(tsc[0]);
    assertThat(engine.vcpus.get(1).resets).as("INIT is no reset").isZero();
  }

  /** HLT until somebody kicks. */
  private static Exit start(FakeVcpu vcpu) {
    return vcpu.cpu.halted ? Exit.HALTED : Exit.KICKED;
  }

  @Test
  void anyProcessorCanPowerOff() throws Exception {
    Outcome outcome =
        run(
            machine(
                3,
                vcpu -> {
                  if (vcpu.cpu.apicId == 0 && vcpu.runs == 1) {
                    send(vcpu, INIT_ALL_OTHERS);
                    send(vcpu, STARTUP_ALL_OTHERS | 1);
                  }
                  return vcpu.cpu.apicId == 2 ? powerOff(vcpu) : vcpu.spin();
                }));
    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
  }

  @Test
  void aResetFromAnyProcessorResetsAllAndTheOthersWaitAgain() throws Exception {
    AtomicReference<String> afterReset = new AtomicReference<>();
    Machine machine =
        machine(
            3,
            vcpu -> {
              Cpu cpu = vcpu.cpu;
              if (cpu.apicId == 0) {
                if (vcpu.resets == 0) {
                  if (vcpu.runs == 1) {
                    send(vcpu, INIT_ALL_OTHERS);
                    send(vcpu, STARTUP_ALL_OTHERS | 1);
                  }
                  return vcpu.spin();
                }
                Thread.sleep(50);
                afterReset.set(
                    "%d %d %x"
                        .formatted(
                            engine.vcpus.get(1).resets, engine.vcpus.get(2).resets, cpu.rip));
                return powerOff(vcpu);
              }
              if (vcpu.resets > 0) {
                throw new IllegalStateException("started without a message");
              }
              if (cpu.apicId == 2) {
                vcpu.out(0xCF9, 2);
                vcpu.out(0xCF9, 6);
              }
              return vcpu.spin();
            });
    assertThat(run(machine)).isEqualTo(new Outcome.PowerOff());
    assertThat(afterReset)
        .hasValue("1 1 " + Long.toHexString(TestKernels.PREFERRED_ADDRESS + 0x200));
  }

  @Test
  void initOfTheBootProcessorResetsTheMachine() throws Exception {
    Outcome outcome =
        run(
            machine(
                2,
                vcpu -> {
                  if (vcpu.resets > 0) {
                    return powerOff(vcpu);
                  }
                  send(vcpu, 0, 0x4500);
                  return vcpu.spin();
                }));
    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
    assertThat(engine.vcpus).extracting(vcpu -> vcpu.resets).containsExactly(1, 1);
  }

  @Test
  void aProcessorThatFailsEndsTheRunOfAll() throws Exception {
    Outcome outcome =
        run(
            machine(
                2,
                vcpu -> {
                  if (vcpu.cpu.apicId == 1) {
                    throw new IllegalStateException("broken");
                  }
                  send(vcpu, INIT_ALL_OTHERS);
                  send(vcpu, STARTUP_ALL_OTHERS | 1);
                  return vcpu.spin();
                }));
    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> assertThat(failed.reason()).contains("vCPU 1").contains("broken"));
  }

  @Test
  void countersAreThoseOfAll() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    try (Machine machine =
        machine(
            4,
            vcpu -> {
              running.countDown();
              return vcpu.spin();
            })) {
      machine.start();
      running.await();
      assertThat(machine.counters().totals().get("guest_instructions")).isPositive();
      machine.stop();
      assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
      assertThat(machine.counters().totals().get("guest_instructions")).isPositive();
    }
  }

  @Test
  void theirTimeStampCountersAgreeAndCpuidTellsThemApart() throws Exception {
    long[] offsets = new long[4];
    int[] ids = new int[4];
    int[] counts = new int[4];
    runToPowerOff(
        machine(
            4,
            vcpu -> {
              for (FakeVcpu each : engine.vcpus) {
                int i = each.cpu.apicId;
                offsets[i] = each.cpu.msrs.tscOffset();
                int[] out = new int[4];
                Cpuid.read(each.cpu, 0xB, 1, out);
                ids[i] = out[3];
                counts[i] = out[1];
              }
              return powerOff(vcpu);
            }));
    assertThat(offsets).containsOnly(offsets[0]);
    assertThat(ids).containsExactly(0, 1, 2, 3);
    assertThat(counts).containsOnly(4);
  }
}
