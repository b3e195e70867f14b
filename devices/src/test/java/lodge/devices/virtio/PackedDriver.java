package lodge.devices.virtio;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.List;

final class PackedDriver extends DriverQueue {
  private static final int AVAILABLE = 1 << 7;
  private static final int USED = 1 << 15;

  private final ArrayDeque<Integer> ids = new ArrayDeque<>();
  private final int[] counts;
  private final int[] indirect;
  private int next;
  private boolean wrap = true;
  private int added;
  private int free;
  private int seen;
  private boolean seenWrap = true;

  PackedDriver(lodge.core.GuestMemory memory, long gpa, int size, long features) {
    super(memory, gpa, size, features);
    counts = new int[size];
    indirect = new int[size];
    free = size;
    for (int i = 0; i < size; i++) {
      ids.add(i);
    }
  }

  @Override
  int free() {
    return free;
  }

  @Override
  int add(List<Piece> pieces, boolean useTable) {
    int id = ids.remove();
    counts[id] = useTable ? 1 : pieces.size();
    indirect[id] = -1;
    long first = layout.descriptors() + 16L * next;
    int firstFlags = 0;
    for (int i = 0; i < counts[id]; i++) {
      long at = layout.descriptors() + 16L * next;
      int flags = wrap ? AVAILABLE : USED;
      if (useTable) {
        indirect[id] = allocateTable();
        memory.putLong(at, table(indirect[id], pieces, false));
        memory.putInt(at + 8, 16 * pieces.size());
        flags |= Virtqueue.INDIRECT;
      } else {
        Piece piece = pieces.get(i);
        memory.putLong(at, piece.gpa());
        memory.putInt(at + 8, piece.length());
        flags |= piece.write() ? Virtqueue.WRITE : 0;
        flags |= i < counts[id] - 1 ? Virtqueue.NEXT : 0;
      }
      memory.putShort(at + 12, (short) id);
      if (i == 0) {
        firstFlags = flags;
      } else {
        memory.putShort(at + 14, (short) flags);
      }
      if (++next == layout.size()) {
        next = 0;
        wrap = !wrap;
      }
    }
    VarHandle.releaseFence();
    memory.putShort(first + 14, (short) firstFlags);
    free -= counts[id];
    added += counts[id];
    return id;
  }

  @Override
  boolean kick() {
    VarHandle.fullFence();
    int count = added;
    added = 0;
    int mode = memory.getShort(layout.device() + 2) & 3;
    if (mode != 2) {
      return mode == 0;
    }
    int event = memory.getShort(layout.device());
    int place = event & 0x7FFF;
    if ((event & 0x8000) != 0 != wrap) {
      place -= layout.size();
    }
    return Virtqueue.passes(place, next, next - count);
  }

  @Override
  Used poll() {
    long at = layout.descriptors() + 16L * seen;
    int flags = memory.getShort(at + 14);
    if ((flags & AVAILABLE) != 0 != seenWrap || (flags & USED) != 0 != seenWrap) {
      return null;
    }
    VarHandle.acquireFence();
    int id = memory.getShort(at + 12) & 0xFFFF;
    long written = memory.getInt(at + 8) & 0xFFFF_FFFFL;
    seen += counts[id];
    if (seen >= layout.size()) {
      seen -= layout.size();
      seenWrap = !seenWrap;
    }
    free += counts[id];
    ids.add(id);
    if (indirect[id] >= 0) {
      freeTable(indirect[id]);
    }
    return new Used(id, written);
  }

  @Override
  void interrupts(boolean wanted) {
    if (wanted && eventIndex) {
      memory.putShort(layout.driver(), (short) (seen | (seenWrap ? 0x8000 : 0)));
      VarHandle.releaseFence();
      memory.putShort(layout.driver() + 2, (short) 2);
    } else {
      memory.putShort(layout.driver() + 2, (short) (wanted ? 0 : 1));
    }
    VarHandle.fullFence();
  }
}
