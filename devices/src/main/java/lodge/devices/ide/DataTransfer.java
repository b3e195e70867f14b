package lodge.devices.ide;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.Executor;
import lodge.core.BlockBackend;

/**
 * Moves the data of one command, a block after the other, between the host and the medium or a
 * reply: through the data register (PIO) or by the bus master (DMA). The channel's lock guards it;
 * the medium is read and written without it, by the drive's own thread.
 */
public final class DataTransfer {
  /** Most bytes that are moved in one go by DMA. */
  private static final int DMA_BLOCK = 128 << 10;

  /** Most bytes that a reply has, or a list that the host sends. */
  static final int MAX_BYTES = 1 << 16;

  private static final byte[] NONE = {};

  /** What is moved from where to where. */
  public enum Flow {
    NOTHING,
    /** Bytes to the host. */
    SEND,
    /** Bytes from the host. */
    RECEIVE,
    /** The medium to the host. */
    READ,
    /** The host to the medium. */
    WRITE
  }

  /** What happens now. */
  public enum Phase {
    IDLE,
    /** The medium is being accessed. */
    BUSY,
    /** The host is to read a block at the data register. */
    IN,
    /** The host is to write a block to the data register. */
    OUT,
    /** The bus master is to be started. */
    DMA
  }

  /** The drive. Called with the lock held. */
  interface Owner {
    BlockBackend medium();

    /** The data register has a block, or wants one. */
    void blockReady(Flow flow, int length, boolean first);

    void done(Flow flow, boolean dma);

    /** The medium could not be accessed at {@link #offset}. */
    void failed(Flow flow);

    /** The drive's own thread has changed something. */
    void changed();
  }

  /** Work on the medium. */
  interface Io {
    void run() throws IOException;
  }

  private final Object lock;
  private final BusMaster busMaster;
  private final Owner owner;
  private final Worker worker;

  private Phase phase = Phase.IDLE;
  private Flow flow = Flow.NOTHING;
  private boolean dma;
  private boolean through;
  private boolean first;

  /** The next byte, of the medium or of {@link #bytes}, and how many there are from there on. */
  private long offset;

  private long remaining;
  private int blockBytes;
  private byte[] bytes = NONE;

  /** What is at the data register, and how far the host has come. */
  private byte[] block = NONE;

  private int position;

  /** Stands for the access to the medium that is not abandoned. */
  private Object underWay;

  /** With no access to the medium under way. */
  public record State(
      Phase phase,
      Flow flow,
      boolean dma,
      boolean through,
      long offset,
      long remaining,
      int blockBytes,
      byte[] bytes,
      byte[] block,
      int position) {
    /** Checks what can be checked without the machine. */
    public State {
      bytes = bytes.clone();
      block = block.clone();
      boolean usesBytes = flow == Flow.SEND || flow == Flow.RECEIVE;
      boolean atRegister = phase == Phase.IN || phase == Phase.OUT;
      if (phase == Phase.BUSY
          || phase == Phase.IDLE != (flow == Flow.NOTHING)
          || phase == Phase.DMA && !dma
          || phase == Phase.IN && flow != Flow.SEND && flow != Flow.READ
          || phase == Phase.OUT && flow != Flow.RECEIVE && flow != Flow.WRITE
          || offset < 0
          || remaining < 0
          || flow != Flow.NOTHING && (blockBytes < 1 || blockBytes > MAX_BYTES)
          || usesBytes && (bytes.length > MAX_BYTES || remaining != bytes.length - offset)
          || atRegister && (block.length > remaining || block.length > blockBytes)
          || atRegister && (position < 0 || position >= block.length)) {
        throw new IllegalArgumentException("not the state of a transfer");
      }
    }
  }

  DataTransfer(Object lock, BusMaster busMaster, Executor executor, Owner owner) {
    this.lock = lock;
    this.busMaster = busMaster;
    this.owner = owner;
    this.worker = new Worker(executor);
  }

  Phase phase() {
    return phase;
  }

  /** The first byte of the medium that is not transferred. */
  long offset() {
    return offset;
  }

  /** What was received. */
  byte[] bytes() {
    return bytes;
  }

  /**
   * Sends a reply.
   *
   * @param block most bytes at the data register in one go
   */
  void send(byte[] reply, int block, boolean byDma) {
    bytes = reply;
    begin(Flow.SEND, 0, reply.length, block, byDma);
  }

  /** Receives a list. */
  void receive(int length, int block, boolean byDma) {
    bytes = new byte[length];
    begin(Flow.RECEIVE, 0, length, block, byDma);
  }

  /** Sends a part of the medium. */
  void read(long from, long length, int block, boolean byDma) {
    begin(Flow.READ, from, length, block, byDma);
  }

  /**
   * Overwrites a part of the medium.
   *
   * @param durable whether it has to be durable at the end
   */
  void write(long from, long length, int block, boolean byDma, boolean durable) {
    through = durable;
    begin(Flow.WRITE, from, length, block, byDma);
  }

  /** Moves no data, but accesses the medium. */
  void work(Io io) {
    flow = Flow.NOTHING;
    remaining = 0;
    access(io, this::next);
  }

  private void begin(Flow wanted, long from, long length, int block, boolean byDma) {
    flow = wanted;
    offset = from;
    remaining = length;
    blockBytes = block;
    dma = byDma;
    first = true;
    next();
  }

  private void next() {
    if (remaining == 0) {
      finish();
    } else if (dma && !busMaster.active()) {
      phase = Phase.DMA;
    } else {
      int length = (int) Math.min(remaining, dma ? DMA_BLOCK : blockBytes);
      switch (flow) {
        case SEND -> offer(Arrays.copyOfRange(bytes, (int) offset, (int) offset + length));
        case READ -> {
          byte[] piece = new byte[length];
          long from = offset;
          BlockBackend medium = owner.medium();
          access(() -> medium.read(from, ByteBuffer.wrap(piece)), () -> offer(piece));
        }
        case RECEIVE, WRITE -> demand(length);
        case NOTHING -> throw new IllegalStateException();
      }
    }
  }

  private void finish() {
    Flow finished = flow;
    if (dma) {
      busMaster.complete();
    }
    boolean byDma = dma;
    idle();
    owner.done(finished, byDma);
  }

  private void idle() {
    phase = Phase.IDLE;
    flow = Flow.NOTHING;
    dma = false;
    through = false;
    block = NONE;
  }

  private void offer(byte[] piece) {
    if (!dma) {
      atRegister(Phase.IN, piece);
      return;
    }
    int moved = busMaster.store(piece);
    advance(moved);
    if (moved == piece.length) {
      next();
    } else {
      phase = Phase.DMA;
    }
  }

  private void demand(int length) {
    byte[] piece = new byte[length];
    if (!dma) {
      atRegister(Phase.OUT, piece);
      return;
    }
    int moved = busMaster.load(piece);
    if (moved == 0) {
      phase = Phase.DMA;
    } else {
      accept(moved == length ? piece : Arrays.copyOf(piece, moved));
    }
  }

  private void accept(byte[] piece) {
    if (flow == Flow.RECEIVE) {
      System.arraycopy(piece, 0, bytes, (int) offset, piece.length);
      advance(piece.length);
      next();
      return;
    }
    long to = offset;
    boolean flush = through && piece.length == remaining;
    BlockBackend medium = owner.medium();
    Io store =
        () -> {
          medium.write(to, ByteBuffer.wrap(piece));
          if (flush) {
            medium.flush();
          }
        };
    access(
        store,
        () -> {
          advance(piece.length);
          next();
        });
  }

  private void advance(int moved) {
    offset += moved;
    remaining -= moved;
  }

  private void atRegister(Phase direction, byte[] piece) {
    phase = direction;
    block = piece;
    position = 0;
    owner.blockReady(flow, piece.length, first);
    first = false;
  }

  /**
   * The host reads the data register.
   *
   * @param size 2 or 4
   */
  int readData(int size) {
    if (phase != Phase.IN) {
      return 0;
    }
    int value = 0;
    for (int i = 0; i < size && position + i < block.length; i++) {
      value |= (block[position + i] & 0xFF) << 8 * i;
    }
    position += size;
    if (position >= block.length) {
      advance(block.length);
      next();
    }
    return value;
  }

  /** The host writes to the data register. */
  void writeData(int size, int value) {
    if (phase != Phase.OUT) {
      return;
    }
    for (int i = 0; i < size && position + i < block.length; i++) {
      block[position + i] = (byte) (value >> 8 * i);
    }
    position += size;
    if (position >= block.length) {
      accept(block);
    }
  }

  /** The bus master was started. */
  void busMasterStarted() {
    if (phase == Phase.DMA) {
      next();
    }
  }

  private void access(Io io, Runnable then) {
    phase = Phase.BUSY;
    Object ticket = new Object();
    underWay = ticket;
    worker.submit(() -> run(ticket, io, then));
  }

  private void run(Object ticket, Io io, Runnable then) {
    synchronized (lock) {
      if (underWay != ticket) {
        return;
      }
    }
    boolean good = true;
    try {
      io.run();
    } catch (IOException | RuntimeException | Error _) {
      // Even when the host is out of memory the guest gets an answer.
      good = false;
    }
    synchronized (lock) {
      if (underWay == ticket) {
        underWay = null;
        if (good) {
          then.run();
        } else {
          Flow failed = flow;
          idle();
          owner.failed(failed);
        }
        owner.changed();
      }
    }
  }

  /** Whatever is under way has no effect on the guest any more. */
  void abandon() {
    underWay = null;
    worker.drop();
    idle();
  }

  /** Waits, without the lock, until nobody accesses the medium. */
  void awaitQuiet() {
    worker.awaitIdle();
  }

  State state() {
    return new State(
        phase, flow, dma, through, offset, remaining, blockBytes, bytes, block, position);
  }

  /**
   * @throws IllegalArgumentException when it leads out of the medium; nothing changed then
   */
  static void check(State state, long mediumBytes) {
    boolean usesMedium = state.flow == Flow.READ || state.flow == Flow.WRITE;
    if (usesMedium && state.offset > mediumBytes - state.remaining) {
      throw new IllegalArgumentException("a transfer outside of the medium");
    }
  }

  void restore(State state) {
    abandon();
    phase = state.phase;
    flow = state.flow;
    dma = state.dma;
    through = state.through;
    offset = state.offset;
    remaining = state.remaining;
    blockBytes = state.blockBytes;
    bytes = state.bytes.clone();
    block = state.block.clone();
    position = state.position;
    first = false;
  }
}
