package lodge.devices.ide;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lodge.core.BlockBackend;

/** A disk that remembers what was asked of it, and fails where a test wants it to. */
final class MemoryDisk implements BlockBackend {
  final byte[] bytes;
  final List<String> calls = new ArrayList<>();
  boolean readOnly;
  boolean writeCache = true;

  /** What a test does meanwhile. */
  Runnable onAccess = () -> {};

  /** The first byte that cannot be accessed, or -1. */
  long badAt = -1;

  MemoryDisk(int size) {
    bytes = new byte[size];
    new Random(size).nextBytes(bytes);
  }

  byte[] part(int offset, int length) {
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
  public boolean writeCache() {
    return writeCache;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    int length = into.remaining();
    access("read", offset, length);
    into.put(bytes, (int) offset, length);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    int length = from.remaining();
    access("write", offset, length);
    from.get(bytes, (int) offset, length);
  }

  @Override
  public void flush() throws IOException {
    access("flush", 0, 0);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    access("discard", offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    access("zero", offset, length);
  }

  private void access(String what, long offset, long length) throws IOException {
    calls.add(what + " " + offset + " " + length);
    onAccess.run();
    if (offset < 0 || length < 0 || length > bytes.length - offset) {
      throw new AssertionError("outside of the disk: " + calls.getLast());
    }
    if (badAt >= 0 && badAt >= offset && (badAt < offset + length || length == 0)) {
      throw new IOException("bad sector");
    }
  }

  @Override
  public void close() {}
}
