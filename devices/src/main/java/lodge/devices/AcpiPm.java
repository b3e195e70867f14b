package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class AcpiPm implements BusDevice, Stateful<AcpiPm.State> {
  /** Sleep type of S5 (soft off), for the DSDT's _S5 package. */
  public static final int SLP_TYP_S5 = 5;
  /** Offsets in the block of 16 ports, for the FADT. */
  public static final int PM1A_EVENT = 0;
  public static final int PM1A_CONTROL = 4;
  public static final int PM_TIMER = 8;
  /** Values for the FADT's ACPI_ENABLE and ACPI_DISABLE. */
  public static final int ACPI_ENABLE = 0xF1;
  public static final int ACPI_DISABLE = 0xF0;
  public AcpiPm(InterruptLine sci, Clock clock, Runnable powerOff) {}
  /** Ports 0xB2-0xB3. */
  public BusDevice smiCommand() { return null; }
  public void pressPowerButton() {}
  @Override public long read(long offset, int size) { return -1; }
  @Override public void write(long offset, int size, long value) {}
  public record State() {}
  @Override public State state() { return new State(); }
  @Override public void restore(State state) {}
  @Override public void reset() {}
}
