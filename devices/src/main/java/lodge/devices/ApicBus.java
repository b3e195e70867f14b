package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class ApicBus implements InterruptMessageSink {
  public ApicBus() {}
  public void onEndOfInterrupt(IntConsumer action) {}
  @Override public void deliver(int destination, boolean logical, int deliveryMode, int vector, boolean level, boolean assertFlag) {}
}
