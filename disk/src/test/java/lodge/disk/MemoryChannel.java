package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A file in memory that remembers what was written between one flush and the next. */
class MemoryChannel extends FileChannel {
  record Write(int offset, byte[] bytes) {}

  private static final int MAX_SIZE = 1 << 28;

  final List<List<Write>> epochs = new ArrayList<>(List.of(new ArrayList<>()));
  private byte[] content;
  private int size;

  MemoryChannel(byte[] content) {
    this.content = content.clone();
    size = content.length;
  }

  byte[] content() {
    return Arrays.copyOf(content, size);
  }

  void apply(Write write) {
    int end = write.offset + write.bytes.length;
    if (end > content.length) {
      content = Arrays.copyOf(content, 2 * end);
    }
    System.arraycopy(write.bytes, 0, content, write.offset, write.bytes.length);
    size = Math.max(size, end);
  }

  @Override
  public int read(ByteBuffer into, long position) {
    int count = (int) Math.min(into.remaining(), size - position);
    if (count <= 0) {
      return -1;
    }
    into.put(content, (int) position, count);
    return count;
  }

  @Override
  public int write(ByteBuffer from, long position) throws IOException {
    if (position > MAX_SIZE - from.remaining()) {
      throw new IOException("too large");
    }
    byte[] bytes = new byte[from.remaining()];
    from.get(bytes);
    Write write = new Write((int) position, bytes);
    epochs.getLast().add(write);
    apply(write);
    return bytes.length;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    epochs.add(new ArrayList<>());
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  protected void implCloseChannel() {}

  @Override
  public int read(ByteBuffer into) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int write(ByteBuffer from) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel truncate(long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }
}
