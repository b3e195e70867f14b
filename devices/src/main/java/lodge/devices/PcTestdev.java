package lodge.devices;

import java.util.Arrays;
import java.util.List;
import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * QEMU's pc-testdev (QEMU hw/misc/pc-testdev.c), with which guest programs test a machine: a 32-bit
 * latch that two groups of ports show, a port that flushes a page from the host's mappings, ports
 * that set interrupt lines, and memory behind the memory bus.
 */
public final class PcTestdev implements Stateful<PcTestdev.State> {
  /** The latch, in accesses of 8, 16 and 32 bits. */
  public static final int LATCH_PORT = 0xE0;

  /** The latch once more, byte by byte. */
  public static final int LATCH_BYTES_PORT = 0xE8;

  /** Ports of the latch at either place. */
  public static final int LATCH_LENGTH = 4;

  public static final int FLUSH_PORT = 0xE4;
  public static final int FLUSH_LENGTH = 4;

  /** Port {@code LINES_PORT + n} sets interrupt line n. */
  public static final int LINES_PORT = 0x2000;

  public static final int LINES = 24;
  public static final long MEMORY_BASE = 0xFF00_0000L;
  public static final int MEMORY_LENGTH = 0x1_0000;

  private final List<InterruptLine> lines;
  private final byte[] memory = new byte[MEMORY_LENGTH];
  private int latch;
  private int levels;

  /** {@code levels}: a bit for each asserted line; {@code memory}: all 64 KiB. */
  public record State(int latch, int levels, byte[] memory) {
    /** Copies the memory. */
    public State {
      memory = memory.clone();
    }
  }

  /**
   * @param lines {@link #LINES} wires, that of ISA interrupt 0 first; called with this device's
   *     lock held
   */
  public PcTestdev(List<InterruptLine> lines) {
    if (lines.size() != LINES) {
      throw new IllegalArgumentException(lines.size() + " interrupt lines");
    }
    this.lines = List.copyOf(lines);
  }

  /** For {@link #LATCH_PORT} and {@link #LATCH_BYTES_PORT}. */
  public BusDevice latch() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        if (offset < 0 || offset > LATCH_LENGTH - size) {
          return -1;
        }
        synchronized (PcTestdev.this) {
          return latch >>> 8 * (int) offset;
        }
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset >= 0 && offset <= LATCH_LENGTH - size) {
          int shift = 8 * (int) offset;
          int mask = -1 >>> 32 - 8 * size << shift;
          synchronized (PcTestdev.this) {
            latch = latch & ~mask | (int) value << shift & mask;
          }
        }
      }
    };
  }

  /**
   * For {@link #FLUSH_PORT}: takes a page's address. A guest cannot see whether the host has mapped
   * its pages, so there is nothing to do.
   */
  public BusDevice flush() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return 0;
      }

      @Override
      public void write(long offset, int size, long value) {}
    };
  }

  /** For {@link #LINES_PORT}: anything but 0 asserts the line. */
  public BusDevice lines() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return -1;
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset >= 0 && offset < LINES) {
          synchronized (PcTestdev.this) {
            set((int) offset, (value & 0xFF) != 0);
          }
        }
      }
    };
  }

  private void set(int line, boolean level) {
    levels = level ? levels | 1 << line : levels & ~(1 << line);
    lines.get(line).set(level);
  }

  /** For {@link #MEMORY_BASE}: what was written can be read. */
  public BusDevice memory() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        if (offset < 0 || offset > MEMORY_LENGTH - size) {
          return -1;
        }
        long value = 0;
        synchronized (PcTestdev.this) {
          for (int i = 0; i < size; i++) {
            value |= (memory[(int) offset + i] & 0xFFL) << 8 * i;
          }
        }
        return value;
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset >= 0 && offset <= MEMORY_LENGTH - size) {
          synchronized (PcTestdev.this) {
            for (int i = 0; i < size; i++) {
              memory[(int) offset + i] = (byte) (value >>> 8 * i);
            }
          }
        }
      }
    };
  }

  @Override
  public synchronized State state() {
    return new State(latch, levels, memory);
  }

  @Override
  public synchronized void restore(State state) {
    if (state.memory.length != MEMORY_LENGTH || state.levels >>> LINES != 0) {
      throw new IllegalArgumentException("not the state of a pc-testdev");
    }
    latch = state.latch;
    System.arraycopy(state.memory, 0, memory, 0, MEMORY_LENGTH);
    drive(state.levels);
  }

  @Override
  public synchronized void reset() {
    latch = 0;
    Arrays.fill(memory, (byte) 0);
    drive(0);
  }

  /** Touches only lines that change: other devices share them. */
  private void drive(int newLevels) {
    int changed = levels ^ newLevels;
    for (int line = 0; line < LINES; line++) {
      if ((changed >> line & 1) != 0) {
        set(line, (newLevels >> line & 1) != 0);
      }
    }
  }
}
