package lodge.disk;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lodge.disk.L2Entry.Content;

/** Walks through all tables of an image and compares what they reference with the refcounts. */
final class Qcow2Check {
  private static final int MAX_PROBLEMS = 100;

  private final Qcow2Metadata metadata;
  private final ImageFile file;
  private final Qcow2Header header;
  private final Refcounts refcounts;
  private final ClusterMap map;
  private final References references;
  private final int clusterSize;

  /** How often each L2 table is used, so that it is read once. */
  private final Map<Long, Integer> tables = new HashMap<>();

  private final List<String> problems = new ArrayList<>();
  private long errors;

  /** Those among the errors that are gone when the refcounts are right. */
  private long wrongMarks;

  private long leaks;
  private long allocated;
  private long fragmented;
  private long compressed;
  private long lastCluster;

  Qcow2Check(Qcow2Metadata metadata) {
    this.metadata = metadata;
    file = metadata.file;
    header = metadata.header;
    refcounts = metadata.refcounts;
    map = metadata.map;
    references = new References(file);
    clusterSize = header.clusterSize();
  }

  /** What is wrong as the image is now. */
  CheckReport look() throws DiskException {
    count();
    references.forEach(this::compare);
    forEachUnreferenced(this::compare);
    if (errors == 0) {
      checkCopied();
    }
    return report(0, 0);
  }

  private CheckReport report(long errorsRepaired, long leaksRepaired) {
    return new CheckReport(
        problems,
        errors,
        leaks,
        errorsRepaired,
        leaksRepaired,
        Math.ceilDiv(metadata.size(), clusterSize),
        allocated,
        fragmented,
        compressed,
        (lastCluster + 1) * clusterSize);
  }

  /**
   * Repairs what can be, and looks again. Leaks stay when there are errors that are not to be
   * repaired: what seems unused may be what a damaged table has lost.
   */
  static CheckReport run(Qcow2Metadata metadata, Repair repair) throws DiskException {
    Qcow2Check first = new Qcow2Check(metadata);
    CheckReport before = first.look();
    boolean repairs =
        switch (repair) {
          case NOTHING -> false;
          case LEAKS -> first.errors == first.wrongMarks && !before.isClean();
          case ALL -> !before.isClean() || metadata.isCorrupt();
        };
    if (!repairs) {
      return before;
    }
    Qcow2Check check = new Qcow2Check(metadata);
    check.count();
    if (repair == Repair.ALL || check.errors == 0) {
      check.correct();
    }
    CheckReport after = new Qcow2Check(metadata).look();
    if (repair == Repair.ALL && after.errors() == 0) {
      metadata.clearCorrupt();
    }
    List<String> problems = new ArrayList<>(before.problems());
    problems.replaceAll(
        problem ->
            after.problems().contains(problem)
                ? problem
                : problem.replaceFirst("^(Leaked|ERROR) cluster", "Repairing cluster"));
    return new CheckReport(
        problems,
        after.errors(),
        after.leaks(),
        before.errors() - after.errors(),
        before.leaks() - after.leaks(),
        after.clusters(),
        after.allocated(),
        after.fragmented(),
        after.compressed(),
        after.endOffset());
  }

  /** Makes the refcounts what the tables say, where a crash has left them behind. */
  void rebuildRefcounts() throws DiskException {
    count();
    if (errors > 0) {
      throw file.error(
          DiskException.Kind.CORRUPT,
          "rebuild refcounts",
          DiskException.NOWHERE,
          "the tables are damaged: " + problems.getFirst());
    }
    correct();
  }

  private void correct() throws DiskException {
    refcounts.searchFrom((file.end() + clusterSize - 1) / clusterSize);
    refcounts.dropUnsoundBlocks();
    forEachUnreferenced((cluster, _) -> refcounts.set(cluster, 0));
    references.forEach(
        (cluster, count) -> {
          if (refcounts.get(cluster) != count) {
            refcounts.set(cluster, count);
          }
        });
    new TableReferences(metadata).markCopied();
    metadata.commit();
  }

  private void count() throws DiskException {
    countExtent("the header", 0, clusterSize, 1);
    countL1(map.l1Offset(), map.l1(), 1, true);
    countSnapshots();
    Snapshots snapshots = metadata.snapshots;
    countExtent("the snapshot table", snapshots.tableOffset(), snapshots.tableBytes(), 1);
    countExtent("the refcount table", refcounts.tableOffset(), refcounts.tableBytes(), 1);
    for (int i = 0; i < refcounts.tableEntries(); i++) {
      if (refcounts.block(i) != 0) {
        if (refcounts.isBlockSound(i)) {
          countExtent("a refcount block", refcounts.block(i), clusterSize, 1);
        } else {
          error("ERROR refcount block %d is not at a place for one", i);
        }
      }
    }
    if (header.bitmaps() != null) {
      for (BitmapDirectory.Extent extent : header.bitmaps().extents(file, clusterSize)) {
        countExtent("a bitmap", extent.offset(), extent.bytes(), 1);
      }
    }
    for (Map.Entry<Long, Integer> table : tables.entrySet()) {
      countEntries(map.table(table.getKey()), table.getValue());
    }
  }

  /** Tables at one place are read once, however many snapshots say that theirs is there. */
  private void countSnapshots() throws DiskException {
    Map<Long, Integer> times = new HashMap<>();
    for (SnapshotTable.Entry entry : metadata.snapshots.entries()) {
      times.merge(entry.l1Offset(), 1, Integer::sum);
    }
    for (var place : SnapshotTable.byPlace(metadata.snapshots.entries()).entrySet()) {
      long[] l1 = map.readL1(place.getKey(), place.getValue().l1Entries());
      countL1(place.getKey(), l1, times.get(place.getKey()), false);
    }
  }

  private void countL1(long offset, long[] l1, int times, boolean active) throws DiskException {
    countExtent("an L1 table", offset, l1.length * 8L, times);
    for (long l1Entry : l1) {
      if (l1Entry == 0) {
        continue;
      }
      long table = l1Entry & L2Entry.OFFSET;
      if (!map.isSound(l1Entry) || table > file.end() - clusterSize) {
        error("ERROR L2 table at 0x%x is not at a place for one", table);
      } else {
        countExtent("an L2 table", table, clusterSize, times);
        tables.merge(table, times, Integer::sum);
        if (active) {
          measure(map.table(l1Entry));
        }
      }
    }
  }

  /** A damaged image may say that something is outside of the file. */
  private void countExtent(String what, long offset, long bytes, int times) throws DiskException {
    if (offset < 0 || offset > file.end() - 1 || bytes > file.end()) {
      if (bytes > 0) {
        error("ERROR %s at 0x%x is outside of the file", what, offset);
      }
      return;
    }
    for (long at = offset & -clusterSize; at < offset + bytes; at += clusterSize) {
      references.add(at / clusterSize, times);
    }
  }

  private void countEntries(long[] table, int times) throws DiskException {
    for (int i = 0; i < table.length; i += header.l2EntryWords()) {
      long entry = table[i];
      if (!L2Entry.isKnown(entry, header.hasZeroClusters())) {
        error("ERROR L2 entry 0x%x has reserved bits set", entry);
      } else if (header.hasSubclusters() && (table[i + 1] & table[i + 1] >>> Integer.SIZE) != 0) {
        error("ERROR L2 entry 0x%x has subclusters that are allocated and zeroes", entry);
      } else if (L2Entry.content(entry) == Content.COMPRESSED) {
        long offset = CompressedClusters.offset(entry, header.clusterBits());
        long bytes = CompressedClusters.last(entry, header.clusterBits()) + 1 - offset;
        countExtent("a compressed cluster", offset, bytes, times);
      } else if ((entry & L2Entry.OFFSET) != 0) {
        long offset = entry & L2Entry.OFFSET;
        if (offset % clusterSize != 0) {
          error("ERROR offset=0x%x: Cluster is not properly aligned; L2 entry corrupted.", offset);
        } else {
          countData(offset, times);
        }
      }
    }
  }

  /** An external data file has no refcounts. */
  private void countData(long offset, int times) throws DiskException {
    if (!header.hasDataFile()) {
      countExtent("a cluster", offset, clusterSize, times);
    }
  }

  /** What the guest's clusters are like. */
  private void measure(long[] table) {
    long next = 0;
    for (int i = 0; i < table.length; i += header.l2EntryWords()) {
      long entry = table[i];
      if (L2Entry.content(entry) == Content.COMPRESSED) {
        allocated++;
        compressed++;
        fragmented++;
      } else if ((entry & L2Entry.OFFSET) != 0) {
        long offset = entry & L2Entry.OFFSET;
        allocated++;
        fragmented += next != 0 && offset != next ? 1 : 0;
        next = offset + clusterSize;
      }
    }
  }

  private void compare(long cluster, long expected) throws DiskException {
    long count = refcounts.isCounted(cluster) ? refcounts.get(cluster) : 0;
    lastCluster = Math.max(lastCluster, cluster);
    int order = Long.compareUnsigned(count, expected);
    if (order < 0) {
      error("ERROR cluster %d refcount=%d reference=%d", cluster, count, expected);
    } else if (order > 0) {
      leaks++;
      problem("Leaked cluster %d refcount=%d reference=%d", cluster, count, expected);
    }
  }

  /** Visits the clusters that have a refcount though nothing references them. */
  private void forEachUnreferenced(References.Visitor visitor) throws DiskException {
    for (int i = 0; i < refcounts.tableEntries(); i++) {
      if (refcounts.block(i) == 0 || !refcounts.isBlockSound(i)) {
        continue;
      }
      long first = (long) i * refcounts.perBlock();
      for (long cluster = first; cluster < first + refcounts.perBlock(); cluster++) {
        if (refcounts.get(cluster) != 0 && references.get(cluster) == 0) {
          visitor.visit(cluster, 0);
        }
      }
    }
  }

  private void checkCopied() throws DiskException {
    for (int i = 0; i < map.l1().length; i++) {
      long l1Entry = map.l1()[i];
      if (l1Entry == 0) {
        continue;
      }
      if (isMarkedWrongly(l1Entry)) {
        wrongMarks++;
        error(
            "ERROR OFLAG_COPIED L2 cluster: l1_index=%d l1_entry=%x refcount=%d",
            i, l1Entry, refcount(l1Entry));
      }
      long[] table = map.table(l1Entry);
      for (int at = 0; at < table.length; at += header.l2EntryWords()) {
        long entry = table[at];
        boolean whole =
            (entry & L2Entry.COMPRESSED) == 0
                && (entry & L2Entry.OFFSET) != 0
                && !header.hasDataFile();
        if (whole && isMarkedWrongly(entry)) {
          wrongMarks++;
          error("ERROR OFLAG_COPIED data cluster: l2_entry=%x refcount=%d", entry, refcount(entry));
        }
      }
    }
  }

  private boolean isMarkedWrongly(long entry) throws DiskException {
    return (refcount(entry) == 1) != ((entry & L2Entry.COPIED) != 0);
  }

  private long refcount(long entry) throws DiskException {
    return refcounts.get((entry & L2Entry.OFFSET) / clusterSize);
  }

  private void error(String text, Object... values) {
    errors++;
    problem(text, values);
  }

  private void problem(String text, Object... values) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(text.formatted(values));
    }
  }
}
