package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;

/** An image that is filled from its first byte to its last, each once. */
interface ConversionTarget extends AutoCloseable {
  /** What is told at once begins and ends at a multiple of this, or at the image's end. */
  int grain();

  /**
   * @param bytes with zeroes up to a multiple of the grain
   */
  void data(long offset, ByteBuffer bytes) throws IOException;

  void zeroes(long offset, long length) throws IOException;

  /** All has been told. */
  void finish() throws IOException;

  /** Returns when all that was written is durable. */
  void force() throws IOException;

  @Override
  void close() throws IOException;
}
