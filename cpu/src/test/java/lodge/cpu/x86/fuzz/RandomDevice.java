package lodge.cpu.x86.fuzz;

import java.util.random.RandomGenerator;
import lodge.core.BusDevice;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;

/** Answers anything to everything; as an APIC, it also interrupts and moves. */
final class RandomDevice implements BusDevice, ApicPort {
  private static final int IA32_APIC_BASE = 0x1B;

  private final RandomGenerator random;

  /** Whom accesses kick now and then. */
  Cpu cpu;

  private long base = 0xFEE0_0900L;

  RandomDevice(RandomGenerator random) {
    this.random = random;
  }

  @Override
  public long read(long offset, int size) {
    disturb();
    return random.nextLong();
  }

  @Override
  public void write(long offset, int size, long value) {
    disturb();
  }

  private void disturb() {
    switch (random.nextInt(32)) {
      case 0 -> cpu.kick();
      case 1 -> cpu.setA20(random.nextBoolean());
      case 2 -> cpu.setA20(true);
      default -> {}
    }
  }

  @Override
  public boolean pending() {
    return random.nextInt(4) == 0;
  }

  @Override
  public int acknowledge() {
    return random.nextInt(8) == 0 ? -1 : random.nextInt(256);
  }

  @Override
  public boolean takeNmi() {
    return random.nextInt(8) == 0;
  }

  @Override
  public int cr8() {
    return random.nextInt(16);
  }

  @Override
  public void setCr8(int value) {
    disturb();
  }

  @Override
  public boolean hasMsr(int msr) {
    return msr == IA32_APIC_BASE || random.nextInt(4) != 0;
  }

  @Override
  public long readMsr(int msr) {
    return msr == IA32_APIC_BASE ? base : random.nextLong();
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    if (msr == IA32_APIC_BASE) {
      base = value;
    }
    disturb();
    return random.nextInt(8) != 0;
  }

  @Override
  public long mmioBase() {
    return (base & 0xC00) == 0x800 ? base & 0xF_FFFF_F000L : -1;
  }

  @Override
  public long read(int offset, int size) {
    return read((long) offset, size);
  }

  @Override
  public void write(int offset, int size, long value) {
    write((long) offset, size, value);
  }
}
