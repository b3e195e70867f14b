package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;
import lodge.core.Exit;
import lodge.cpu.x86.Cpu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a debugger gets of a processor on KVM, beside what all engines do. */
@Timeout(60)
class DebuggerTest {
  private Guest guest;

  @BeforeEach
  void start() {
    KvmAvailable.check();
    guest = new Guest().longMode();
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.close();
    }
  }

  private boolean breakAt(Long... addresses) {
    return guest.vcpu.stopAt(new DebugStops(false, Set.of(addresses), List.of()));
  }

  private boolean watch(long address, int length, Access access) {
    Watchpoint watchpoint = new Watchpoint(address, length, access);
    return guest.vcpu.stopAt(new DebugStops(false, Set.of(), List.of(watchpoint)));
  }

  @Test
  void fourBreakpointsFitAndAFifthLeavesThemInPlace() {
    long at = Guest.CODE;
    // inc eax, five times; hlt
    guest.code("ffc0 ffc0 ffc0 ffc0 ffc0 f4").on(new KvmEngine());
    assertThat(breakAt(at + 2, at + 4, at + 6, at + 8)).isTrue();
    assertThat(breakAt(at + 2, at + 4, at + 6, at + 8, at + 10)).isFalse();
    for (int i = 1; i <= 4; i++) {
      assertThat(guest.run()).isEqualTo(Exit.BREAKPOINT);
      assertThat(guest.cpu.rip).isEqualTo(at + 2 * i);
      assertThat(guest.cpu.r[Cpu.RAX]).isEqualTo(i);
      assertThat(guest.vcpu.watchpointHit()).isEmpty();
      assertThat(guest.run()).as("it is still there").isEqualTo(Exit.BREAKPOINT);
      Long[] later =
          LongStream.rangeClosed(i + 1, 4).mapToObj(n -> at + 2 * n).toArray(Long[]::new);
      assertThat(breakAt(later)).isTrue();
    }
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(guest.cpu.r[Cpu.RAX]).isEqualTo(5);
  }

  @Test
  void watchpointsTakeAsManyRegistersAsTheyHaveAlignedPieces() {
    guest.code("f4").on(new KvmEngine());
    assertThat(watch(0x1000, 32, Access.WRITE)).isTrue();
    assertThat(watch(0x1004, 32, Access.WRITE)).as("4, 8, 8, 8 and 4").isFalse();
    assertThat(watch(0x1001, 7, Access.ANY)).as("1, 2 and 4").isTrue();
    assertThat(watch(0x1000, 1 << 30, Access.ANY)).isFalse();
    assertThat(watch(0x1000, 1, Access.READ)).as("no register watches loads alone").isFalse();
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
  }

  @Test
  void aStepSeesWhatKvmHasWrittenToTheCode() {
    long at = Guest.CODE;
    // 1: nop; mov byte [1b], 0x99; hlt; the second time, 1: is cdq
    guest.code("90 c6042500800000 99 f4").on(new KvmEngine());
    DebugStops step = new DebugStops(true, Set.of(), List.of());
    assertThat(guest.vcpu.stopAt(step)).isTrue();
    assertThat(guest.run()).isEqualTo(Exit.BREAKPOINT);
    assertThat(guest.cpu.rip).isEqualTo(at + 1);
    assertThat(guest.vcpu.stopAt(DebugStops.NONE)).isTrue();
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    guest.cpu.halted = false;
    guest.cpu.rip = at;
    guest.cpu.r[Cpu.RAX] = 1L << 31;
    assertThat(guest.vcpu.stopAt(step)).isTrue();
    assertThat(guest.run()).isEqualTo(Exit.BREAKPOINT);
    assertThat(guest.cpu.r[Cpu.RDX]).isEqualTo(0xFFFF_FFFFL);
  }
}
