package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import lodge.core.BlockBackend;

/**
 * When what is written to a disk is durable, and whether it goes through the host's page cache, by
 * QEMU's names ({@code -drive cache=}).
 */
public enum CacheMode {
  /** After a flush. */
  WRITEBACK,
  /** The same, past the host's page cache. */
  NONE,
  /** When the write is done; the guest sees a disk without write cache. */
  WRITETHROUGH,
  /** The same, past the host's page cache. */
  DIRECTSYNC,
  /** When the host pleases, for disks that nobody needs when the host stops. */
  UNSAFE;

  /** Whether the image is to {@link DiskImage#bypassCache}. */
  public boolean bypassesCache() {
    return this == NONE || this == DIRECTSYNC;
  }

  /** The disk with this mode; it is closed with the result. */
  public BlockBackend over(BlockBackend disk) {
    return switch (this) {
      case WRITEBACK, NONE -> disk;
      case WRITETHROUGH, DIRECTSYNC -> new WriteThrough(disk);
      case UNSAFE -> new Unflushed(disk);
    };
  }

  private static final class WriteThrough extends BlockFilter {
    WriteThrough(BlockBackend disk) {
      super(disk);
    }

    @Override
    public boolean answersAtOnce() {
      return false;
    }

    @Override
    public boolean writeCache() {
      return false;
    }

    /** Everything is durable already. */
    @Override
    public void flush() {}

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
      disk.write(offset, from);
      disk.flush();
    }

    @Override
    public void discard(long offset, long length) throws IOException {
      disk.discard(offset, length);
      disk.flush();
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
      disk.writeZeroes(offset, length, mayUnmap);
      disk.flush();
    }
  }

  private static final class Unflushed extends BlockFilter {
    Unflushed(BlockBackend disk) {
      super(disk);
    }

    @Override
    public void flush() {}
  }
}
