package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A file past the host's page cache (O_DIRECT), where requests are made of whole blocks of its file
 * system; buffers that are not aligned in memory are copied. What is left over goes through the
 * cache. The host keeps both ways consistent as long as nobody writes through the cache while
 * others go past it: for that writes of parts of blocks are alone.
 */
final class DirectChannel implements AutoCloseable {
  /** The most that is copied at once. */
  private static final int PIECE = 1 << 20;

  /** Found by its name: the compiler warns of whoever links to it, and that breaks the build. */
  private static final String OPTIONS = "com.sun.nio.file.ExtendedOpenOption";

  private final FileChannel cached;
  private final FileChannel direct;
  private final int block;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final ThreadLocal<ByteBuffer> bounce;

  private DirectChannel(FileChannel cached, FileChannel direct, int block) {
    this.cached = cached;
    this.direct = direct;
    this.block = block;
    this.bounce =
        ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(PIECE + block).alignedSlice(block));
  }

  /**
   * Empty when the file system cannot do that.
   *
   * @param cached the same file through the cache; closed by somebody else
   */
  static Optional<DirectChannel> open(Path path, FileChannel cached, boolean readOnly) {
    try {
      Set<OpenOption> options = new HashSet<>(Set.of(StandardOpenOption.READ, direct()));
      if (!readOnly) {
        options.add(StandardOpenOption.WRITE);
      }
      long block = Files.getFileStore(path).getBlockSize();
      if (block > PIECE || Long.bitCount(block) != 1) {
        return Optional.empty();
      }
      return Optional.of(new DirectChannel(cached, FileChannel.open(path, options), (int) block));
    } catch (IOException | UnsupportedOperationException | ClassNotFoundException _) {
      return Optional.empty();
    }
  }

  private static OpenOption direct() throws ClassNotFoundException {
    return Arrays.stream(Class.forName(OPTIONS).getEnumConstants())
        .map(OpenOption.class::cast)
        .filter(option -> option.toString().equals("DIRECT"))
        .findFirst()
        .orElseThrow(UnsupportedOperationException::new);
  }

  /** As {@link FileChannel#read(ByteBuffer, long)}. */
  int read(ByteBuffer into, long at) throws IOException {
    int limit = into.limit();
    into.limit(into.position() + next(into.remaining(), at));
    Lock shared = lock.readLock();
    shared.lock();
    try {
      if (!isWhole(into.remaining(), at)) {
        return cached.read(into, at);
      }
      if (isAligned(into)) {
        return direct.read(into, at);
      }
      ByteBuffer copy = bounce.get().clear().limit(into.remaining());
      int count = direct.read(copy, at);
      into.put(copy.flip());
      return count;
    } finally {
      shared.unlock();
      into.limit(limit);
    }
  }

  /** As {@link FileChannel#write(ByteBuffer, long)}. */
  int write(ByteBuffer from, long at) throws IOException {
    int limit = from.limit();
    from.limit(from.position() + next(from.remaining(), at));
    boolean whole = isWhole(from.remaining(), at);
    Lock held = whole ? lock.readLock() : lock.writeLock();
    held.lock();
    try {
      if (!whole) {
        return cached.write(from, at);
      }
      if (isAligned(from)) {
        return direct.write(from, at);
      }
      ByteBuffer copy = bounce.get().clear().put(from.duplicate()).flip();
      int count = direct.write(copy, at);
      from.position(from.position() + count);
      return count;
    } finally {
      held.unlock();
      from.limit(limit);
    }
  }

  /** How much goes one way: up to the next block, whole blocks, or what is left of one. */
  private int next(int length, long at) {
    int into = (int) (at & block - 1);
    if (into != 0) {
      return Math.min(length, block - into);
    }
    return length < block ? length : Math.min(length, PIECE) & -block;
  }

  private boolean isWhole(int length, long at) {
    return ((length | at) & block - 1) == 0;
  }

  private boolean isAligned(ByteBuffer buffer) {
    return buffer.isDirect() && buffer.alignmentOffset(buffer.position(), block) == 0;
  }

  @Override
  public void close() throws IOException {
    direct.close();
  }
}
