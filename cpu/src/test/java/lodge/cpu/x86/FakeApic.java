package lodge.cpu.x86;

import java.util.ArrayList;
import java.util.List;

/**
 * A local APIC whose every register write raises what the test has prepared: an interrupt, NMIs, or
 * both.
 */
final class FakeApic implements ApicPort {
  static final long BASE = 0xFEE0_0000L;
  private static final int IA32_APIC_BASE = 0x1B;
  private static final int X2APIC_EOI = 0x80B;

  /** Raised by the next register write; -1 for none. */
  int vectorOnWrite = -1;

  int nmisOnWrite;

  /** Waiting now; -1 for none. */
  int vector = -1;

  int nmis;
  int writes;

  /** What {@link #sendTo} was asked for; APIC 3 does not exist. */
  final List<Integer> sentTo = new ArrayList<>();

  int sentCommand;
  long base = BASE;
  boolean enabled = true;

  /** What {@link #eoiFlag(long)} was told last. */
  long eoiFlag;

  @Override
  public boolean pending() {
    return vector >= 0;
  }

  @Override
  public int acknowledge() {
    int taken = vector;
    vector = -1;
    return taken;
  }

  @Override
  public boolean takeNmi() {
    if (nmis == 0) {
      return false;
    }
    nmis--;
    return true;
  }

  @Override
  public int cr8() {
    return 0;
  }

  @Override
  public void setCr8(int value) {}

  @Override
  public boolean hasMsr(int msr) {
    return msr == IA32_APIC_BASE || msr == X2APIC_EOI;
  }

  @Override
  public long readMsr(int msr) {
    return msr == IA32_APIC_BASE ? base | (enabled ? 1 << 11 : 0) : 0;
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    if (msr == IA32_APIC_BASE) {
      base = value & ~0xFFFL;
      enabled = (value & 1 << 11) != 0;
    } else {
      written();
    }
    return true;
  }

  @Override
  public boolean sendTo(int apicId, int command) {
    if (apicId == 3) {
      return false;
    }
    sentTo.add(apicId);
    sentCommand = command;
    return true;
  }

  @Override
  public void eoiFlag(long gpa) {
    eoiFlag = gpa;
  }

  @Override
  public long mmioBase() {
    return enabled ? base : -1;
  }

  @Override
  public long read(int offset, int size) {
    return 0x1234_5678;
  }

  @Override
  public void write(int offset, int size, long value) {
    written();
  }

  private void written() {
    writes++;
    if (vectorOnWrite >= 0) {
      vector = vectorOnWrite;
      vectorOnWrite = -1;
    }
    nmis += nmisOnWrite;
    nmisOnWrite = 0;
  }
}
