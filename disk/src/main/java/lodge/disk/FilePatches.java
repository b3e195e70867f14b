package lodge.disk;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

/** What stands in a log and shall be read instead of what a file has. */
final class FilePatches {
  /** What is in the file from an offset, the key, on; without bytes zeroes. */
  private record Patch(long end, byte[] bytes) {}

  private final TreeMap<Long, Patch> patches = new TreeMap<>();

  /** Bytes take the place of what was there; they are never split by others. */
  void put(long offset, byte[] bytes) {
    clear(offset, offset + bytes.length);
    patches.put(offset, new Patch(offset + bytes.length, bytes));
  }

  void putZeroes(long offset, long length) {
    clear(offset, offset + length);
    patches.put(offset, new Patch(offset + length, null));
  }

  private void clear(long start, long end) {
    Map.Entry<Long, Patch> before = patches.lowerEntry(start);
    if (before != null && before.getValue().end > start) {
      patches.put(before.getKey(), new Patch(start, before.getValue().bytes));
      if (before.getValue().end > end) {
        patches.put(end, before.getValue());
      }
    }
    Map.Entry<Long, Patch> last = patches.lowerEntry(end);
    if (last != null && last.getValue().end > end) {
      patches.put(end, last.getValue());
    }
    patches.subMap(start, end).clear();
  }

  /**
   * Changes what was read.
   *
   * @param offset in the file of the buffer's first byte, whatever its position
   */
  void apply(long offset, ByteBuffer read) {
    long end = offset + read.limit();
    Long first = patches.floorKey(offset);
    for (var patch : patches.subMap(first == null ? offset : first, end).entrySet()) {
      long from = Math.max(offset, patch.getKey());
      long to = Math.min(end, patch.getValue().end);
      if (to <= from) {
        continue;
      }
      int count = (int) (to - from);
      byte[] bytes = patch.getValue().bytes;
      int at = (int) (from - offset);
      if (bytes == null) {
        Buffers.zero(read.slice(at, count), count);
      } else {
        read.put(at, bytes, (int) (from - patch.getKey()), count);
      }
    }
  }
}
