/**
 * Virtual devices (OASIS Virtual I/O Device specification 1.3): virtqueues in guest memory, and who
 * serves them. Whatever the guest writes into a ring, nothing here throws, hangs or grows; a ring
 * that breaks the rules has a {@link lodge.devices.virtio.QueueError}.
 */
package lodge.devices.virtio;
