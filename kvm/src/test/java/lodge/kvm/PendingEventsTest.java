package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What KVM leaves in its run area, without a KVM. */
class PendingEventsTest {
  private static final long HANDLER = 0x9000;

  private final MemorySegment run = Arena.ofAuto().allocate(Structs.RUN.size(), 8);
  private final PendingEvents events = new PendingEvents(null, new SyncRegs(run));
  private Guest guest;

  @BeforeEach
  void start() {
    guest = new Guest();
    for (int vector : new int[] {Vector.UD, Vector.NP}) {
      guest.memory.putInt(4 * vector, (int) HANDLER + vector);
    }
  }

  @AfterEach
  void close() {
    guest.close();
  }

  private void exceptionWaits(int vector) {
    long at = Structs.RUN.offset("s.regs.events");
    run.set(JAVA_BYTE, at + Structs.VCPU_EVENTS.offset("exception.injected"), (byte) 1);
    run.set(JAVA_BYTE, at + Structs.VCPU_EVENTS.offset("exception.nr"), (byte) vector);
  }

  @Test
  void anExceptionThatWaitsIsDelivered() {
    exceptionWaits(Vector.UD);
    events.save(guest.cpu, false);
    assertThat(guest.cpu.rip).isEqualTo(HANDLER + Vector.UD);
  }

  @Test
  void beforeAnInstructionThatKvmDoesNotKnowItsUndefinedOpcodeIsNotTheGuests() {
    exceptionWaits(Vector.UD);
    events.save(guest.cpu, true);
    assertThat(guest.cpu.rip).isEqualTo(Guest.CODE);
    exceptionWaits(Vector.NP);
    events.save(guest.cpu, true);
    assertThat(guest.cpu.rip).isEqualTo(HANDLER + Vector.NP);
  }
}
