package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import lodge.core.GuestMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN. */
class EoiFlagTest {
  private static final long PLACE = 0x3004;
  private static final int EOI = 0xB0;
  private static final int SVR = 0xF0;
  private static final int ISR_4 = 0x120;
  private static final int PPR = 0xA0;

  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final ApicBus bus = new ApicBus();
  private final FakeClock clock = new FakeClock();
  private final List<Integer> ended = new ArrayList<>();
  private int kicks;
  private final LocalApic apic =
      new LocalApic(0, true, 40, 1_000_000_000, clock, clock::nanos, bus, () -> -1, () -> kicks++);

  EoiFlagTest() {
    bus.onEndOfInterrupt(ended::add);
    apic.write(SVR, 4, 0x1FF);
    apic.eoiFlag(new EoiFlag(memory, PLACE));
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private void interrupt(int vector) {
    bus.deliver(0, false, InterruptMessageSink.FIXED, vector, false, true);
  }

  private boolean flag() {
    return memory.getByte(PLACE) != 0;
  }

  /** What the guest does at the end of a handler. */
  private void end() {
    if (flag()) {
      memory.putByte(PLACE, (byte) 0);
    } else {
      apic.write(EOI, 4, 0);
    }
  }

  @Test
  void whatNothingWaitsForIsEndedInMemory() {
    interrupt(0x41);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(flag()).isTrue();
    end();
    assertThat(apic.read(PPR, 4)).isZero();
    assertThat(apic.read(ISR_4, 4)).isZero();

    interrupt(0x41);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(apic.read(PPR, 4)).as("looked at before the end").isEqualTo(0x40);
    assertThat(flag()).as("so the end is to be told").isFalse();
    end();
    assertThat(apic.read(PPR, 4)).isZero();
  }

  @Test
  void oneThatComesAfterTheEndIsTakenAtOnce() {
    interrupt(0x41);
    apic.acknowledge();
    end();
    int before = kicks;
    interrupt(0x31);
    assertThat(kicks).isEqualTo(before + 1);
    assertThat(apic.pending()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x31);
  }

  @Test
  void oneThatComesBeforeTheEndIsTakenWhenTheGuestTellsIt() {
    interrupt(0x41);
    apic.acknowledge();
    interrupt(0x42);
    assertThat(apic.pending()).as("the processor has to look").isTrue();
    assertThat(apic.acknowledge()).isEqualTo(-1);
    assertThat(apic.pending()).isFalse();
    assertThat(flag()).as("the end is to be told").isFalse();
    end();
    assertThat(apic.pending()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x42);
  }

  @Test
  void nestedInterruptsEndInTheirOrder() {
    interrupt(0x41);
    apic.acknowledge();
    interrupt(0x51);
    assertThat(apic.acknowledge()).isEqualTo(0x51);
    assertThat(flag()).isTrue();
    end();
    assertThat(flag()).isFalse();
    end();
    assertThat(apic.read(PPR, 4)).isZero();
    assertThat(apic.read(ISR_4, 4)).isZero();
  }

  @Test
  void whatOthersWaitForIsToBeTold() {
    interrupt(0x51);
    interrupt(0x41);
    assertThat(apic.acknowledge()).isEqualTo(0x51);
    assertThat(flag()).as("another one waits").isFalse();
    end();
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(flag()).isTrue();
    end();
    bus.deliver(0, false, InterruptMessageSink.FIXED, 0x61, true, true);
    assertThat(apic.acknowledge()).isEqualTo(0x61);
    assertThat(flag()).as("the I/O APIC waits").isFalse();
    end();
    assertThat(ended).containsExactly(0x61);
  }

  @Test
  void aSavedStateKnowsWhetherItEnded() {
    interrupt(0x41);
    apic.acknowledge();
    end();
    assertThat(apic.state().isr()).containsOnly(0);
    interrupt(0x41);
    apic.acknowledge();
    assertThat(apic.state().isr()).as("in service").isNotEqualTo(new long[4]);
    assertThat(flag()).isFalse();
  }

  @Test
  void afterResetAndWithoutFlagNothingIsWritten() {
    interrupt(0x41);
    apic.acknowledge();
    apic.eoiFlag(null);
    assertThat(flag()).isFalse();
    apic.write(EOI, 4, 0);
    apic.eoiFlag(new EoiFlag(memory, PLACE));
    apic.reset();
    apic.write(SVR, 4, 0x1FF);
    interrupt(0x41);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(flag()).isFalse();
  }
}
