package lodge.devices.virtio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import lodge.core.BlockBackend;

/** A disk in memory that lists what it is asked for and can be told to fail or to wait. */
final class MemoryBackend implements BlockBackend {
  byte[] bytes;
  boolean readOnly;
  boolean failing;
  boolean answersAtOnce;
  boolean writeCache = true;
  final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  /** What a read does before it reads. */
  Runnable beforeRead = () -> {};

  MemoryBackend(int size) {
    bytes = new byte[size];
  }

  private void call(String what) throws IOException {
    calls.add(what);
    if (failing) {
      throw new IOException("failing");
    }
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
  public boolean answersAtOnce() {
    return answersAtOnce;
  }

  @Override
  public boolean writeCache() {
    return writeCache;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    beforeRead.run();
    call("read " + offset + " +" + into.remaining());
    into.put(bytes, (int) offset, into.remaining());
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    call("write " + offset + " +" + from.remaining());
    from.get(bytes, (int) offset, from.remaining());
  }

  @Override
  public void flush() throws IOException {
    call("flush");
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    call("discard " + offset + " +" + length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    call("zero " + offset + " +" + length + (mayUnmap ? " unmap" : ""));
    Arrays.fill(bytes, (int) offset, (int) (offset + length), (byte) 0);
  }

  @Override
  public void close() {}
}
