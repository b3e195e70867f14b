package lodge.cli;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import lodge.core.BlockBackend;

/** A disk that is only read, in memory. */
record MemoryDisc(ByteBuffer content) implements BlockBackend {
  MemoryDisc {
    content = content.asReadOnlyBuffer();
  }

  @Override
  public long size() {
    return content.capacity();
  }

  @Override
  public boolean readOnly() {
    return true;
  }

  @Override
  public void read(long offset, ByteBuffer into) {
    if (offset < 0 || offset > size() - into.remaining()) {
      throw new IllegalArgumentException("outside of the disk");
    }
    into.put(content.slice((int) offset, into.remaining()));
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public void flush() {}

  @Override
  public void discard(long offset, long length) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public void close() {}
}
