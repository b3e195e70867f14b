/**
 * Contracts and hot-path primitives that every other module rests on.
 *
 * <p>Lock order: a device's own lock, then an interrupt controller's lock, then the clock's lock.
 * No lock is held while a backend (disk, network, character stream) is called.
 */
package lodge.core;
