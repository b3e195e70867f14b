package lodge.cli;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import lodge.core.BlockBackend;

/** A disk of random bytes in memory. */
final class MemoryDisk implements BlockBackend {
  private final byte[] bytes;
  private final boolean readOnly;

  MemoryDisk(int size) {
    bytes = new byte[size];
    readOnly = false;
    new Random(size).nextBytes(bytes);
  }

  /** One that cannot be written to. */
  MemoryDisk(byte[] bytes) {
    this.bytes = bytes;
    readOnly = true;
  }

  synchronized byte[] part(int offset, int length) {
    return Arrays.copyOfRange(bytes, offset, offset + length);
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public synchronized void read(long offset, ByteBuffer into) {
    into.put(bytes, (int) offset, into.remaining());
  }

  @Override
  public synchronized void write(long offset, ByteBuffer from) {
    from.get(bytes, (int) offset, from.remaining());
  }

  @Override
  public void flush() {}

  @Override
  public void discard(long offset, long length) {}

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
