package lodge.disk;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import lodge.disk.DiskException.Kind;

/**
 * Reads compressed clusters: raw deflate data, or a frame of Zstandard, that begins and ends
 * anywhere in the file.
 */
final class CompressedClusters implements AutoCloseable {
  private static final int SECTOR = 512;

  private final ImageFile file;
  private final int clusterBits;
  private final boolean zstd;
  private final Inflater inflater = new Inflater(true);

  /** The cluster that was read last, since guests read less than a cluster at once. */
  private byte[] content;

  private long entryOfContent;

  CompressedClusters(ImageFile file, Qcow2Header header) {
    this.file = file;
    clusterBits = header.clusterBits();
    zstd = header.compression() == Compression.ZSTD;
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
  synchronized void read(long entry, int within, ByteBuffer into) throws DiskException {
    if (content == null || entryOfContent != entry) {
      content = null;
      content = decompress(entry);
      entryOfContent = entry;
    }
    into.put(content, within, into.remaining());
  }

  private byte[] decompress(long entry) throws DiskException {
    long offset = offset(entry, clusterBits);
    if (offset >= file.end()) {
      throw file.error(Kind.CORRUPT, "read", offset, "a cluster is past the end of the file");
    }
    ByteBuffer data = ByteBuffer.allocate((int) (last(entry, clusterBits) - offset + 1));
    file.read(offset, data);
    byte[] cluster = new byte[1 << clusterBits];
    String problem =
        zstd
            ? Zstd.decompress(data.array(), data.position(), cluster)
            : inflate(data.flip(), cluster);
    if (problem != null) {
      throw file.error(Kind.CORRUPT, "decompress", offset, problem);
    }
    return cluster;
  }

  /** What is wrong, null when nothing is. */
  private String inflate(ByteBuffer data, byte[] cluster) {
    int done = 0;
    inflater.reset();
    inflater.setInput(data);
    try {
      while (done < cluster.length) {
        int count = inflater.inflate(cluster, done, cluster.length - done);
        if (count == 0) {
          return "the data is too short";
        }
        done += count;
      }
    } catch (DataFormatException e) {
      return "the data is damaged";
    }
    return null;
  }

  /** The file's content may have changed. */
  synchronized void forget() {
    content = null;
  }

  @Override
  public synchronized void close() {
    inflater.end();
  }
}
