package lodge.devices.virtio;

import java.lang.invoke.VarHandle;
import java.util.BitSet;
import lodge.core.GuestMemory;

/** A queue of three parts: descriptor table, available ring and used ring (virtio 1.3, 2.7). */
final class SplitVirtqueue extends Virtqueue {
  private static final int NO_INTERRUPT = 1;

  // Both rings begin with flags and index.
  private static final int INDEX = 2;
  private static final int RING = 4;
  private static final int USED_BYTES = 8;

  private final long availableFlags;
  private final long availableIndex;
  private final long availableRing;
  private final long usedEvent;
  private final long usedFlags;
  private final long usedIndex;
  private final long usedRing;
  private final long availableEvent;

  /** Heads of the chains that were taken and not yet given back. */
  private final BitSet heads;

  private int nextAvailable;
  private int nextUsed;

  SplitVirtqueue(GuestMemory memory, QueueLayout layout, long features, Listener listener) {
    super(memory, layout, features, listener);
    heads = new BitSet(size);
    availableFlags = layout.driver();
    availableIndex = layout.driver() + INDEX;
    availableRing = layout.driver() + RING;
    usedEvent = availableRing + 2L * size;
    usedFlags = layout.device();
    usedIndex = layout.device() + INDEX;
    usedRing = layout.device() + RING;
    availableEvent = usedRing + (long) USED_BYTES * size;
  }

  @Override
  DescriptorChain next() throws BrokenRing {
    int waiting = waiting();
    if (waiting == 0) {
      return null;
    }
    if (waiting > size) {
      throw new BrokenRing(QueueError.AVAILABLE_INDEX);
    }
    // What the driver wrote before it moved its index is seen from here on.
    VarHandle.acquireFence();
    int head = memory.getShort(availableRing + 2L * (nextAvailable & size - 1)) & 0xFFFF;
    if (head >= size) {
      throw new BrokenRing(QueueError.DESCRIPTOR_INDEX);
    }
    if (heads.get(head)) {
      throw new BrokenRing(QueueError.DESCRIPTOR_IN_USE);
    }
    ChainBuilder builder = new ChainBuilder(memory);
    walk(builder, layout.descriptors(), size, head, false);
    heads.set(head);
    nextAvailable = nextAvailable + 1 & 0xFFFF;
    return builder.chain(this, head, 1);
  }

  private int waiting() {
    return memory.getShort(availableIndex) - nextAvailable & 0xFFFF;
  }

  /** Follows a chain through its table, which no chain visits a descriptor of twice. */
  private void walk(ChainBuilder builder, long table, int entries, int first, boolean nested)
      throws BrokenRing {
    int index = first;
    for (int visited = 0; visited < entries; visited++) {
      if (index >= entries) {
        throw new BrokenRing(QueueError.DESCRIPTOR_INDEX);
      }
      long at = table + (long) DESCRIPTOR_BYTES * index;
      long gpa = memory.getLong(at);
      long length = memory.getInt(at + 8) & 0xFFFF_FFFFL;
      int flags = memory.getShort(at + 12);
      if ((flags & INDIRECT) != 0) {
        if (nested) {
          throw new BrokenRing(QueueError.INDIRECT_NESTED);
        }
        walk(builder, gpa, indirectEntries(gpa, length, flags), 0, true);
        return;
      }
      builder.add(gpa, length, (flags & WRITE) != 0);
      if ((flags & NEXT) == 0) {
        return;
      }
      index = memory.getShort(at + 14) & 0xFFFF;
    }
    throw new BrokenRing(QueueError.CHAIN_LENGTH);
  }

  @Override
  boolean use(DescriptorChain chain) {
    heads.clear(chain.id);
    long element = usedRing + (long) USED_BYTES * (nextUsed & size - 1);
    memory.putInt(element, chain.id);
    memory.putInt(element + 4, (int) chain.written);
    memory.codeWatch().written(element, USED_BYTES);
    int before = nextUsed;
    nextUsed = nextUsed + 1 & 0xFFFF;
    VarHandle.releaseFence();
    memory.putShort(usedIndex, (short) nextUsed);
    memory.codeWatch().written(usedIndex, 2);
    // The index is seen before the look at what the driver wants: one of both sides sees the other.
    VarHandle.fullFence();
    return eventIndex
        ? passes(memory.getShort(usedEvent), nextUsed, before)
        : (memory.getShort(availableFlags) & NO_INTERRUPT) == 0;
  }

  @Override
  boolean enable() {
    if (eventIndex) {
      tell(availableEvent, (short) nextAvailable);
    } else {
      tell(usedFlags, (short) 0);
    }
    VarHandle.fullFence();
    return waiting() != 0;
  }

  private void tell(long gpa, short value) {
    memory.putShort(gpa, value);
    memory.codeWatch().written(gpa, 2);
  }

  @Override
  int available() {
    return nextAvailable;
  }

  @Override
  int used() {
    return nextUsed;
  }

  @Override
  void moveTo(int available, int used) {
    nextAvailable = available & 0xFFFF;
    nextUsed = used & 0xFFFF;
  }
}
