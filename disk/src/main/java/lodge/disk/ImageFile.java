package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import lodge.disk.DiskException.Kind;

/** An image's file: whole reads and writes, and errors that say where. */
final class ImageFile implements AutoCloseable {
  /** The JDK keeps a copy of this size outside of the heap for each thread. */
  private static final int PIECE = 1 << 20;

  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(1 << 16).asReadOnlyBuffer();

  /** How the JDK tells ENOSPC and EDQUOT apart from other errors: by the C library's words. */
  private static final Set<String> FULL = Set.of("No space left on device", "Disk quota exceeded");

  private static final String LOST =
      "; what was written since the last flush may be lost, and nothing more is written";

  private final Path path;
  private final FileChannel channel;
  private final boolean readOnly;
  private final NativeFile handle;
  private volatile Optional<DirectChannel> direct = Optional.empty();
  private volatile long end;

  /** Null when the file is read as it is. */
  private volatile FilePatches patches;

  /** Whether nobody knows what the file has, as {@link #force} or {@link #commit} failed. */
  private volatile boolean doubtful;

  /** For tests, which watch what is written. */
  ImageFile(Path path, FileChannel channel, boolean readOnly, NativeFile handle)
      throws IOException {
    this.path = path;
    this.channel = channel;
    this.readOnly = readOnly;
    this.handle = handle;
    end = channel.size();
  }

  static ImageFile open(Path path, boolean readOnly) throws DiskException {
    return open(path, Access.of(readOnly));
  }

  /** Nothing but a plain file: others may block for ever, or have no size. */
  static ImageFile open(Path path, Access access) throws DiskException {
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new DiskException(
          Kind.HOST, path, "open", DiskException.NOWHERE, "it is not a plain file", null);
    }
    return open(
        path,
        access,
        "open",
        access.isReadOnly()
            ? Set.of(StandardOpenOption.READ)
            : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /** A new, empty file. */
  static ImageFile create(Path path) throws DiskException {
    return open(
        path,
        Access.WRITE,
        "create",
        Set.of(
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE));
  }

  private static ImageFile open(
      Path path, Access access, String operation, Set<StandardOpenOption> options)
      throws DiskException {
    try {
      FileChannel channel = FileChannel.open(path, options);
      NativeFile handle = new NativeFile(path, access.isReadOnly());
      if (!ImageLock.take(handle, access)) {
        String holders = ImageLock.holders(path);
        handle.close();
        channel.close();
        throw new DiskException(
            Kind.IN_USE,
            path,
            operation,
            DiskException.NOWHERE,
            "it is in use by " + holders,
            null);
      }
      return new ImageFile(path, channel, access.isReadOnly(), handle);
    } catch (DiskException e) {
      throw e;
    } catch (IOException e) {
      throw new DiskException(Kind.HOST, path, operation, DiskException.NOWHERE, reason(e), e);
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> "there is no such file";
      case FileAlreadyExistsException _ -> "there is such a file already";
      case AccessDeniedException _ -> "permission denied";
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }

  Path path() {
    return path;
  }

  boolean readOnly() {
    return readOnly;
  }

  /**
   * Goes past the host's page cache from now on.
   *
   * @return false when the file system cannot do that
   */
  boolean bypassCache() {
    direct = DirectChannel.open(path, channel, readOnly);
    return direct.isPresent();
  }

  /** Whether requests go past the host's page cache. */
  boolean isDirect() {
    return direct.isPresent();
  }

  private int in(ByteBuffer into, long at) throws IOException {
    return direct.isPresent() ? direct.get().read(into, at) : channel.read(into, at);
  }

  private int out(ByteBuffer from, long at) throws IOException {
    return direct.isPresent() ? direct.get().write(from, at) : channel.write(from, at);
  }

  /** The first offset after the last byte. */
  long end() {
    return end;
  }

  /** Fills what remains of a buffer; there are zeroes after the end. */
  void read(long offset, ByteBuffer into) throws DiskException {
    long at = offset;
    ByteBuffer all = patches == null ? null : into.slice();
    try {
      while (into.hasRemaining()) {
        int limit = into.limit();
        into.limit(into.position() + Math.min(PIECE, into.remaining()));
        int count = at < end ? in(into, at) : -1;
        into.limit(limit);
        if (count < 0) {
          Buffers.zero(into, into.remaining());
        } else {
          at += count;
        }
      }
    } catch (IOException e) {
      throw failure("read", at, e);
    }
    if (all != null) {
      patches.apply(offset, all);
    }
  }

  /**
   * What is read from now on is different from what the file has.
   *
   * @param least how long the file is then at least
   */
  synchronized void patch(FilePatches instead, long least) {
    patches = instead;
    end = Math.max(end, least);
  }

  /** The same for what has to be there. */
  void readAll(long offset, ByteBuffer into, String what) throws DiskException {
    if (offset < 0 || offset > end - into.remaining()) {
      throw error(Kind.CORRUPT, "read", offset, what + " goes past the end of the file");
    }
    read(offset, into);
  }

  void write(long offset, ByteBuffer from) throws DiskException {
    checkNotDoubtful("write", offset);
    long at = offset;
    try {
      while (from.hasRemaining()) {
        int limit = from.limit();
        from.limit(from.position() + Math.min(PIECE, from.remaining()));
        at += out(from, at);
        from.limit(limit);
      }
    } catch (IOException e) {
      throw failure("write", at, e);
    }
    synchronized (this) {
      end = Math.max(end, at);
    }
  }

  void writeZeroes(long offset, long length) throws DiskException {
    for (long done = 0; done < length; ) {
      int count = (int) Math.min(length - done, ZEROES.capacity());
      write(offset + done, ZEROES.slice(0, count));
      done += count;
    }
  }

  /** Zeroes are read there afterwards, and no space is taken; false when that is not possible. */
  boolean punch(long offset, long length) {
    return !doubtful && handle != null && handle.punch(offset, length);
  }

  /** Cuts the file or lets it end later, with a hole before. */
  synchronized void setEnd(long size) throws DiskException {
    checkNotDoubtful("resize", size);
    try {
      if (size < end) {
        channel.truncate(size);
      } else if (size > end) {
        out(ByteBuffer.allocate(1), size - 1);
      }
      end = size;
    } catch (IOException e) {
      throw failure("resize", size, e);
    }
  }

  /**
   * Returns when all writes before are durable. When the host fails to make them so, the next time
   * succeeds without them: Linux counts pages as clean whose write failed. So nothing is written
   * any more then, and every flush fails.
   */
  void force() throws DiskException {
    checkNotDoubtful("flush", DiskException.NOWHERE);
    try {
      channel.force(false);
    } catch (IOException e) {
      doubtful = true;
      throw new DiskException(Kind.HOST, path, "flush", DiskException.NOWHERE, reason(e) + LOST, e);
    }
  }

  private void checkNotDoubtful(String operation, long offset) throws DiskException {
    if (doubtful) {
      throw error(Kind.HOST, operation, offset, "a write failed before" + LOST);
    }
  }

  /**
   * Writes what makes valid what was written before, durably. When that fails nobody knows whether
   * it is valid, so nothing is written any more.
   */
  void commit(long offset, ByteBuffer from) throws DiskException {
    boolean done = false;
    try {
      write(offset, from);
      force();
      done = true;
    } finally {
      doubtful |= !done;
    }
  }

  DiskException error(Kind kind, String operation, long offset, String reason) {
    return new DiskException(kind, path, operation, offset, reason, null);
  }

  private DiskException failure(String operation, long offset, IOException e) {
    String reason = reason(e);
    Kind kind = FULL.contains(reason) ? Kind.NO_SPACE : Kind.HOST;
    return new DiskException(kind, path, operation, offset, reason, e);
  }

  @Override
  public void close() throws DiskException {
    try {
      if (handle != null) {
        handle.close();
      }
      if (direct.isPresent()) {
        direct.get().close();
      }
      channel.close();
    } catch (IOException e) {
      throw failure("close", DiskException.NOWHERE, e);
    }
  }
}
