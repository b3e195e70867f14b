package lodge.devices.virtio;

import java.util.ArrayDeque;
import java.util.List;
import lodge.core.GuestMemory;

/** The driver's side of a virtqueue, which writes rings as a guest's driver does. */
abstract class DriverQueue {
  record Piece(long gpa, int length, boolean write) {}

  /**
   * @param token what {@link #add} returned
   */
  record Used(int token, long written) {}

  final GuestMemory memory;
  final QueueLayout layout;
  final boolean eventIndex;

  private final long tables;
  private final ArrayDeque<Integer> freeTables = new ArrayDeque<>();

  /** Its queue lies at a place, together with indirect tables of 16 descriptors each. */
  DriverQueue(GuestMemory memory, long gpa, int size, long features) {
    this(memory, new QueueLayout(size, gpa, gpa + 16L * size, gpa + 20L * size + 32), features);
  }

  DriverQueue(GuestMemory memory, QueueLayout layout, long features) {
    this.memory = memory;
    this.eventIndex = (features & Features.EVENT_IDX) != 0;
    this.layout = layout;
    long gpa = layout.descriptors();
    int size = layout.size();
    this.tables = gpa + 0x1_0000;
    memory.fill(gpa, 0x1_0000, (byte) 0);
    for (int i = 0; i < size; i++) {
      freeTables.add(i);
    }
  }

  static DriverQueue of(GuestMemory memory, long gpa, int size, long features) {
    return (features & Features.RING_PACKED) != 0
        ? new PackedDriver(memory, gpa, size, features)
        : new SplitDriver(memory, gpa, size, features);
  }

  /** Writes an indirect table. @return where it is */
  long table(int number, List<Piece> pieces, boolean split) {
    long table = tables + 256L * number;
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      long at = table + 16L * i;
      memory.putLong(at, piece.gpa);
      memory.putInt(at + 8, piece.length);
      int write = piece.write ? Virtqueue.WRITE : 0;
      if (split) {
        boolean last = i == pieces.size() - 1;
        memory.putShort(at + 12, (short) (write | (last ? 0 : Virtqueue.NEXT)));
        memory.putShort(at + 14, (short) (i + 1));
      } else {
        memory.putShort(at + 12, (short) 0);
        memory.putShort(at + 14, (short) write);
      }
    }
    return table;
  }

  final int allocateTable() {
    return freeTables.remove();
  }

  final void freeTable(int number) {
    freeTables.add(number);
  }

  /** How many descriptors are free. */
  abstract int free();

  /** Makes a buffer available. @return its token, below the queue's size */
  abstract int add(List<Piece> pieces, boolean indirect);

  /** Whether the device wants to be notified of what was added since this was last asked. */
  abstract boolean kick();

  /** The next used buffer, or null. */
  abstract Used poll();

  /** Asks for an interrupt at the next used buffer, or with {@code false} for none. */
  abstract void interrupts(boolean wanted);
}
