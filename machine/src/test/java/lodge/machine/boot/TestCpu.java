package lodge.machine.boot;

import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;

/** A processor with nothing around it but memory. */
final class TestCpu {
  private TestCpu() {}

  static Cpu over(GuestMemory memory) {
    return new Cpu(
        0, new CpuModel(), memory, new PortBus(), new MmioBus(), new StoppedClock(), new NoApic());
  }

  private static final class StoppedClock implements Clock {
    @Override
    public long nanos() {
      return 0;
    }

    @Override
    public long epochNanos() {
      return 0;
    }

    @Override
    public Timer timer(Runnable action) {
      throw new UnsupportedOperationException();
    }
  }

  private static final class NoApic implements ApicPort {
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
}
