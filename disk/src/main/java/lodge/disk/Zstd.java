package lodge.disk;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.util.Arrays;

/**
 * Clusters as frames of Zstandard. Its library is loaded for images that use it, not for others.
 */
final class Zstd {
  private Zstd() {}

  /** Fills a cluster from data that begins with a frame; what is wrong, null when nothing is. */
  static String decompress(byte[] data, int size, byte[] cluster) {
    int length = ZstdFrame.length(data, size);
    if (length < 0) {
      return "the data is damaged";
    }
    try {
      int count =
          new ZstdJavaDecompressor().decompress(data, 0, length, cluster, 0, cluster.length);
      return count == cluster.length ? null : "the data is too short";
    } catch (MalformedInputException | IllegalArgumentException e) {
      return "the data is damaged";
    }
  }

  static byte[] compress(byte[] cluster) {
    ZstdJavaCompressor compressor = new ZstdJavaCompressor();
    byte[] frame = new byte[compressor.maxCompressedLength(cluster.length)];
    int length = compressor.compress(cluster, 0, cluster.length, frame, 0, frame.length);
    return Arrays.copyOf(frame, length);
  }
}
