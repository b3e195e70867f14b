package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lodge.core.GuestMemory;

/** Bytes that the guest hands to a device: ranges of RAM, one after the other. */
public final class GuestBuffer {
  /** The most that one {@link ByteBuffer} covers. */
  private static final long PIECE = 1 << 30;

  private record Range(long gpa, long length) {}

  private final GuestMemory memory;
  private final List<Range> ranges = new ArrayList<>(4);
  private long length;

  GuestBuffer(GuestMemory memory) {
    this.memory = memory;
  }

  /** Appends a range, all of which is RAM; what continues the last one becomes one with it. */
  void add(long gpa, long rangeLength) {
    Range last = ranges.isEmpty() ? null : ranges.getLast();
    if (last != null && last.gpa + last.length == gpa) {
      ranges.set(ranges.size() - 1, new Range(last.gpa, last.length + rangeLength));
    } else {
      ranges.add(new Range(gpa, rangeLength));
    }
    length += rangeLength;
  }

  /** In bytes. */
  public long length() {
    return length;
  }

  /**
   * A part of it.
   *
   * @throws IndexOutOfBoundsException when it has no such part
   */
  public GuestBuffer slice(long from, long sliceLength) {
    if (from < 0 || sliceLength < 0 || sliceLength > length - from) {
      throw new IndexOutOfBoundsException("bytes " + from + " +" + sliceLength + " of " + length);
    }
    GuestBuffer slice = new GuestBuffer(memory);
    long skip = from;
    for (Range range : ranges) {
      long taken = Math.min(range.length - skip, sliceLength - slice.length);
      if (taken > 0) {
        slice.add(range.gpa + skip, taken);
      }
      skip = Math.max(0, skip - range.length);
    }
    return slice;
  }

  /** Its memory itself; whoever writes there says so with {@link #written}. */
  public List<ByteBuffer> pieces() {
    List<ByteBuffer> pieces = new ArrayList<>(ranges.size());
    for (Range range : ranges) {
      for (long at = 0; at < range.length; at += PIECE) {
        long piece = Math.min(PIECE, range.length - at);
        pieces.add(memory.segment().asSlice(range.gpa + at, piece).asByteBuffer());
      }
    }
    return pieces;
  }

  /** The processors forget what they had decoded of these bytes. */
  public void written() {
    for (Range range : ranges) {
      memory.codeWatch().written(range.gpa, range.length);
    }
  }

  /** Gives the whole pages in it back to the host; they read as zeroes afterwards. */
  public void discard() {
    for (Range range : ranges) {
      long from = range.gpa + GuestMemory.PAGE_SIZE - 1 & -GuestMemory.PAGE_SIZE;
      long to = range.gpa + range.length & -GuestMemory.PAGE_SIZE;
      if (from < to) {
        memory.discard(from, to - from);
      }
    }
  }

  /** A copy of it; for what is short. */
  public byte[] bytes() {
    byte[] bytes = new byte[Math.toIntExact(length)];
    int at = 0;
    for (Range range : ranges) {
      memory.get(range.gpa, bytes, at, (int) range.length);
      at += (int) range.length;
    }
    return bytes;
  }

  /** Overwrites as many bytes at its beginning as there are in the array, which it has room for. */
  public void put(byte[] bytes) {
    int at = 0;
    for (Range range : ranges) {
      int part = (int) Math.min(range.length, bytes.length - at);
      memory.put(range.gpa, bytes, at, part);
      memory.codeWatch().written(range.gpa, part);
      at += part;
    }
  }
}
