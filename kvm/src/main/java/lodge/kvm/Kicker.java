package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Gets a vCPU's thread out of KVM_RUN: a flag that KVM looks at before it enters the guest, and a
 * signal for when it is inside already.
 */
final class Kicker {
  /** A real-time signal that neither the JVM nor the C library uses. */
  private static final int SIGNAL = 40;

  private static final long IMMEDIATE_EXIT = Structs.RUN.offset("immediate_exit");

  static {
    SystemCalls.ignore(SIGNAL);
  }

  /** Null once it is unmapped. */
  private MemorySegment run;

  /** Whoever is in {@link KvmVcpu#run}; 0 when nobody is. */
  private long thread;

  /** About to enter KVM_RUN, or inside. */
  private volatile boolean inside;

  Kicker(MemorySegment run) {
    this.run = run;
  }

  /** The calling thread may be kicked from here on. */
  synchronized void begin() {
    thread = SystemCalls.self();
  }

  /** No more: it may end. */
  synchronized void end() {
    thread = 0;
  }

  /** The next KVM_RUN does not enter the guest. From any thread. */
  synchronized void kick() {
    if (run == null) {
      return;
    }
    run.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 1);
    VarHandle.fullFence();
    if (inside && thread != 0) {
      SystemCalls.signal(thread, SIGNAL);
    }
  }

  /** KVM_RUN comes. */
  void enter() {
    inside = true;
  }

  /** KVM_RUN came back. */
  void leave() {
    inside = false;
  }

  /** Whatever was kicked for until now is about to be looked at. The vCPU's thread only. */
  void clear() {
    run.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 0);
    VarHandle.fullFence();
  }

  /** The next KVM_RUN only completes what the last exit began. The vCPU's thread only. */
  void stayOutside() {
    run.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 1);
  }

  /** What the flag is in will be unmapped. */
  synchronized void close() {
    run = null;
  }
}
