package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lodge.core.GuestMemory;

/**
 * Guest memory as KVM is to see it: a slot for each run of pages that are RAM, or that are ROM. The
 * holes have none, and what the guest does there comes to us. Used under the VM's lock.
 */
final class MemorySlots {
  private static final int LOG_DIRTY_PAGES = 1;
  private static final int READONLY = 2;

  /** Below is what changes between RAM and ROM; what lies above is not to be touched by that. */
  private static final long MIB = 1 << 20;

  private static final long SLOT = Structs.USERSPACE_MEMORY_REGION.offset("slot");
  private static final long FLAGS = Structs.USERSPACE_MEMORY_REGION.offset("flags");
  private static final long GPA = Structs.USERSPACE_MEMORY_REGION.offset("guest_phys_addr");
  private static final long SIZE = Structs.USERSPACE_MEMORY_REGION.offset("memory_size");
  private static final long ADDRESS = Structs.USERSPACE_MEMORY_REGION.offset("userspace_addr");

  private record Range(long gpa, long length, int flags) {}

  private final Fd vm;
  private final GuestMemory memory;
  private final MemorySegment region =
      Arena.ofAuto().allocate(Structs.USERSPACE_MEMORY_REGION.size(), 8);

  /** By their ranges the numbers of slots that KVM has. */
  private final Map<Range, Integer> slots = new LinkedHashMap<>();

  private final List<Integer> free = new ArrayList<>();
  private final int limit;
  private boolean logged;

  /**
   * @param limit so many slots there are
   */
  MemorySlots(Fd vm, GuestMemory memory, int limit) {
    this.vm = vm;
    this.memory = memory;
    this.limit = limit;
  }

  /** Tells KVM what has changed. */
  void update() {
    List<Range> ranges = ranges();
    if (ranges.size() > limit) {
      throw Obstacles.tooManySlots(ranges.size(), limit);
    }
    for (Range old : List.copyOf(slots.keySet())) {
      if (!ranges.contains(old)) {
        int slot = slots.remove(old);
        set(slot, old, 0);
        free.add(slot);
      }
    }
    for (Range range : ranges) {
      if (!slots.containsKey(range)) {
        int slot = free.isEmpty() ? slots.size() : free.removeLast();
        slots.put(range, slot);
        set(slot, range, range.length);
      }
    }
  }

  /** Takes all memory from KVM and gives it back. */
  void forget() {
    slots.forEach((range, slot) -> set(slot, range, 0));
    slots.forEach((range, slot) -> set(slot, range, range.length));
  }

  private void set(int slot, Range range, long length) {
    region.set(JAVA_INT, SLOT, slot);
    region.set(JAVA_INT, FLAGS, range.flags);
    region.set(JAVA_LONG, GPA, range.gpa);
    region.set(JAVA_LONG, SIZE, length);
    region.set(JAVA_LONG, ADDRESS, memory.segment().address() + range.gpa);
    vm.call(Ioctl.SET_USER_MEMORY_REGION, region);
  }

  private List<Range> ranges() {
    List<Range> ranges = new ArrayList<>();
    byte[] flags = memory.pageFlags();
    int from = 0;
    for (int page = 1; page <= flags.length; page++) {
      boolean ends =
          page == flags.length
              || kind(flags[page]) != kind(flags[from])
              || page == MIB >> GuestMemory.PAGE_SHIFT;
      if (ends) {
        add(ranges, from, page, kind(flags[from]));
        from = page;
      }
    }
    return ranges;
  }

  private static int kind(byte flags) {
    return flags & (GuestMemory.RAM | GuestMemory.ROM);
  }

  private void add(List<Range> ranges, int from, int to, int kind) {
    if (kind != 0) {
      long gpa = (long) from << GuestMemory.PAGE_SHIFT;
      long length = (long) (to - from) << GuestMemory.PAGE_SHIFT;
      boolean rom = kind == GuestMemory.ROM;
      ranges.add(new Range(gpa, length, rom ? READONLY : logged ? LOG_DIRTY_PAGES : 0));
    }
  }

  /** Has KVM list which pages of RAM the guest writes to, or not. */
  void log(boolean dirty) {
    logged = dirty;
    for (Range old : List.copyOf(slots.keySet())) {
      if (old.flags != READONLY) {
        Range range = new Range(old.gpa, old.length, dirty ? LOG_DIRTY_PAGES : 0);
        int slot = slots.remove(old);
        slots.put(range, slot);
        set(slot, range, range.length);
      }
    }
  }

  /**
   * Adds the pages that were written to since the last time.
   *
   * @param bitmap bit {@code n} stands for the page of frame number {@code n}
   */
  void collectDirty(BitSet bitmap) {
    slots.forEach(
        (range, slot) -> {
          if (range.flags == LOG_DIRTY_PAGES) {
            collectDirty(range, slot, bitmap);
          }
        });
  }

  private void collectDirty(Range range, int slot, BitSet bitmap) {
    try (Arena arena = Arena.ofConfined()) {
      long pages = range.length >>> GuestMemory.PAGE_SHIFT;
      long words = pages + 63 >>> 6;
      MemorySegment bits = arena.allocate(8 * words, 8);
      MemorySegment log = arena.allocate(Structs.DIRTY_LOG.size(), 8);
      log.set(JAVA_INT, Structs.DIRTY_LOG.offset("slot"), slot);
      log.set(JAVA_LONG, Structs.DIRTY_LOG.offset("dirty_bitmap"), bits.address());
      vm.call(Ioctl.GET_DIRTY_LOG, log);
      int first = (int) (range.gpa >>> GuestMemory.PAGE_SHIFT);
      for (long word = 0; word < words; word++) {
        long left = bits.getAtIndex(JAVA_LONG, word);
        for (; left != 0; left &= left - 1) {
          bitmap.set(first + (int) (word << 6) + Long.numberOfTrailingZeros(left));
        }
      }
    }
  }
}
