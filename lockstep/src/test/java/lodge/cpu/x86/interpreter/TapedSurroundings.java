package lodge.cpu.x86.interpreter;

import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;

/** Connects a processor to buses, clock and APIC by a tape. */
final class TapedSurroundings {
  private static final int PORTS = 1 << 16;

  private TapedSurroundings() {}

  /**
   * A processor like another one, which is on the board and stays without work.
   *
   * @param apic that of the new one
   */
  static Cpu processor(Cpu wired, GuestMemory memory, Tape tape, ApicPort apic) {
    PortBus ports = new PortBus();
    ports.map(
        0,
        PORTS,
        4,
        new BusDevice() {
          @Override
          public long read(long port, int size) {
            return tape.in(
                Tape.what('i', size, port),
                () -> Integer.toUnsignedLong(wired.ports.read((int) port, size)));
          }

          @Override
          public void write(long port, int size, long value) {
            tape.out(
                Tape.what('o', size, port),
                value,
                () -> wired.ports.write((int) port, size, (int) value));
          }
        });
    MmioBus mmio = new MmioBus();
    mmio.map(
        0,
        Long.MAX_VALUE,
        8,
        new BusDevice() {
          @Override
          public long read(long gpa, int size) {
            return tape.in(Tape.what('r', size, gpa), () -> wired.mmio.read(gpa, size));
          }

          @Override
          public void write(long gpa, int size, long value) {
            tape.out(Tape.what('w', size, gpa), value, () -> wired.mmio.write(gpa, size, value));
          }
        });
    return new Cpu(wired.apicId, wired.model, memory, ports, mmio, clock(wired, tape), apic);
  }

  private static Clock clock(Cpu wired, Tape tape) {
    return new Clock() {
      @Override
      public long nanos() {
        return tape.in(Tape.what('t', 8, 0), wired.clock::nanos);
      }

      @Override
      public long epochNanos() {
        return tape.in(Tape.what('e', 8, 0), wired.clock::epochNanos);
      }

      @Override
      public Timer timer(Runnable action) {
        throw new UnsupportedOperationException("a processor has no timer but its APIC's");
      }
    };
  }
}
