package lodge.machine.boot;

import java.util.ArrayList;
import java.util.List;
import lodge.core.GuestMemory;

/**
 * What lies where in guest-physical memory, as the BIOS call INT 15h E820h would tell it (ACPI 6.5,
 * section 15).
 *
 * @param entries in ascending order, without overlaps; addresses that no entry covers are not
 *     memory
 * @param lowRamEnd end (exclusive) of the RAM below 4 GiB
 */
public record MemoryMap(List<Entry> entries, long lowRamEnd) {
  /**
   * Where memory below 1 MiB that the guest may use ends; a BIOS keeps its extended data area
   * above.
   */
  public static final long LOW_END = 0x9_FC00L;

  /** Firmware area: the ACPI tables lie here. */
  public static final long FIRMWARE_START = 0xE_0000L;

  public static final long FIRMWARE_END = 0x10_0000L;

  /** Kernels go to this address or above. */
  public static final long HIGH_START = 0x10_0000L;

  /** What an entry is; {@link #code} is the number in E820 maps. */
  public enum Type {
    USABLE(1),
    RESERVED(2);

    private final int code;

    Type(int code) {
      this.code = code;
    }

    public int code() {
      return code;
    }
  }

  /** Range {@code [start, start + length)}. */
  public record Entry(long start, long length, Type type) {
    static Entry between(long start, long end, Type type) {
      return new Entry(start, end - start, type);
    }

    public long end() {
      return start + length;
    }
  }

  public MemoryMap {
    entries = List.copyOf(entries);
  }

  /**
   * The map of a machine with this much RAM, laid out as {@link GuestMemory} does.
   *
   * @param ramSize bytes, at least 2 MiB
   */
  public static MemoryMap of(long ramSize) {
    long lowRamEnd = Math.min(ramSize, GuestMemory.LOW_RAM_LIMIT);
    List<Entry> entries = new ArrayList<>();
    entries.add(Entry.between(0, LOW_END, Type.USABLE));
    entries.add(Entry.between(LOW_END, GuestMemory.VIDEO_START, Type.RESERVED));
    entries.add(Entry.between(FIRMWARE_START, FIRMWARE_END, Type.RESERVED));
    entries.add(Entry.between(HIGH_START, lowRamEnd, Type.USABLE));
    if (ramSize > lowRamEnd) {
      entries.add(new Entry(GuestMemory.HIGH_RAM_START, ramSize - lowRamEnd, Type.USABLE));
    }
    return new MemoryMap(entries, lowRamEnd);
  }
}
