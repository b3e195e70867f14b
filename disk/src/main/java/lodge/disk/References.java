package lodge.disk;

import java.util.Map;
import java.util.TreeMap;
import lodge.disk.DiskException.Kind;

/** How often clusters are referenced, as a check finds it. */
final class References {
  private static final int CHUNK = 1024;

  /** 256 MiB. */
  private static final int MAX_CHUNKS = 1 << 16;

  /** In a count: whoever has the cluster has it alone. */
  private static final int EXCLUSIVE = 1 << 30;

  /** Called with a cluster and how often it is referenced. */
  interface Visitor {
    void visit(long cluster, long count) throws DiskException;
  }

  private final ImageFile file;
  private final Map<Long, int[]> chunks = new TreeMap<>();

  References(ImageFile file) {
    this.file = file;
  }

  long get(long cluster) {
    int[] chunk = chunks.get(cluster / CHUNK);
    return chunk == null ? 0 : chunk[(int) (cluster % CHUNK)] & EXCLUSIVE - 1;
  }

  /** Counts one more; false when that contradicts somebody's exclusive use. */
  boolean add(long cluster, boolean exclusive) throws DiskException {
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
    int before = chunk[index];
    chunk[index] = before + 1 | (exclusive ? EXCLUSIVE : 0);
    return before == 0 || (!exclusive && (before & EXCLUSIVE) == 0);
  }

  void forEach(Visitor visitor) throws DiskException {
    for (var entry : chunks.entrySet()) {
      for (int i = 0; i < CHUNK; i++) {
        int count = entry.getValue()[i] & EXCLUSIVE - 1;
        if (count != 0) {
          visitor.visit(entry.getKey() * CHUNK + i, count);
        }
      }
    }
  }
}
