package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.ApicPort;

/** A local APIC by a tape. Interrupts are not on it: who runs the processor delivers them. */
class TapedApic implements ApicPort {
  private final ApicPort wired;
  private final Tape tape;
  private long mmioBase;

  TapedApic(ApicPort wired, Tape tape) {
    this.wired = wired;
    this.tape = tape;
    this.mmioBase = wired.mmioBase();
  }

  @Override
  public boolean pending() {
    return false;
  }

  @Override
  public int acknowledge() {
    return -1;
  }

  @Override
  public boolean takeNmi() {
    return false;
  }

  @Override
  public int cr8() {
    return (int) tape.in(Tape.what('8', 1, 0), wired::cr8);
  }

  @Override
  public void setCr8(int value) {
    tape.out(Tape.what('8', 1, 1), value, () -> wired.setCr8(value));
  }

  @Override
  public boolean hasMsr(int msr) {
    return tape.in(Tape.what('h', 0, msr), () -> wired.hasMsr(msr) ? 1 : 0) != 0;
  }

  @Override
  public boolean canReadMsr(int msr) {
    return tape.in(Tape.what('h', 1, msr), () -> wired.canReadMsr(msr) ? 1 : 0) != 0;
  }

  @Override
  public long readMsr(int msr) {
    return tape.in(Tape.what('m', 8, msr), () -> wired.readMsr(msr));
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    tape.out(Tape.what('M', 8, msr), value, () -> {});
    boolean allowed =
        tape.in(Tape.what('a', 8, msr), () -> wired.writeMsr(msr, value) ? 1 : 0) != 0;
    mmioBase = tape.in(Tape.what('b', 8, msr), wired::mmioBase);
    return allowed;
  }

  @Override
  public boolean sendTo(int apicId, int command) {
    return tape.in(Tape.what('s', apicId, command), () -> wired.sendTo(apicId, command) ? 1 : 0)
        != 0;
  }

  @Override
  public void tscAdjusted() {
    tape.out(Tape.what('T', 8, 0), 0, wired::tscAdjusted);
  }

  @Override
  public long mmioBase() {
    return mmioBase;
  }

  @Override
  public long read(int offset, int size) {
    return tape.in(Tape.what('l', size, offset), () -> wired.read(offset, size));
  }

  @Override
  public void write(int offset, int size, long value) {
    tape.out(Tape.what('L', size, offset), value, () -> wired.write(offset, size, value));
  }
}
