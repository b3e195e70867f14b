package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** Reads an image from front to back in a thread of its own, a few pieces ahead. */
final class ReadAhead implements AutoCloseable {
  /** A multiple of every cluster size. */
  static final int PIECE = 2 << 20;

  private static final int PIECES = 4;

  /** What can be said of a part of the image. */
  enum Kind {
    DATA,
    ZEROES,
    /** The image behind has it, and is not to be copied. */
    BEHIND,
    END,
    FAILED
  }

  /** A part of the image; its bytes, when it is data, with zeroes up to a multiple of the grain. */
  static final class Piece {
    final ByteBuffer bytes = ByteBuffer.allocateDirect(PIECE);
    Kind kind;
    long offset;
    long length;
    IOException failure;
  }

  private final DiskImage image;
  private final long size;
  private final int grain;
  private final boolean withBacking;
  private final boolean everything;
  private final BlockingQueue<Piece> free = new ArrayBlockingQueue<>(PIECES);
  private final BlockingQueue<Piece> ready = new ArrayBlockingQueue<>(PIECES);
  private final Thread reader =
      Thread.ofPlatform().daemon().name("read-ahead").unstarted(this::run);
  private volatile boolean closed;

  /** The extent that was asked for last: small grains meet it often. */
  private Extent known;

  /**
   * @param size to which the image is filled up with zeroes
   * @param grain pieces begin and end at multiples of it, or at the end
   * @param withBacking whether what the images behind have is read
   * @param everything whether zeroes are data as well
   */
  ReadAhead(DiskImage image, long size, int grain, boolean withBacking, boolean everything) {
    this.image = image;
    this.size = size;
    this.grain = grain;
    this.withBacking = withBacking;
    this.everything = everything;
    for (int i = 0; i < PIECES; i++) {
      free.add(new Piece());
    }
    reader.start();
  }

  /** The next piece, to be given back; the last one's kind is {@link Kind#END}. */
  Piece next() throws IOException {
    Piece piece = take(ready);
    if (piece.kind == Kind.FAILED) {
      throw piece.failure;
    }
    return piece;
  }

  void giveBack(Piece piece) {
    free.add(piece);
  }

  private static Piece take(BlockingQueue<Piece> queue) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return queue.take();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run() {
    long at = 0;
    Kind kind;
    do {
      Piece piece = take(free);
      try {
        kind = fill(piece, at);
      } catch (IOException e) {
        piece.failure = e;
        kind = Kind.FAILED;
      } catch (RuntimeException | Error e) { // whoever waits for the piece has to hear of it
        piece.failure = new IOException(e);
        kind = Kind.FAILED;
      }
      piece.kind = kind;
      at += piece.length;
      ready.add(piece);
    } while (!closed && kind != Kind.END && kind != Kind.FAILED);
  }

  private Kind fill(Piece piece, long at) throws IOException {
    piece.offset = at;
    piece.length = 0;
    if (at == size) {
      return Kind.END;
    }
    Kind kind = kind(at);
    long end = known.end();
    while (end < size && kind(end) == kind && (kind != Kind.DATA || end - at < PIECE)) {
      end = known.end();
    }
    long whole = end == size ? end : end - end % grain;
    if (kind != Kind.DATA && whole > at) {
      piece.length = whole - at;
      return kind;
    }
    end = Math.min(Math.min(Math.ceilDiv(end, grain) * grain, at + PIECE), size);
    piece.length = end - at;
    int padded = (int) (Math.ceilDiv(piece.length, grain) * grain);
    piece.bytes.clear().limit((int) Math.max(0, Math.min(piece.length, image.size() - at)));
    if (piece.bytes.hasRemaining()) {
      image.read(at, piece.bytes);
    }
    piece.bytes.limit(padded);
    Buffers.zero(piece.bytes, piece.bytes.remaining());
    piece.bytes.flip();
    return Kind.DATA;
  }

  private Kind kind(long offset) throws IOException {
    if (known == null || offset < known.offset() || offset >= known.end()) {
      known =
          offset < image.size()
              ? image.extent(offset)
              : new Extent(offset, size - offset, Extent.Content.UNALLOCATED, 0, Extent.NOWHERE);
    }
    if (!withBacking && known.depth() > 0) {
      return Kind.BEHIND;
    }
    return known.isZero() && !everything ? Kind.ZEROES : Kind.DATA;
  }

  /** Returns when the reader is out of the image. */
  @Override
  public void close() {
    closed = true;
    ready.drainTo(free);
    boolean interrupted = false;
    while (reader.isAlive()) {
      try {
        reader.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
