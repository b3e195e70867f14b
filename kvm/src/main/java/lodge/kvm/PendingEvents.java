package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Interrupts;
import lodge.cpu.x86.Vector;

/**
 * What waits between two instructions, both ways. {@link Cpu} has no place for an event that is
 * being delivered: such are delivered by Lodge's own rules when the state is saved.
 */
final class PendingEvents {
  private static final long EXCEPTION_INJECTED = offset("exception.injected");
  private static final long EXCEPTION_NUMBER = offset("exception.nr");
  private static final long EXCEPTION_HAS_CODE = offset("exception.has_error_code");
  private static final long EXCEPTION_PENDING = offset("exception.pending");
  private static final long EXCEPTION_CODE = offset("exception.error_code");
  private static final long INTERRUPT_INJECTED = offset("interrupt.injected");
  private static final long INTERRUPT_NUMBER = offset("interrupt.nr");
  private static final long INTERRUPT_SHADOW = offset("interrupt.shadow");
  private static final long NMI_INJECTED = offset("nmi.injected");
  private static final long NMI_PENDING = offset("nmi.pending");
  private static final long NMI_MASKED = offset("nmi.masked");
  private static final long FLAGS = offset("flags");

  // asm/kvm.h
  private static final int VALID_NMI_PENDING = 1;
  private static final int VALID_SHADOW = 4;
  private static final int SHADOW_MOV_SS = 1;
  private static final int SHADOW_STI = 2;

  private final Fd vcpu;
  private final SyncRegs sync;
  private final StateBlock events;
  private final MemorySegment vector = Arena.ofAuto().allocate(Structs.INTERRUPT.size(), 8);

  PendingEvents(Fd vcpu, SyncRegs sync) {
    this.vcpu = vcpu;
    this.sync = sync;
    events = sync.events;
  }

  private static long offset(String field) {
    return Structs.VCPU_EVENTS.offset(field);
  }

  /** Nothing is being delivered: see {@link #save}. */
  void load(Cpu c) {
    MemorySegment data = events.data;
    data.fill((byte) 0);
    int shadow = c.debugShadow ? SHADOW_MOV_SS : c.interruptShadow ? SHADOW_STI : 0;
    data.set(JAVA_BYTE, INTERRUPT_SHADOW, (byte) shadow);
    data.set(JAVA_BYTE, NMI_PENDING, (byte) c.pendingNmis);
    data.set(JAVA_BYTE, NMI_MASKED, (byte) (c.nmiBlocked ? 1 : 0));
    data.set(JAVA_INT, FLAGS, VALID_NMI_PENDING | VALID_SHADOW);
    // To be given to KVM each time: it drops what waits when it is given registers.
    events.forget();
    events.write();
  }

  /** Has KVM deliver an interrupt, which the guest takes. */
  void interrupt(int number) {
    if (sync.eventsWait()) {
      // They would undo the request.
      events.data.set(JAVA_BYTE, INTERRUPT_INJECTED, (byte) 1);
      events.data.set(JAVA_BYTE, INTERRUPT_NUMBER, (byte) number);
    } else {
      vector.set(JAVA_INT, 0, number);
      vcpu.call(Ioctl.INTERRUPT, vector);
    }
  }

  /**
   * After all other state was saved.
   *
   * @param unknown KVM has come upon an instruction that it does not know: it asks us what to do,
   *     but has an #UD wait for the guest as well
   */
  void save(Cpu c, boolean unknown) {
    events.read();
    MemorySegment data = events.data;
    int shadow = data.get(JAVA_BYTE, INTERRUPT_SHADOW);
    c.interruptShadow = shadow != 0;
    c.debugShadow = (shadow & SHADOW_MOV_SS) != 0;
    c.pendingNmis = data.get(JAVA_BYTE, NMI_PENDING);
    c.nmiBlocked = data.get(JAVA_BYTE, NMI_MASKED) != 0;
    c.pendingDebug = 0;
    boolean exception =
        (data.get(JAVA_BYTE, EXCEPTION_INJECTED) | data.get(JAVA_BYTE, EXCEPTION_PENDING)) != 0;
    int number = data.get(JAVA_BYTE, EXCEPTION_NUMBER) & 0xFF;
    if (exception && !(unknown && number == Vector.UD)) {
      boolean hasCode = data.get(JAVA_BYTE, EXCEPTION_HAS_CODE) != 0;
      int code = hasCode ? data.get(JAVA_INT, EXCEPTION_CODE) : CpuException.NO_ERROR_CODE;
      Interrupts.deliver(c, number, code, Interrupts.Source.EXCEPTION);
    }
    if (data.get(JAVA_BYTE, NMI_INJECTED) != 0) {
      interrupt(c, Vector.NMI);
    }
    if (data.get(JAVA_BYTE, INTERRUPT_INJECTED) != 0) {
      interrupt(c, data.get(JAVA_BYTE, INTERRUPT_NUMBER) & 0xFF);
    }
  }

  private static void interrupt(Cpu c, int vector) {
    Interrupts.deliver(c, vector, CpuException.NO_ERROR_CODE, Interrupts.Source.HARDWARE);
  }
}
