package lodge.core;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What stands behind a disk of the guest: an array of bytes that outlives it. Any thread may call;
 * requests that overlap in time and place may take effect in any order.
 *
 * <p>Offsets and lengths are in bytes, inside {@link #size}; whoever passes others gets an {@link
 * IllegalArgumentException}. Devices check what the guest asks for before they come here.
 */
public interface BlockBackend extends AutoCloseable {
  /** In bytes. */
  long size();

  boolean readOnly();

  /**
   * Whether writes wait for a {@link #flush}; without a cache each is durable when it is done, and
   * the guest is told so.
   */
  default boolean writeCache() {
    return true;
  }

  /** Fills what remains of a buffer. */
  void read(long offset, ByteBuffer into) throws IOException;

  /** Stores what remains of a buffer. It is durable after the next {@link #flush}. */
  void write(long offset, ByteBuffer from) throws IOException;

  /** Returns when everything that was written before is durable. */
  void flush() throws IOException;

  /** The content is no longer needed; what is read there afterwards is up to the backend. */
  void discard(long offset, long length) throws IOException;

  /**
   * Zeroes are read there afterwards.
   *
   * @param mayUnmap no space need be kept for them
   */
  void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException;

  /**
   * Whether small requests are mostly answered out of the host's memory, in less time than it takes
   * to hand them to another thread: then a device may make them in a processor's thread, which
   * nobody interrupts.
   */
  default boolean answersAtOnce() {
    return false;
  }

  /** The machine ends: requests that wait for more than the medium's answer fail from now on. */
  default void abandon() {}

  @Override
  void close() throws IOException;
}
