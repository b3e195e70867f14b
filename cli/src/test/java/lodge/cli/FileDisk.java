package lodge.cli;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import lodge.core.BlockBackend;

/** A disk in a file that can grow while a guest uses it, and that lists what was discarded. */
final class FileDisk implements BlockBackend {
  final List<String> discarded = new CopyOnWriteArrayList<>();
  private final FileChannel channel;
  private final boolean readOnly;
  private volatile long size;

  FileDisk(Path file, boolean readOnly) throws IOException {
    this.channel =
        readOnly
            ? FileChannel.open(file)
            : FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    this.readOnly = readOnly;
    this.size = channel.size();
  }

  void grow(long to) throws IOException {
    channel.write(ByteBuffer.allocate(1), to - 1);
    size = to;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    long at = offset;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count < 0) {
        throw new EOFException();
      }
      at += count;
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    long at = offset;
    while (from.hasRemaining()) {
      at += channel.write(from, at);
    }
  }

  @Override
  public void flush() throws IOException {
    if (!readOnly) {
      channel.force(false);
    }
  }

  @Override
  public void discard(long offset, long length) {
    discarded.add(offset + " +" + length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    write(offset, ByteBuffer.allocateDirect(Math.toIntExact(length)));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
