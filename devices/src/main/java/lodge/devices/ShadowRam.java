package lodge.devices;

import java.util.Arrays;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.Stateful;

/**
 * Memory from 768 KiB to 1 MiB, where firmware hides its ROM behind RAM (82441FX data sheet,
 * 3.2.16, programmable attribute map): for each segment, reads come from the ROM or from RAM, and
 * writes go to RAM or nowhere.
 *
 * <p>What is read is in guest memory, the other one is kept here; so the processors fetch from both
 * alike. On the bus this is where stores arrive while guest memory does not take them.
 */
public final class ShadowRam implements BusDevice, Stateful<ShadowRam.State> {
  public static final long START = 0xC_0000;
  public static final int LENGTH = 0x4_0000;

  /** Twelve segments of 16 KiB and, as the last one, 64 KiB. */
  public static final int SEGMENTS = 13;

  private static final int SEGMENT_SHIFT = 14;
  private static final byte EMPTY_BUS = (byte) 0xFF;

  private final GuestMemory memory;
  private final byte[] rom = new byte[LENGTH];
  private final byte[] hidden = new byte[LENGTH];
  private int readsRam;
  private int writesRam;

  /**
   * @param readsRam the set of segments that are read from RAM
   * @param writesRam the set of those whose writes go to RAM
   * @param hidden what the guest does not read: RAM where it reads ROM, and the other way round
   */
  public record State(int readsRam, int writesRam, byte[] hidden) {
    /** Copies the bytes. */
    public State {
      hidden = hidden.clone();
    }
  }

  /**
   * @param rom ends at 1 MiB; of a longer one its last 256 KiB are here, in front of a shorter one
   *     nobody answers
   */
  public ShadowRam(GuestMemory memory, byte[] rom) {
    this.memory = memory;
    int length = Math.min(rom.length, LENGTH);
    Arrays.fill(this.rom, EMPTY_BUS);
    System.arraycopy(rom, rom.length - length, this.rom, LENGTH - length, length);
    reset();
  }

  /**
   * Chooses what a segment is.
   *
   * @param segment 0 to 12
   * @param fromRam reads come from RAM, not from the ROM
   * @param toRam writes go to RAM
   */
  public synchronized void set(int segment, boolean fromRam, boolean toRam) {
    int bit = 1 << segment;
    int start = segment << SEGMENT_SHIFT;
    int length = length(segment);
    if (fromRam != ((readsRam & bit) != 0)) {
      readsRam ^= bit;
      exchange(start, length);
    }
    if (toRam != ((writesRam & bit) != 0)) {
      writesRam ^= bit;
    }
    memory.setWritable(START + start, length, fromRam && toRam);
  }

  private static int length(int segment) {
    return segment == SEGMENTS - 1 ? 4 << SEGMENT_SHIFT : 1 << SEGMENT_SHIFT;
  }

  private void exchange(int start, int length) {
    byte[] seen = new byte[length];
    memory.get(START + start, seen, 0, length);
    memory.put(START + start, hidden, start, length);
    System.arraycopy(seen, 0, hidden, start, length);
    memory.codeWatch().written(START + start, length);
  }

  @Override
  public synchronized long read(long offset, int size) {
    return -1;
  }

  /** A store that guest memory does not take. */
  @Override
  public synchronized void write(long offset, int size, long value) {
    for (int i = 0; i < size; i++) {
      long at = offset + i;
      if (at >= 0 && at < LENGTH && (writesRam & ~readsRam & bitOf((int) at)) != 0) {
        hidden[(int) at] = (byte) (value >>> 8 * i);
      }
    }
  }

  private static int bitOf(int offset) {
    return 1 << Math.min(offset >> SEGMENT_SHIFT, SEGMENTS - 1);
  }

  @Override
  public synchronized State state() {
    return new State(readsRam, writesRam, hidden);
  }

  /** Guest memory is restored by who saved it. */
  @Override
  public synchronized void restore(State state) {
    if (state.hidden.length != LENGTH || (state.readsRam | state.writesRam) >>> SEGMENTS != 0) {
      throw new IllegalArgumentException("not the state of shadow RAM");
    }
    readsRam = state.readsRam;
    writesRam = state.writesRam;
    System.arraycopy(state.hidden, 0, hidden, 0, LENGTH);
    for (int segment = 0; segment < SEGMENTS; segment++) {
      boolean ram = (readsRam & writesRam & 1 << segment) != 0;
      memory.setWritable(START + ((long) segment << SEGMENT_SHIFT), length(segment), ram);
    }
  }

  /** The ROM is read, and nothing is written; RAM behind it is empty. */
  @Override
  public synchronized void reset() {
    readsRam = 0;
    writesRam = 0;
    Arrays.fill(hidden, (byte) 0);
    memory.put(START, rom, 0, LENGTH);
    memory.setWritable(START, LENGTH, false);
    memory.codeWatch().written(START, LENGTH);
  }
}
