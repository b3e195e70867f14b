package lodge.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Devices in guest-physical memory. Addresses that nobody owns read as all ones and ignore writes.
 * An access that is wider than its device takes is split into pieces of the widest size it takes.
 *
 * <p>Chips are mapped before the machine starts. What the guest itself places, such as the memory
 * of PCI functions, comes and goes while it runs, and is seen where nothing else is. Accesses come
 * from any vCPU thread.
 */
public final class MmioBus {
  private record Mapping(long base, long length, int maxSize, BusDevice device) {}

  /**
   * A place where a write of {@link #SIZE} bytes, whatever they are, rings at a device.
   *
   * @param offset of the place, as the device sees it
   */
  public record Doorbell(long gpa, BusDevice device, long offset) {
    public static final int SIZE = 2;

    /** As the guest's write does. */
    public void ring() {
      device.write(offset, SIZE, 0);
    }
  }

  private volatile Mapping[] mappings = {};
  private volatile Runnable doorbellsChanged = () -> {};

  /**
   * Gives {@code [base, base + length)} to a device.
   *
   * @param maxSize widest access the device takes: 1, 2, 4 or 8 bytes
   * @throws IllegalArgumentException when the range overlaps another one
   */
  public synchronized void map(long base, long length, int maxSize, BusDevice device) {
    for (Mapping other : mappings) {
      if (base < other.base + other.length && other.base < base + length) {
        throw new IllegalArgumentException(
            "memory range at 0x" + Long.toHexString(base) + " is taken");
      }
    }
    append(new Mapping(base, length, maxSize, device));
  }

  /**
   * Gives a range to a device as long as it is not moved again. Where others were before, they
   * stay.
   */
  public void move(long base, long length, int maxSize, BusDevice device) {
    synchronized (this) {
      takeFrom(device);
      append(new Mapping(base, length, maxSize, device));
    }
    tell(device);
  }

  /** Takes all its ranges from a device. */
  public void remove(BusDevice device) {
    synchronized (this) {
      takeFrom(device);
    }
    tell(device);
  }

  private void takeFrom(BusDevice device) {
    mappings = Arrays.stream(mappings).filter(m -> m.device != device).toArray(Mapping[]::new);
  }

  private void tell(BusDevice device) {
    if (device.doorbells().length > 0) {
      doorbellsChanged.run();
    }
  }

  /** The doorbells that the guest reaches at present. */
  public List<Doorbell> doorbells() {
    List<Doorbell> doorbells = new ArrayList<>();
    for (Mapping mapping : mappings) {
      for (long offset : mapping.device.doorbells()) {
        long gpa = mapping.base + offset;
        if (find(gpa, Doorbell.SIZE) == mapping) {
          doorbells.add(new Doorbell(gpa, mapping.device, offset));
        }
      }
    }
    return doorbells;
  }

  /**
   * Who listens to doorbells himself, so that writes to them do not come here: asked to look when
   * there are others.
   */
  public void onDoorbells(Runnable listener) {
    doorbellsChanged = listener;
  }

  private void append(Mapping mapping) {
    Mapping[] grown = Arrays.copyOf(mappings, mappings.length + 1);
    grown[mappings.length] = mapping;
    mappings = grown;
  }

  /**
   * @param gpa any 64-bit value
   * @param size 1, 2, 4 or 8
   * @return the value, zero-extended
   */
  public long read(long gpa, int size) {
    Mapping mapping = find(gpa, size);
    if (mapping == null) {
      return mask(size);
    }
    int piece = Math.min(size, mapping.maxSize);
    long value = 0;
    for (int i = 0; i < size; i += piece) {
      value |= (mapping.device.read(gpa - mapping.base + i, piece) & mask(piece)) << 8 * i;
    }
    return value;
  }

  public void write(long gpa, int size, long value) {
    Mapping mapping = find(gpa, size);
    if (mapping == null) {
      return;
    }
    int piece = Math.min(size, mapping.maxSize);
    for (int i = 0; i < size; i += piece) {
      mapping.device.write(gpa - mapping.base + i, piece, value >>> 8 * i & mask(piece));
    }
  }

  private Mapping find(long gpa, int size) {
    for (Mapping mapping : mappings) {
      long offset = gpa - mapping.base;
      if (offset >= 0 && offset <= mapping.length - size) {
        return mapping;
      }
    }
    return null;
  }

  private static long mask(int size) {
    return size == 8 ? -1 : (1L << 8 * size) - 1;
  }
}
