package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import lodge.core.BusDevice;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;
import lodge.core.Exit;
import lodge.cpu.x86.Cpu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where a debugger outside of the guest has a processor on KVM stop. */
class GuestDebugTest {
  private static final DebugStops STEP = new DebugStops(true, Set.of(), List.of());

  private Guest guest;
  private Cpu cpu;

  @BeforeEach
  void start() {
    KvmAvailable.check();
    guest = new Guest();
    cpu = guest.cpu;
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.close();
    }
  }

  private void load(String hex) {
    guest.code(hex).on(new KvmEngine());
  }

  private boolean breakAt(long... addresses) {
    Set<Long> all = LongStream.of(addresses).boxed().collect(Collectors.toSet());
    return guest.vcpu.stopAt(new DebugStops(false, all, List.of()));
  }

  private boolean watch(long address, int length, Access access) {
    Watchpoint watchpoint = new Watchpoint(address, length, access);
    return guest.vcpu.stopAt(new DebugStops(false, Set.of(), List.of(watchpoint)));
  }

  private void stopsAt(long rip) {
    assertThat(guest.run()).isEqualTo(Exit.BREAKPOINT);
    assertThat(cpu.rip).isEqualTo(rip);
  }

  @Test
  void aBreakpointStopsBeforeItsInstructionUntilItIsTakenAway() {
    // inc ax; inc ax; hlt
    load("40 40 f4");
    assertThat(breakAt(Guest.CODE + 1)).isTrue();
    stopsAt(Guest.CODE + 1);
    stopsAt(Guest.CODE + 1);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(1);
    assertThat(breakAt()).isTrue();
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(2);
  }

  @Test
  void aStepIsOneInstructionAlsoWhereADeviceAnswersAndWhereTheProcessorHalts() {
    BusDevice kicking =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            guest.vcpu.kick();
            return 0x55;
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    guest.ports.map(0x50, 1, 1, kicking);
    // in al, 0x50; inc bx; hlt
    load("e450 43 f4");
    guest.vcpu.stopAt(STEP);
    stopsAt(Guest.CODE + 2);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x55);
    stopsAt(Guest.CODE + 3);
    stopsAt(Guest.CODE + 4);
  }

  @Test
  void interruptsWaitForSteps() {
    guest.memory.putInt(0x21 * 4, 0x9000);
    guest.code(0x9000, "43 cf");
    // sti; nop; nop; hlt
    load("fb 90 90 f4");
    guest.apic.waiting.set(0x21);
    guest.vcpu.stopAt(STEP);
    stopsAt(Guest.CODE + 1);
    stopsAt(Guest.CODE + 2);
    guest.vcpu.stopAt(DebugStops.NONE);
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(cpu.r[Cpu.RBX]).isEqualTo(1);
  }

  @Test
  void theProcessorHasFourPlacesAndWatchesNoLoadsAlone() {
    load("f4");
    assertThat(breakAt(1, 2, 3, 4)).isTrue();
    assertThat(breakAt(1, 2, 3, 4, 5)).isFalse();
    assertThat(watch(0x6000, 32, Access.WRITE)).isTrue();
    assertThat(watch(0x6001, 32, Access.ANY)).as("its parts are aligned").isFalse();
    assertThat(watch(0x6001, 8, Access.ANY)).isTrue();
    assertThat(watch(0x6000, 1 << 20, Access.ANY)).isFalse();
    assertThat(watch(0x6000, 4, Access.READ)).isFalse();
  }
}
