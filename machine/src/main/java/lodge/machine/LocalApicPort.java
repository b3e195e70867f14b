package lodge.machine;

import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.ApicKeeper;
import lodge.core.ApicState;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.devices.ApicBus;
import lodge.devices.EoiFlag;
import lodge.devices.LocalApic;

/** The wires between a processor and its local APIC, which know nothing of each other. */
final class LocalApicPort implements ApicPort {
  /** Frequency of the APIC's timer before its divider. */
  private static final long TIMER_HZ = 1_000_000_000;

  private final LocalApic apic;
  private LongSupplier tsc = () -> 0;
  private GuestMemory memory;
  private final boolean lendable;

  /**
   * @param lendable the host's kernel may do the APIC's work
   * @param extInt gives the 8259's vector
   * @param kick called when an interrupt has come
   */
  LocalApicPort(
      int id,
      CpuModel model,
      boolean lendable,
      Clock clock,
      ApicBus bus,
      IntSupplier extInt,
      Runnable kick) {
    this.lendable = lendable;
    this.apic =
        new LocalApic(
            id,
            id == 0,
            model.physicalAddressBits(),
            TIMER_HZ,
            clock,
            () -> tsc.getAsLong(),
            bus,
            extInt,
            kick);
  }

  /** The processor's time-stamp counter, which the deadline timer is compared with. */
  void connect(Cpu cpu) {
    tsc = cpu::tsc;
    memory = cpu.memory;
  }

  LocalApic apic() {
    return apic;
  }

  @Override
  public boolean pending() {
    return apic.pending();
  }

  @Override
  public int acknowledge() {
    return apic.acknowledge();
  }

  @Override
  public boolean takeNmi() {
    return apic.takeNmi();
  }

  @Override
  public int cr8() {
    return apic.cr8();
  }

  @Override
  public void setCr8(int value) {
    apic.setCr8(value);
  }

  @Override
  public boolean sendTo(int apicId, int command) {
    return apic.sendTo(apicId, command);
  }

  @Override
  public boolean hasMsr(int msr) {
    return apic.hasMsr(msr);
  }

  @Override
  public boolean canReadMsr(int msr) {
    return apic.canReadMsr(msr);
  }

  @Override
  public long readMsr(int msr) {
    return apic.readMsr(msr);
  }

  @Override
  public boolean writeMsr(int msr, long value) {
    return apic.writeMsr(msr, value);
  }

  @Override
  public void eoiFlag(long gpa) {
    apic.eoiFlag(gpa < 0 ? null : new EoiFlag(memory, gpa));
  }

  @Override
  public void tscAdjusted() {
    apic.tscAdjusted();
  }

  @Override
  public boolean lendable() {
    return lendable;
  }

  @Override
  public ApicState lend(ApicKeeper keeper) {
    return apic.lend(keeper);
  }

  @Override
  public void giveBack(ApicState state) {
    apic.giveBack(state);
  }

  @Override
  public void ended(int vector) {
    apic.ended(vector);
  }

  @Override
  public long mmioBase() {
    return apic.mmioBase();
  }

  @Override
  public long read(int offset, int size) {
    return apic.read(offset, size);
  }

  @Override
  public void write(int offset, int size, long value) {
    apic.write(offset, size, value);
  }
}
