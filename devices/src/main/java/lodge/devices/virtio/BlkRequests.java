package lodge.devices.virtio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import lodge.core.BlockBackend;

/**
 * The requests of a block device (virtio 1.3, 5.2.6). Data goes between the backend and guest RAM
 * without a stop.
 */
final class BlkRequests {
  /** Segments of one discard or write zeroes request. */
  static final int MOST_SEGMENTS = 32;

  static final int MOST_DISCARD_SECTORS = 1 << 22;

  /** Less, as they may all have to be written. */
  static final int MOST_ZERO_SECTORS = 1 << 17;

  /** A processor's thread does not move more at a time. */
  private static final int MOST_SMALL_BYTES = 1 << 16;

  private static final int HEADER = 16;
  private static final int SEGMENT = 16;
  private static final int ID_LENGTH = 20;

  // Types
  private static final int IN = 0;
  private static final int OUT = 1;
  private static final int FLUSH = 4;
  private static final int GET_ID = 8;
  private static final int DISCARD = 11;
  private static final int WRITE_ZEROES = 13;

  private static final int UNMAP = 1;

  private enum Status {
    OK,
    IOERR,
    UNSUPP
  }

  private final BlockBackend backend;
  private final byte[] id;

  BlkRequests(BlockBackend backend, String serial) {
    this.backend = backend;
    this.id = Arrays.copyOf(serial.getBytes(StandardCharsets.US_ASCII), ID_LENGTH);
  }

  /** Whether it is a read or a write of not much data. */
  boolean isSmall(DescriptorChain chain) {
    GuestBuffer readable = chain.readable();
    if (readable.length() < HEADER
        || readable.length() + chain.writable().length() > HEADER + MOST_SMALL_BYTES + 1) {
      return false;
    }
    int type = words(readable.slice(0, HEADER)).getInt(0);
    return type == IN || type == OUT;
  }

  /**
   * @param durable a write is only done when it is durable
   * @return how many bytes the request's buffers have, as its status is at their end
   * @throws BrokenRing when it has no place for what every request has
   */
  long serve(DescriptorChain chain, boolean durable) throws BrokenRing {
    GuestBuffer readable = chain.readable();
    GuestBuffer writable = chain.writable();
    if (readable.length() < HEADER || writable.length() < 1) {
      throw new BrokenRing(QueueError.REQUEST_FORM);
    }
    ByteBuffer header = words(readable.slice(0, HEADER));
    int type = header.getInt(0);
    long sector = header.getLong(8);
    GuestBuffer out = readable.slice(HEADER, readable.length() - HEADER);
    GuestBuffer in = writable.slice(0, writable.length() - 1);
    Status status;
    try {
      status =
          switch (type) {
            case IN -> read(sector, in);
            case OUT -> write(sector, out, durable);
            case FLUSH -> flush();
            case GET_ID -> tellId(in);
            case DISCARD, WRITE_ZEROES -> clear(out, type == DISCARD, durable);
            default -> Status.UNSUPP;
          };
    } catch (IOException | RuntimeException | Error _) {
      // Even when the host is out of memory the guest gets an answer.
      status = Status.IOERR;
    }
    writable.slice(in.length(), 1).put(new byte[] {(byte) status.ordinal()});
    return writable.length();
  }

  private static ByteBuffer words(GuestBuffer buffer) {
    return ByteBuffer.wrap(buffer.bytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  private boolean inside(long sector, long sectors) {
    long capacity = backend.size() >> VirtioBlk.SECTOR_SHIFT;
    return sector >= 0 && sectors <= capacity && sector <= capacity - sectors;
  }

  private boolean inside(long sector, GuestBuffer data) {
    long sectors = data.length() >> VirtioBlk.SECTOR_SHIFT;
    return sectors << VirtioBlk.SECTOR_SHIFT == data.length() && inside(sector, sectors);
  }

  private Status read(long sector, GuestBuffer in) throws IOException {
    if (!inside(sector, in)) {
      return Status.IOERR;
    }
    long offset = sector << VirtioBlk.SECTOR_SHIFT;
    try {
      for (ByteBuffer piece : in.pieces()) {
        int length = piece.remaining();
        backend.read(offset, piece);
        offset += length;
      }
    } finally {
      in.written();
    }
    return Status.OK;
  }

  private Status write(long sector, GuestBuffer out, boolean durable) throws IOException {
    if (!inside(sector, out) || backend.readOnly()) {
      return Status.IOERR;
    }
    long offset = sector << VirtioBlk.SECTOR_SHIFT;
    for (ByteBuffer piece : out.pieces()) {
      int length = piece.remaining();
      backend.write(offset, piece);
      offset += length;
    }
    return durable ? flush() : Status.OK;
  }

  private Status flush() throws IOException {
    if (!backend.readOnly()) {
      backend.flush();
    }
    return Status.OK;
  }

  private Status tellId(GuestBuffer in) {
    in.put(Arrays.copyOf(id, (int) Math.min(ID_LENGTH, in.length())));
    return Status.OK;
  }

  /** All segments are looked at before the first is served. */
  private Status clear(GuestBuffer out, boolean discard, boolean durable) throws IOException {
    if (backend.readOnly()) {
      return Status.IOERR;
    }
    if (out.length() % SEGMENT != 0 || out.length() > MOST_SEGMENTS * SEGMENT) {
      return Status.IOERR;
    }
    ByteBuffer segments = words(out);
    int most = discard ? MOST_DISCARD_SECTORS : MOST_ZERO_SECTORS;
    for (int at = 0; at < segments.limit(); at += SEGMENT) {
      int flags = segments.getInt(at + 12);
      if ((flags & ~(discard ? 0 : UNMAP)) != 0) {
        return Status.UNSUPP;
      }
      long sectors = segments.getInt(at + 8) & 0xFFFF_FFFFL;
      if (sectors > most || !inside(segments.getLong(at), sectors)) {
        return Status.IOERR;
      }
    }
    for (int at = 0; at < segments.limit(); at += SEGMENT) {
      long offset = segments.getLong(at) << VirtioBlk.SECTOR_SHIFT;
      long length = (long) segments.getInt(at + 8) << VirtioBlk.SECTOR_SHIFT;
      if (discard) {
        backend.discard(offset, length);
      } else {
        backend.writeZeroes(offset, length, (segments.getInt(at + 12) & UNMAP) != 0);
      }
    }
    return durable ? flush() : Status.OK;
  }
}
