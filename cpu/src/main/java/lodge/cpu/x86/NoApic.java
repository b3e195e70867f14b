package lodge.cpu.x86;

/** A processor without a local APIC. */
public final class NoApic implements ApicPort {
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
    return 0;
  }

  @Override
  public void setCr8(int value) {}

  @Override
  public boolean hasMsr(int msr) {
    return false;
  }

  @Override
  public long readMsr(int msr) {
    return 0;
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    return false;
  }

  @Override
  public long mmioBase() {
    return -1;
  }

  @Override
  public long read(int offset, int size) {
    return -1;
  }

  @Override
  public void write(int offset, int size, long value) {}
}
