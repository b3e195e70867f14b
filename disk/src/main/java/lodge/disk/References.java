package lodge.disk;

import java.util.Map;
import java.util.TreeMap;
import lodge.disk.DiskException.Kind;

/** How often clusters are referenced, as a check finds it. */
final class References {
  private static final int CHUNK = 1024;

  /** 256 MiB. */
  private static final int MAX_CHUNKS = 1 << 16;

  /** Called with a cluster and how often it is referenced. */
  interface Visitor {
    void visit(long cluster, long count) throws DiskException;
  }

  private final ImageFile file;
  private final TreeMap<Long, int[]> chunks = new TreeMap<>();

  References(ImageFile file) {
    this.file = file;
  }

  long get(long cluster) {
    int[] chunk = chunks.get(cluster / CHUNK);
    return chunk == null ? 0 : chunk[(int) (cluster % CHUNK)];
  }

  void add(long cluster, int times) throws DiskException {
    int[] chunk = chunks.get(cluster / CHUNK);
    if (chunk == null) {
      if (chunks.size() == MAX_CHUNKS) {
        throw file.error(
            Kind.UNSUPPORTED, "check", DiskException.NOWHERE, "it has too many clusters");
      }
      chunk = new int[CHUNK];
      chunks.put(cluster / CHUNK, chunk);
    }
    int index = (int) (cluster % CHUNK);
    chunk[index] = (int) Math.min(Integer.MAX_VALUE, (long) chunk[index] + times);
  }

  void forEach(Visitor visitor) throws DiskException {
    for (Map.Entry<Long, int[]> entry : chunks.entrySet()) {
      for (int i = 0; i < CHUNK; i++) {
        int count = entry.getValue()[i];
        if (count != 0) {
          visitor.visit(entry.getKey() * CHUNK + i, count);
        }
      }
    }
  }
}
