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

  TableReferences(Qcow2Metadata metadata) {
    this.metadata = metadata;
  }

  /** One more table reaches everything. */
  void raise(long[] l1) throws DiskException {
    forEach(l1, metadata.refcounts::raise);
    clearCopied(l1);
  }

  /** One table less does, durably. */
  void lower(long[] l1) throws DiskException {
    forEach(l1, metadata.refcounts::free);
  }

  /** Gives the space back of what nobody reaches any more. */
  void punchUnused(long[] l1) throws DiskException {
    forEach(l1, metadata.refcounts::punchUnused);
  }

  private void forEach(long[] l1, Qcow2Metadata.ClusterVisitor<DiskException> visitor)
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
        metadata.forEachCluster(words[i], visitor);
      }
      visitor.visit(table);
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
        markCopied(l1Entry);
      }
    }
  }

  /** The same for one of them. */
  void markCopied(long l1Entry) throws DiskException {
    setCopied(l1Entry, this::isAlone);
  }

  /** Whether a table says of some clusters that they are its own, or that they are not. */
  boolean hasMark(long l1Entry, boolean copied) throws DiskException {
    long[] words = metadata.map.table(l1Entry);
    for (int i = 0; i < words.length; i += metadata.header.l2EntryWords()) {
      if (canBeMarked(words[i]) && ((words[i] & L2Entry.COPIED) != 0) == copied) {
        return true;
      }
    }
    return false;
  }

  private static boolean canBeMarked(long entry) {
    return (entry & L2Entry.COMPRESSED) == 0 && (entry & L2Entry.OFFSET) != 0;
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
      if (canBeMarked(entry)) {
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
