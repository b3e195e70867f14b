package lodge.devices.virtio;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.List;

final class SplitDriver extends DriverQueue {
  private final ArrayDeque<Integer> freeDescriptors = new ArrayDeque<>();
  private final int[][] chains;
  private final int[] indirect;
  private int available;
  private int kicked;
  private int seen;

  SplitDriver(lodge.core.GuestMemory memory, long gpa, int size, long features) {
    this(memory, new QueueLayout(size, gpa, gpa + 16L * size, gpa + 20L * size + 32), features);
  }

  SplitDriver(lodge.core.GuestMemory memory, QueueLayout layout, long features) {
    super(memory, layout, features);
    int size = layout.size();
    chains = new int[size][];
    indirect = new int[size];
    for (int i = 0; i < size; i++) {
      freeDescriptors.add(i);
    }
  }

  @Override
  int free() {
    return freeDescriptors.size();
  }

  @Override
  int add(List<Piece> pieces, boolean useTable) {
    int size = layout.size();
    int count = useTable ? 1 : pieces.size();
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = freeDescriptors.remove();
    }
    int head = numbers[0];
    chains[head] = numbers;
    indirect[head] = -1;
    if (useTable) {
      indirect[head] = allocateTable();
      describe(
          head,
          table(indirect[head], pieces, true),
          16 * pieces.size(),
          Virtqueue.INDIRECT,
          0xFFFF);
    } else {
      for (int i = 0; i < count; i++) {
        Piece piece = pieces.get(i);
        boolean last = i == count - 1;
        describe(
            numbers[i],
            piece.gpa(),
            piece.length(),
            (piece.write() ? Virtqueue.WRITE : 0) | (last ? 0 : Virtqueue.NEXT),
            last ? 0xFFFF : numbers[i + 1]);
      }
    }
    memory.putShort(layout.driver() + 4 + 2L * (available % size), (short) head);
    VarHandle.releaseFence();
    available = available + 1 & 0xFFFF;
    memory.putShort(layout.driver() + 2, (short) available);
    return head;
  }

  void describe(int number, long gpa, int length, int flags, int next) {
    long at = layout.descriptors() + 16L * number;
    memory.putLong(at, gpa);
    memory.putInt(at + 8, length);
    memory.putShort(at + 12, (short) flags);
    memory.putShort(at + 14, (short) next);
  }

  /** Makes available whatever is in a descriptor. */
  void offer(int head) {
    memory.putShort(layout.driver() + 4 + 2L * (available % layout.size()), (short) head);
    available = available + 1 & 0xFFFF;
    memory.putShort(layout.driver() + 2, (short) available);
  }

  @Override
  boolean kick() {
    VarHandle.fullFence();
    int before = kicked;
    kicked = available;
    if (eventIndex) {
      int event = memory.getShort(layout.device() + 4 + 8L * layout.size());
      return Virtqueue.passes(event, available, before);
    }
    return (memory.getShort(layout.device()) & 1) == 0;
  }

  @Override
  Used poll() {
    if ((memory.getShort(layout.device() + 2) & 0xFFFF) == seen) {
      return null;
    }
    VarHandle.acquireFence();
    long element = layout.device() + 4 + 8L * (seen % layout.size());
    int head = memory.getInt(element);
    long written = memory.getInt(element + 4) & 0xFFFF_FFFFL;
    seen = seen + 1 & 0xFFFF;
    for (int number : chains[head]) {
      freeDescriptors.add(number);
    }
    chains[head] = null;
    if (indirect[head] >= 0) {
      freeTable(indirect[head]);
    }
    return new Used(head, written);
  }

  @Override
  void interrupts(boolean wanted) {
    if (eventIndex) {
      int event = wanted ? seen : seen - 1;
      memory.putShort(layout.driver() + 4 + 2L * layout.size(), (short) event);
    } else {
      memory.putShort(layout.driver(), (short) (wanted ? 0 : 1));
    }
    VarHandle.fullFence();
  }
}
