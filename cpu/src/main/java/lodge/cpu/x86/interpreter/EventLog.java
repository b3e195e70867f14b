package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Vector;

/** The last exceptions, for the dump after a triple fault. */
final class EventLog {
  private static final int LENGTH = 16;

  private final int[] vectors = new int[LENGTH];
  private final int[] errorCodes = new int[LENGTH];
  private final long[] rips = new long[LENGTH];
  private final long[] cr2s = new long[LENGTH];
  private long count;

  void add(int vector, int errorCode, long rip, long cr2) {
    int i = (int) (count++ % LENGTH);
    vectors[i] = vector;
    errorCodes[i] = errorCode;
    rips[i] = rip;
    cr2s[i] = cr2;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Last exceptions, oldest first:\n");
    for (long n = Math.max(0, count - LENGTH); n < count; n++) {
      int i = (int) (n % LENGTH);
      text.append(String.format("  vector %d at %016x", vectors[i], rips[i]));
      if (errorCodes[i] != CpuException.NO_ERROR_CODE) {
        text.append(String.format(" error %x", errorCodes[i]));
      }
      if (vectors[i] == Vector.PF) {
        text.append(String.format(" address %016x", cr2s[i]));
      }
      text.append('\n');
    }
    return text.toString();
  }
}
