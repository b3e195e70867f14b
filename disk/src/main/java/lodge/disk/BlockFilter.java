package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import lodge.core.BlockBackend;

/** A disk in front of another, which it closes; as it stands it changes nothing. */
abstract class BlockFilter implements BlockBackend {
  final BlockBackend disk;

  BlockFilter(BlockBackend disk) {
    this.disk = disk;
  }

  @Override
  public long size() {
    return disk.size();
  }

  @Override
  public boolean readOnly() {
    return disk.readOnly();
  }

  @Override
  public boolean writeCache() {
    return disk.writeCache();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    disk.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    disk.write(offset, from);
  }

  @Override
  public void flush() throws IOException {
    disk.flush();
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    disk.discard(offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    disk.writeZeroes(offset, length, mayUnmap);
  }

  @Override
  public boolean answersAtOnce() {
    return disk.answersAtOnce();
  }

  @Override
  public void abandon() {
    disk.abandon();
  }

  @Override
  public void close() throws IOException {
    disk.close();
  }
}
