package lodge.devices;

import lodge.core.InterruptLine;

/** The far end of a wire: its level and how often it rose. */
final class Probe implements InterruptLine {
  boolean high;
  int edges;

  @Override
  public void set(boolean level) {
    if (level && !high) {
      edges++;
    }
    high = level;
  }
}
