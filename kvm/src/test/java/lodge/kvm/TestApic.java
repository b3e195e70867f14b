package lodge.kvm;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;

/** A local APIC in which one interrupt and some NMIs can wait. */
final class TestApic implements ApicPort {
  static final long PAGE = 0xFEE0_0000L;

  /** -1 for none. */
  final AtomicInteger waiting = new AtomicInteger(-1);

  final AtomicInteger nmis = new AtomicInteger();
  private Cpu sleeper;
  private IntSupplier alarm;
  int cr8;
  int lastOffset = -1;
  long lastValue;

  /**
   * Interrupts a processor whenever it is halted.
   *
   * @param alarm gives the vector
   */
  void wake(Cpu sleeper, IntSupplier alarm) {
    this.sleeper = sleeper;
    this.alarm = alarm;
  }

  private boolean wakes() {
    return sleeper != null && sleeper.halted;
  }

  @Override
  public boolean pending() {
    return waiting.get() >= 0 || wakes();
  }

  @Override
  public int acknowledge() {
    return wakes() ? alarm.getAsInt() : waiting.getAndSet(-1);
  }

  @Override
  public boolean takeNmi() {
    return nmis.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
  }

  @Override
  public int cr8() {
    return cr8;
  }

  @Override
  public void setCr8(int value) {
    cr8 = value;
  }

  @Override
  public boolean hasMsr(int msr) {
    return msr == MsrTraps.APIC_BASE || msr == 0x802;
  }

  @Override
  public long readMsr(int msr) {
    return msr == 0x802 ? 0x77 : PAGE | 1 << 11;
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    return false;
  }

  @Override
  public long mmioBase() {
    return PAGE;
  }

  @Override
  public long read(int offset, int size) {
    return 0x1234_5678;
  }

  @Override
  public void write(int offset, int size, long value) {
    lastOffset = offset;
    lastValue = value;
  }
}
