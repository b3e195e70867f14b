package lodge.devices.virtio;

/** Why a device stopped serving a queue: what its driver has done against the rules. */
public enum QueueError {
  /** The rings are not where rings can be: misaligned, overlapping, or not in RAM. */
  RING_PLACE,
  /** No split ring can be this large, or the device's queue is smaller. */
  RING_SIZE,
  /** More buffers were made available than the ring has room for. */
  AVAILABLE_INDEX,
  /** A descriptor's number is not below the size of its table. */
  DESCRIPTOR_INDEX,
  /** A buffer was made available again before the device had used it. */
  DESCRIPTOR_IN_USE,
  /** A chain visits its table's descriptors more than once, or has more of them than it may. */
  CHAIN_LENGTH,
  /** A chain's buffers have more than 4 GiB together. */
  CHAIN_BYTES,
  /** A buffer that the device reads comes after one that it writes. */
  READABLE_AFTER_WRITABLE,
  /** A buffer is not in RAM, or leaves it. */
  BUFFER_PLACE,
  /** An indirect descriptor, but the feature was not negotiated. */
  INDIRECT_NOT_NEGOTIATED,
  /** An indirect descriptor inside of an indirect table, or one that a chain goes on behind. */
  INDIRECT_NESTED,
  /** An indirect table is not in RAM, or its size is no whole number of descriptors. */
  INDIRECT_TABLE,
  /** A request that the device type knows lacks a part that the device cannot do without. */
  REQUEST_FORM
}
