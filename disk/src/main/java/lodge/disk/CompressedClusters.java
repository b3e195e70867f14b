package lodge.disk;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import lodge.disk.DiskException.Kind;

/** Reads compressed clusters: raw deflate data that begins and ends anywhere in the file. */
final class CompressedClusters implements AutoCloseable {
  private static final int SECTOR = 512;

  private final ImageFile file;
  private final int clusterBits;
  private final Inflater inflater = new Inflater(true);

  /** The cluster that was read last, since guests read less than a cluster at once. */
  private byte[] content;

  private long entryOfContent;

  CompressedClusters(ImageFile file, int clusterBits) {
    this.file = file;
    this.clusterBits = clusterBits;
  }

  /** The lowest bit of the number of further sectors in an entry. */
  private static int sectorsBit(int clusterBits) {
    return 62 - (clusterBits - 8);
  }

  /** Where the data begins. */
  static long offset(long entry, int clusterBits) {
    return entry & (1L << sectorsBit(clusterBits)) - 1;
  }

  /** The entry for data at a place. */
  static long entry(long offset, int length, int clusterBits) {
    long sectors = ((offset & SECTOR - 1) + length - 1) / SECTOR;
    return L2Entry.COMPRESSED | sectors << sectorsBit(clusterBits) | offset;
  }

  /** The last byte that the data may take. */
  static long last(long entry, int clusterBits) {
    long sectors = (entry & L2Entry.COMPRESSED - 1) >>> sectorsBit(clusterBits);
    return (offset(entry, clusterBits) & -SECTOR) + (sectors + 1) * SECTOR - 1;
  }

  /** Fills a buffer with what is at a place in a cluster. */
  void read(long entry, int within, ByteBuffer into) throws DiskException {
    if (content == null || entryOfContent != entry) {
      content = null;
      content = inflate(entry);
      entryOfContent = entry;
    }
    into.put(content, within, into.remaining());
  }

  private byte[] inflate(long entry) throws DiskException {
    long offset = offset(entry, clusterBits);
    if (offset >= file.end()) {
      throw file.error(Kind.CORRUPT, "read", offset, "a cluster is past the end of the file");
    }
    ByteBuffer data = ByteBuffer.allocate((int) (last(entry, clusterBits) - offset + 1));
    file.read(offset, data);
    byte[] cluster = new byte[1 << clusterBits];
    int done = 0;
    inflater.reset();
    inflater.setInput(data.flip());
    try {
      while (done < cluster.length) {
        int count = inflater.inflate(cluster, done, cluster.length - done);
        if (count == 0) {
          throw file.error(Kind.CORRUPT, "decompress", offset, "the data is too short");
        }
        done += count;
      }
    } catch (DataFormatException e) {
      throw file.error(Kind.CORRUPT, "decompress", offset, "the data is damaged");
    }
    return cluster;
  }

  /** The file's content may have changed. */
  void forget() {
    content = null;
  }

  @Override
  public void close() {
    inflater.end();
  }
}
