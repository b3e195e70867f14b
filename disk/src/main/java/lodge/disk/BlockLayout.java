package lodge.disk;

import java.nio.ByteBuffer;

/** How a file of another program's format holds a disk: in blocks of one size. */
interface BlockLayout {
  /** In place of a place: the block reads as zeroes, because the file says so. */
  long ZERO = -1;

  /** In place of a place: the file has nothing for the block. */
  long UNALLOCATED = -2;

  /** Of the disk, in bytes. */
  long size();

  /** In bytes, a power of two. */
  int blockSize();

  /** Where the file has a block, counted from 0, or one of the constants. */
  long place(long block) throws DiskException;

  /** Whether blocks are in the file as the guest reads them; else {@link #read} is needed. */
  default boolean isPlain() {
    return true;
  }

  /** Fills a buffer with what is at a place in a block that is not plain. */
  default void read(long place, int within, ByteBuffer into) throws DiskException {
    throw new UnsupportedOperationException();
  }

  /** Nobody reads any more. */
  default void close() {}
}
