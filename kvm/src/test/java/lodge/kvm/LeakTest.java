package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.EngineException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code -Dlodge.kvm.cycles=N} makes more machines than a quick test can. */
@Timeout(3600)
class LeakTest {
  private static final int CYCLES = Integer.getInteger("lodge.kvm.cycles", 40);

  /** Until HotSpot has what it needs. */
  private static final int WARM_UP = 20;

  /** What the collector may let grow before it runs: a fraction of what so many machines take. */
  private static final long HEAP_MIB = Runtime.getRuntime().maxMemory() >> 20;

  @BeforeEach
  void check() {
    KvmAvailable.check();
  }

  @Test
  void machinesThatAreClosedLeaveNothing() throws Exception {
    KvmEngine engine = new KvmEngine();
    long files = OpenFiles.count();
    long mappings = OpenFiles.mappings();
    makeMachines(engine, WARM_UP);
    long allMappings = OpenFiles.allMappings();
    long resident = OpenFiles.residentMib();
    makeMachines(engine, CYCLES);
    assertThat(OpenFiles.count()).isEqualTo(files);
    assertThat(OpenFiles.mappings()).isEqualTo(mappings);
    long newMappings = OpenFiles.allMappings() - allMappings;
    long grown = OpenFiles.residentMib() - resident;
    System.out.printf("%d machines: %d more mappings, %d MiB more%n", CYCLES, newMappings, grown);
    // HotSpot adds some of its own.
    assertThat(newMappings).isLessThan(40);
    assertThat(grown).isLessThan(HEAP_MIB);
  }

  private static void makeMachines(KvmEngine engine, int count) throws IOException {
    long files = OpenFiles.count();
    for (int i = 0; i < count; i++) {
      try (Guest guest = new Guest()) {
        guest.code("40 f4").on(engine).run();
        assertThat(guest.cpu.r[Cpu.RAX]).isEqualTo(1);
        assertThat(OpenFiles.count()).isEqualTo(files + 3);
      }
    }
  }

  @Test
  void theSecondProcessorOfAMemoryIsInTheSameMachine() throws Exception {
    long files = OpenFiles.count();
    KvmEngine engine = new KvmEngine();
    try (Guest guest = new Guest()) {
      guest.on(engine);
      Cpu second =
          new Cpu(
              1,
              new CpuModel().withCpus(2),
              guest.memory,
              new PortBus(),
              new MmioBus(),
              guest.clock,
              new TestApic());
      try (Vcpu _ = engine.create(second)) {
        assertThat(OpenFiles.count()).isEqualTo(files + 4);
        // The same number is refused, and leaves nothing.
        assertThatThrownBy(() -> engine.create(second))
            .isInstanceOf(EngineException.class)
            .hasMessage("the host's KVM refuses KVM_CREATE_VCPU: File exists");
        assertThat(OpenFiles.count()).isEqualTo(files + 4);
      }
    }
    assertThat(OpenFiles.count()).isEqualTo(files);
  }

  @Test
  void aMachineThatTheKernelRefusesLeavesNothing() throws Exception {
    long files = OpenFiles.count();
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        Guest guest = new Guest()) {
      Cpu impossible =
          new Cpu(
              1 << 20,
              new CpuModel(),
              memory,
              new PortBus(),
              new MmioBus(),
              guest.clock,
              new TestApic());
      assertThatThrownBy(() -> new KvmEngine().create(impossible))
          .isInstanceOf(EngineException.class)
          .hasMessageMatching(
              "the host's KVM numbers vCPUs from 0 to \\d+: the machine has too many");
    }
    assertThat(OpenFiles.count()).isEqualTo(files);
  }
}
