package lodge.disk;

import java.util.concurrent.ThreadLocalRandom;

/**
 * Which clusters of the file hold metadata, so that nothing else is put there: the header, refcount
 * table and blocks, L1 tables, the active L2 tables and the snapshot table.
 *
 * <p>An open hash table of offsets, with the kind in the bits that offsets of clusters do not have.
 */
final class MetadataClusters {
  /** What a cluster holds. */
  enum Kind {
    HEADER("the header"),
    REFCOUNT_TABLE("the refcount table"),
    REFCOUNT_BLOCK("a refcount block"),
    L1_TABLE("the L1 table"),
    L2_TABLE("an L2 table"),
    SNAPSHOT_TABLE("the snapshot table"),
    SNAPSHOT_L1_TABLE("a snapshot's L1 table");

    final String label;

    Kind(String label) {
      this.label = label;
    }
  }

  private static final Kind[] KINDS = Kind.values();

  /** An entry that is in use, at offset 0 too. */
  private static final long USED = 1 << 8;

  private static final long KIND = USED - 1;

  private final int clusterBits;

  /** Nobody can make an image whose offsets are all in each other's way. */
  private final long seed = ThreadLocalRandom.current().nextLong();

  private long[] entries = new long[64];
  private int count;

  MetadataClusters(int clusterBits) {
    this.clusterBits = clusterBits;
  }

  /** The kind of what is at an offset of the file; null when it is free for data. */
  synchronized Kind at(long offset) {
    long entry = entries[slot(offset >>> clusterBits << clusterBits)];
    return entry == 0 ? null : KINDS[(int) (entry & KIND)];
  }

  synchronized void add(Kind kind, long offset, long bytes) {
    for (long at = offset; at < offset + bytes; at += 1L << clusterBits) {
      int slot = slot(at);
      if (entries[slot] == 0) {
        count++;
      }
      entries[slot] = at | USED | kind.ordinal();
      if (count > entries.length / 2) {
        grow();
      }
    }
  }

  synchronized void remove(long offset, long bytes) {
    for (long at = offset; at < offset + bytes; at += 1L << clusterBits) {
      int slot = slot(at);
      if (entries[slot] != 0) {
        count--;
        entries[slot] = 0;
        closeGap(slot);
      }
    }
  }

  /** Where an offset is or belongs. */
  private int slot(long offset) {
    int mask = entries.length - 1;
    int slot = home(offset);
    while (entries[slot] != 0 && (entries[slot] & -USED * 2) != offset) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private int home(long offset) {
    long mixed = ((offset >>> clusterBits) ^ seed) * 0x9E37_79B9_7F4A_7C15L;
    return (int) ((mixed ^ mixed >>> 32) * 0xD6E8_FEB8_6659_FD93L >>> 32) & entries.length - 1;
  }

  private void closeGap(int gap) {
    int mask = entries.length - 1;
    for (int at = gap + 1 & mask; entries[at] != 0; at = at + 1 & mask) {
      long entry = entries[at];
      entries[at] = 0;
      entries[slot(entry & -USED * 2)] = entry;
    }
  }

  private void grow() {
    long[] before = entries;
    entries = new long[2 * before.length];
    for (long entry : before) {
      if (entry != 0) {
        entries[slot(entry & -USED * 2)] = entry;
      }
    }
  }
}
