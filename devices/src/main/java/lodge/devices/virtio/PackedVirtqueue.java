package lodge.devices.virtio;

import java.lang.invoke.VarHandle;
import lodge.core.GuestMemory;

/**
 * A queue of one ring, in which used descriptors replace available ones (virtio 1.3, 2.8). Two
 * flags of a descriptor tell whose it is, by comparison with a wrap counter that changes with each
 * round.
 */
final class PackedVirtqueue extends Virtqueue {
  private static final int AVAILABLE = 1 << 7;
  private static final int USED = 1 << 15;

  // Event suppression: a place in the ring with its wrap counter, then flags
  private static final int EVENT_FLAGS = 2;
  private static final short ENABLE = 0;
  private static final int DISABLE = 1;
  private static final short AT_DESCRIPTOR = 2;
  private static final int WRAP = 1 << 15;

  private int nextAvailable;
  private boolean availableWrap = true;
  private int nextUsed;
  private boolean usedWrap = true;

  /** Descriptors of the chains that were taken and not yet given back. */
  private int taken;

  PackedVirtqueue(GuestMemory memory, QueueLayout layout, long features, Listener listener) {
    super(memory, layout, features, listener);
  }

  private long place(int index) {
    return layout.descriptors() + (long) DESCRIPTOR_BYTES * index;
  }

  private boolean waiting() {
    int flags = memory.getShort(place(nextAvailable) + 14);
    return (flags & AVAILABLE) != 0 == availableWrap && (flags & USED) != 0 != availableWrap;
  }

  @Override
  DescriptorChain next() throws BrokenRing {
    if (!waiting()) {
      return null;
    }
    // What the driver wrote before it made the first descriptor available is seen from here on.
    VarHandle.acquireFence();
    if (taken == size) {
      throw new BrokenRing(QueueError.DESCRIPTOR_IN_USE);
    }
    ChainBuilder builder = new ChainBuilder(memory);
    int index = nextAvailable;
    boolean wrap = availableWrap;
    int count = 0;
    int flags;
    int id;
    do {
      if (count == size - taken) {
        throw new BrokenRing(QueueError.CHAIN_LENGTH);
      }
      long at = place(index);
      id = memory.getShort(at + 12) & 0xFFFF;
      flags = memory.getShort(at + 14);
      add(builder, at, flags);
      count++;
      if (++index == size) {
        index = 0;
        wrap = !wrap;
      }
    } while ((flags & NEXT) != 0);
    nextAvailable = index;
    availableWrap = wrap;
    taken += count;
    return builder.chain(this, id, count);
  }

  private void add(ChainBuilder builder, long at, int flags) throws BrokenRing {
    long gpa = memory.getLong(at);
    long length = memory.getInt(at + 8) & 0xFFFF_FFFFL;
    if ((flags & INDIRECT) == 0) {
      builder.add(gpa, length, (flags & WRITE) != 0);
      return;
    }
    int entries = indirectEntries(gpa, length, flags);
    for (int i = 0; i < entries; i++) {
      long entry = gpa + (long) DESCRIPTOR_BYTES * i;
      int entryFlags = memory.getShort(entry + 14);
      if ((entryFlags & INDIRECT) != 0) {
        throw new BrokenRing(QueueError.INDIRECT_NESTED);
      }
      builder.add(
          memory.getLong(entry),
          memory.getInt(entry + 8) & 0xFFFF_FFFFL,
          (entryFlags & WRITE) != 0);
    }
  }

  @Override
  boolean use(DescriptorChain chain) {
    taken -= chain.descriptors;
    long at = place(nextUsed);
    memory.putInt(at + 8, (int) chain.written);
    memory.putShort(at + 12, (short) chain.id);
    VarHandle.releaseFence();
    int flags = (usedWrap ? AVAILABLE | USED : 0) | (chain.written != 0 ? WRITE : 0);
    memory.putShort(at + 14, (short) flags);
    memory.codeWatch().written(at, DESCRIPTOR_BYTES);
    nextUsed += chain.descriptors;
    if (nextUsed >= size) {
      nextUsed -= size;
      usedWrap = !usedWrap;
    }
    // The flags are seen before the look at what the driver wants: one of both sides sees the
    // other.
    VarHandle.fullFence();
    return wanted(chain.descriptors);
  }

  /** Whether the driver wants an interrupt for the last so many descriptors. */
  private boolean wanted(int descriptors) {
    int mode = memory.getShort(layout.driver() + EVENT_FLAGS) & 3;
    if (mode != AT_DESCRIPTOR || !eventIndex) {
      return mode != DISABLE;
    }
    int event = memory.getShort(layout.driver());
    int place = event & WRAP - 1;
    boolean thisRound = (event & WRAP) != 0 == usedWrap;
    return passes(thisRound ? place : place - size, nextUsed, nextUsed - descriptors);
  }

  @Override
  boolean enable() {
    if (eventIndex) {
      tell(0, (short) available());
      VarHandle.releaseFence();
      tell(EVENT_FLAGS, AT_DESCRIPTOR);
    } else {
      tell(EVENT_FLAGS, ENABLE);
    }
    VarHandle.fullFence();
    return waiting();
  }

  private void tell(int offset, short value) {
    memory.putShort(layout.device() + offset, value);
    memory.codeWatch().written(layout.device() + offset, 2);
  }

  @Override
  int available() {
    return nextAvailable | (availableWrap ? WRAP : 0);
  }

  @Override
  int used() {
    return nextUsed | (usedWrap ? WRAP : 0);
  }

  @Override
  void moveTo(int available, int used) {
    nextAvailable = (available & WRAP - 1) % size;
    availableWrap = (available & WRAP) != 0;
    nextUsed = (used & WRAP - 1) % size;
    usedWrap = (used & WRAP) != 0;
  }
}
