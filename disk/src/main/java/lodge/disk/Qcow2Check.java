package lodge.disk;

import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;
import lodge.disk.L2Entry.Content;

/** Walks through all tables of an image and compares what they reference with the refcounts. */
final class Qcow2Check {
  private static final int MAX_PROBLEMS = 100;

  private final ImageFile file;
  private final Qcow2Header header;
  private final Refcounts refcounts;
  private final ClusterMap map;
  private final References references;
  private final int clusterSize;

  private final List<String> problems = new ArrayList<>();
  private long errors;
  private long leaks;
  private long repaired;

  Qcow2Check(Qcow2Metadata metadata) {
    file = metadata.file;
    header = metadata.header;
    refcounts = metadata.refcounts;
    map = metadata.map;
    references = new References(file);
    clusterSize = header.clusterSize();
  }

  CheckReport run(boolean repairLeaks) throws DiskException {
    if (header.snapshots() != 0 || (header.autoclear() & Qcow2Header.BITMAPS) != 0) {
      throw file.error(
          Kind.UNSUPPORTED, "check", DiskException.NOWHERE, "it has snapshots or bitmaps");
    }
    count();
    if (errors == 0) {
      references.forEach(this::compare);
      forEachUnreferenced(this::compare);
      forEachTable(this::checkCopied);
    }
    if (repairLeaks && errors == 0 && leaks > 0) {
      references.forEach(refcounts::set);
      forEachUnreferenced(refcounts::set);
      repaired = leaks;
    }
    return new CheckReport(problems, errors, leaks, repaired);
  }

  /** Makes the refcounts what the tables say, where a crash has left them behind. */
  void rebuildRefcounts() throws DiskException {
    count();
    if (errors > 0) {
      throw file.error(
          Kind.CORRUPT,
          "rebuild refcounts",
          DiskException.NOWHERE,
          "the tables are damaged: " + problems.getFirst());
    }
    refcounts.searchFrom((file.end() + clusterSize - 1) / clusterSize);
    forEachUnreferenced(refcounts::set);
    references.forEach(refcounts::set);
  }

  private void count() throws DiskException {
    countTable("the header", 0, clusterSize);
    countTable("the L1 table", header.l1Offset(), header.l1Entries() * 8L);
    countTable("the refcount table", refcounts.tableOffset(), refcounts.tableBytes());
    for (int i = 0; i < refcounts.tableEntries(); i++) {
      if (refcounts.block(i) != 0) {
        if (refcounts.isBlockSound(i)) {
          countTable("a refcount block", refcounts.block(i), clusterSize);
        } else {
          error("a refcount block", refcounts.block(i), "is no place for one");
        }
      }
    }
    for (int i = 0; i < map.l1().length; i++) {
      long l1Entry = map.l1()[i];
      long offset = l1Entry & L2Entry.OFFSET;
      if (l1Entry == 0) {
        continue;
      }
      if (!map.isSound(l1Entry) || offset > file.end() - clusterSize) {
        error("an L2 table", offset, "is no place for one");
      } else if (countTable("an L2 table", offset, clusterSize)) {
        countEntries(map.table(l1Entry));
      }
    }
  }

  private boolean countTable(String what, long offset, long bytes) throws DiskException {
    boolean alone = true;
    for (long at = offset; at < offset + bytes; at += clusterSize) {
      if (!references.add(at / clusterSize, true)) {
        error(what, at, "is used twice");
        alone = false;
      }
    }
    return alone;
  }

  private void countEntries(long[] table) throws DiskException {
    for (long entry : table) {
      if (!L2Entry.isKnown(entry, header.hasZeroClusters())) {
        error("an entry", entry, "has reserved bits");
      } else if (L2Entry.content(entry) == Content.COMPRESSED) {
        countCompressed(entry);
      } else if ((entry & L2Entry.OFFSET) != 0) {
        long offset = entry & L2Entry.OFFSET;
        if (offset % clusterSize != 0 || offset >= file.end()) {
          error("a cluster", offset, "is no place for one");
        } else {
          countTable("a cluster", offset, clusterSize);
        }
      }
    }
  }

  private void countCompressed(long entry) throws DiskException {
    long offset = CompressedClusters.offset(entry, header.clusterBits());
    if (offset >= file.end()) {
      error("a compressed cluster", offset, "is past the end of the file");
      return;
    }
    long last = CompressedClusters.last(entry, header.clusterBits()) / clusterSize;
    for (long cluster = offset / clusterSize; cluster <= last; cluster++) {
      if (!references.add(cluster, false)) {
        error("a compressed cluster", cluster * clusterSize, "is used by others");
      }
    }
  }

  private void compare(long cluster, long expected) throws DiskException {
    long count = refcounts.get(cluster);
    int order = Long.compareUnsigned(count, expected);
    if (order < 0) {
      error("a cluster", cluster * clusterSize, "has refcount " + count + ", not " + expected);
    } else if (order > 0) {
      leaks++;
      problem(
          "leak",
          "a cluster",
          cluster * clusterSize,
          "has refcount " + count + ", not " + expected);
    }
  }

  /** Visits the clusters that have a refcount though nothing references them. */
  private void forEachUnreferenced(References.Visitor visitor) throws DiskException {
    for (int i = 0; i < refcounts.tableEntries(); i++) {
      if (refcounts.block(i) == 0) {
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

  /** Called with an entry of an L1 or L2 table that points to a whole cluster. */
  private interface EntryVisitor {
    void visit(long entry) throws DiskException;
  }

  private void forEachTable(EntryVisitor visitor) throws DiskException {
    for (int i = 0; i < map.l1().length; i++) {
      long l1Entry = map.l1()[i];
      if (l1Entry == 0) {
        continue;
      }
      visitor.visit(l1Entry);
      for (long entry : map.table(l1Entry)) {
        if ((entry & L2Entry.COMPRESSED) == 0 && (entry & L2Entry.OFFSET) != 0) {
          visitor.visit(entry);
        }
      }
    }
  }

  private void checkCopied(long entry) throws DiskException {
    long offset = entry & L2Entry.OFFSET;
    boolean alone = refcounts.get(offset / clusterSize) == 1;
    if (alone != ((entry & L2Entry.COPIED) != 0)) {
      error("a cluster", offset, "is marked wrongly as " + (alone ? "shared" : "not shared"));
    }
  }

  private void error(String what, long offset, String text) {
    errors++;
    problem("error", what, offset, text);
  }

  private void problem(String severity, String what, long offset, String text) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add("%s: %s at 0x%x %s".formatted(severity, what, offset, text));
    }
  }
}
