package lodge.devices.virtio;

import lodge.core.GuestMemory;

/**
 * Collects a chain's buffers while its descriptors are read, and refuses what no chain may have.
 */
final class ChainBuilder {
  /** More buffers than any driver puts into a chain; indirect tables would allow millions. */
  static final int MAX_BUFFERS = 1024;

  private static final long MAX_BYTES = 1L << 32;

  private final GuestMemory memory;
  private final GuestBuffer readable;
  private final GuestBuffer writable;
  private boolean writing;
  private int buffers;

  ChainBuilder(GuestMemory memory) {
    this.memory = memory;
    this.readable = new GuestBuffer(memory);
    this.writable = new GuestBuffer(memory);
  }

  void add(long gpa, long length, boolean write) throws BrokenRing {
    if (writing && !write) {
      throw new BrokenRing(QueueError.READABLE_AFTER_WRITABLE);
    }
    writing = write;
    if (++buffers > MAX_BUFFERS) {
      throw new BrokenRing(QueueError.CHAIN_LENGTH);
    }
    if (readable.length() + writable.length() + length > MAX_BYTES) {
      throw new BrokenRing(QueueError.CHAIN_BYTES);
    }
    if (length == 0) {
      return;
    }
    if (!memory.isRam(gpa, length)) {
      throw new BrokenRing(QueueError.BUFFER_PLACE);
    }
    (write ? writable : readable).add(gpa, length);
  }

  DescriptorChain chain(Virtqueue queue, int id, int descriptors) {
    return new DescriptorChain(queue, id, descriptors, readable, writable);
  }
}
