package lodge.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * To which pages a vCPU may have a direct write path. Its own thread opens and closes; others look
 * and ask.
 */
final class WritePaths {
  private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(byte[].class);
  private static final int CHUNK_SHIFT = 12;
  private static final int CHUNK = 1 << CHUNK_SHIFT;

  private static final byte CLOSED = 0;
  private static final byte OPEN = 1;

  /** Open, and somebody waits for it to be closed. */
  private static final byte ASKED = 2;

  private final AtomicReferenceArray<byte[]> chunks;

  WritePaths(int frames) {
    chunks = new AtomicReferenceArray<>((frames >>> CHUNK_SHIFT) + 1);
  }

  /** True when it was closed before. Whoever looks afterwards sees it open. */
  boolean open(int frame) {
    byte[] chunk = chunks.getPlain(frame >>> CHUNK_SHIFT);
    if (chunk == null) {
      chunk = new byte[CHUNK];
      chunks.set(frame >>> CHUNK_SHIFT, chunk);
    }
    int i = frame & CHUNK - 1;
    if ((byte) STATE.getOpaque(chunk, i) != CLOSED) {
      return false;
    }
    STATE.setVolatile(chunk, i, OPEN);
    VarHandle.fullFence();
    return true;
  }

  /** Closes what was opened just now and not used; one that others ask for stays as it is. */
  void cancel(int frame) {
    STATE.compareAndSet(chunks.getPlain(frame >>> CHUNK_SHIFT), frame & CHUNK - 1, OPEN, CLOSED);
  }

  void close(int frame) {
    byte[] chunk = chunks.getPlain(frame >>> CHUNK_SHIFT);
    if (chunk != null) {
      STATE.setVolatile(chunk, frame & CHUNK - 1, CLOSED);
    }
  }

  /** From any thread. */
  boolean closed(int frame) {
    byte[] chunk = chunks.get(frame >>> CHUNK_SHIFT);
    return chunk == null || (byte) STATE.getVolatile(chunk, frame & CHUNK - 1) == CLOSED;
  }

  /** From any thread: true when the owner has to be told. */
  boolean ask(int frame) {
    byte[] chunk = chunks.get(frame >>> CHUNK_SHIFT);
    return chunk != null && STATE.compareAndSet(chunk, frame & CHUNK - 1, OPEN, ASKED);
  }
}
