package lodge.disk;

import java.util.HashSet;
import java.util.Set;
import lodge.disk.DiskException.Kind;

/**
 * The refcounts of all that an L1 table reaches, as one more or one less table reaches it. Entries
 * of shared tables never say that a cluster is their own.
 */
final class TableReferences {
  private final Qcow2Metadata metadata;

  /** How many references are still to be changed, and how many were. */
  private long left;

  private long done;

  TableReferences(Qcow2Metadata metadata) {
    this.metadata = metadata;
  }

  /** One more table reaches everything; without an effect when that cannot be counted. */
  void raise(long[] l1) throws DiskException {
    left = Long.MAX_VALUE;
    done = 0;
    try {
      adjust(l1, metadata.refcounts::raise);
    } catch (DiskException e) {
      left = done;
      adjust(l1, metadata.refcounts::free);
      throw e;
    }
    clearCopied(l1);
  }

  /** One table less does, durably. */
  void lower(long[] l1) throws DiskException {
    left = Long.MAX_VALUE;
    adjust(l1, metadata.refcounts::free);
  }

  private void adjust(long[] l1, Qcow2Metadata.ClusterVisitor<DiskException> change)
      throws DiskException {
    Set<Long> seen = new HashSet<>();
    for (long l1Entry : l1) {
      if (l1Entry == 0) {
        continue;
      }
      long table = l1Entry & L2Entry.OFFSET;
      if (!seen.add(table)) {
        throw metadata.file.error(Kind.CORRUPT, "use an L2 table", table, "it is used twice");
      }
      long[] words = metadata.map.table(l1Entry);
      for (int i = 0; i < words.length; i += metadata.header.l2EntryWords()) {
        metadata.forEachCluster(words[i], offset -> change(offset, change));
      }
      change(table, change);
    }
  }

  private void change(long offset, Qcow2Metadata.ClusterVisitor<DiskException> change)
      throws DiskException {
    if (left > 0) {
      left--;
      change.visit(offset);
      done++;
    }
  }

  private void clearCopied(long[] l1) throws DiskException {
    for (long l1Entry : l1) {
      if (l1Entry != 0) {
        setCopied(l1Entry, _ -> false);
      }
    }
  }

  /** Lets the active tables say which clusters are theirs alone. */
  void markCopied() throws DiskException {
    ClusterMap map = metadata.map;
    for (int i = 0; i < map.l1().length; i++) {
      long l1Entry = map.l1()[i];
      if (l1Entry != 0) {
        long marked = marked(l1Entry, isAlone(l1Entry & L2Entry.OFFSET));
        if (marked != l1Entry) {
          map.setL1(i, marked);
        }
        setCopied(l1Entry, this::isAlone);
      }
    }
  }

  /** Whether a cluster is one table's alone. */
  private interface Ownership {
    boolean isAlone(long offset) throws DiskException;
  }

  private boolean isAlone(long offset) throws DiskException {
    return metadata.refcounts.get(offset >>> metadata.header.clusterBits()) == 1;
  }

  private void setCopied(long l1Entry, Ownership ownership) throws DiskException {
    long[] words = metadata.map.table(l1Entry);
    for (int i = 0; i < words.length; i += metadata.header.l2EntryWords()) {
      long entry = words[i];
      if ((entry & L2Entry.COMPRESSED) == 0 && (entry & L2Entry.OFFSET) != 0) {
        long marked = marked(entry, ownership.isAlone(entry & L2Entry.OFFSET));
        if (marked != entry) {
          words = metadata.map.changeTable(l1Entry);
          words[i] = marked;
        }
      }
    }
  }

  private static long marked(long entry, boolean copied) {
    return copied ? entry | L2Entry.COPIED : entry & ~L2Entry.COPIED;
  }
}
