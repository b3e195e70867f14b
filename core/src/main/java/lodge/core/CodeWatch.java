package lodge.core;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps what engines know of code true while others write to guest memory.
 *
 * <p>Each vCPU has decoded or translated code of its own, and direct write paths of its own. A page
 * of which anybody holds code carries {@link GuestMemory#CODE}, and then nobody has a direct write
 * path to it: stores take the slow path, which asks here whose code they hit. Two rules make that
 * hold between threads:
 *
 * <ul>
 *   <li>Before a vCPU reads bytes to decode them it {@linkplain Member#cover covers} them. That
 *       returns only when no other vCPU can write to the page unnoticed any more: those that may
 *       are asked to give up their write paths, and waited for, unless they are not executing.
 *   <li>Who has written to a page that holds code {@linkplain Member#written says so}. Those whose
 *       decoded bytes were hit find it in their mailbox at their next look at their attention flag,
 *       and always before they take an interrupt that was sent after the store. That is what code
 *       that patches itself on several processors needs (SDM volume 3, 10.1.3).
 * </ul>
 *
 * <p>A waiting vCPU serves what it is asked for itself, so two cannot wait for each other. With one
 * vCPU nothing is listed and nobody waits.
 */
public final class CodeWatch {
  /** Resolution in which decoded bytes are listed: bit n of a set stands for 64 bytes. */
  public static final int GRAIN_SHIFT = 6;

  private static final int CHUNK_SHIFT = 10;
  private static final int CHUNK = 1 << CHUNK_SHIFT;
  private static final byte NOT_CODE = ~GuestMemory.CODE;

  private static final int PAIR_LOCKS = 64;

  private static final int SPINS = 1_000;
  private static final int YIELDS = 100;
  private static final long NAP_NANOS = 50_000;

  /** What an engine does about its vCPU's code; called in the vCPU's own thread only. */
  public interface Cache {
    /** Takes the direct write paths away from a page. */
    void protectFromWrites(long gpaPage);

    /** Forgets all code of a page, and tells so with {@link Member#release}. */
    void codeChanged(long gpaPage);
  }

  private final GuestMemory memory;
  private final byte[] pageFlags;
  private final Object splitLock = new Object();
  private final Object[] pairLocks = new Object[PAIR_LOCKS];
  private volatile Member[] members = {};

  /**
   * Guarded by this: by chunk, frame in it and member, the grains that it has decoded; behind them
   * the set of members (bit n: number n) in whose mailbox the page is. Null where all is 0.
   */
  private final long[][][] decoded;

  CodeWatch(GuestMemory memory) {
    this.memory = memory;
    this.pageFlags = memory.pageFlags();
    this.decoded = new long[(pageFlags.length >>> CHUNK_SHIFT) + 1][][];
    Arrays.setAll(pairLocks, i -> new Object());
  }

  /** The grains of a range of bytes within a page. */
  public static long grains(int offset, int length) {
    int first = offset >> GRAIN_SHIFT;
    int last = offset + length - 1 >> GRAIN_SHIFT;
    return -1L << first & -1L >>> 63 - last;
  }

  /**
   * Adds a vCPU, before any of the machine executes; at most 64.
   *
   * @param wake sets its attention flag; called from any thread, must not block
   */
  public synchronized Member join(Runnable wake) {
    Member[] grown = new Member[members.length + 1];
    System.arraycopy(members, 0, grown, 0, members.length);
    Member member = new Member(this, members.length, wake);
    grown[members.length] = member;
    members = grown;
    memory.share(grown.length > 1);
    return member;
  }

  /**
   * Somebody who is no vCPU has written to guest memory: vCPUs forget what they had decoded of it.
   * From any thread.
   */
  public void written(long gpa, long length) {
    VarHandle.fullFence();
    for (long page = gpa & -GuestMemory.PAGE_SIZE;
        page < gpa + length;
        page += GuestMemory.PAGE_SIZE) {
      if (memory.isReadable(page) && holdsCode((int) (page >>> GuestMemory.PAGE_SHIFT))) {
        int from = (int) Math.max(gpa - page, 0);
        int to = (int) Math.min(gpa + length - page, GuestMemory.PAGE_SIZE);
        post((int) (page >>> GuestMemory.PAGE_SHIFT), grains(from, to - from));
      }
    }
  }

  private synchronized void post(int frame, long grains) {
    if (members.length == 1) {
      // What it has decoded is not listed.
      sets(frame)[0] = -1;
    }
    report(null, frame, grains);
  }

  /** See {@link GuestMemory#setWritable}. */
  synchronized void setWritable(int firstFrame, int endFrame, boolean writable) {
    for (int frame = firstFrame; frame < endFrame; frame++) {
      int code = pageFlags[frame] & GuestMemory.CODE;
      pageFlags[frame] = (byte) (code | (writable ? GuestMemory.RAM : GuestMemory.ROM));
    }
    if (writable) {
      return;
    }
    for (Member member : members) {
      for (int frame = firstFrame; frame < endFrame; frame++) {
        member.unprotected.add(frame);
      }
      member.wake.run();
    }
  }

  /**
   * Held by a vCPU during a locked access that no atomic instruction of the host can do. Not for
   * anything that waits for another vCPU.
   */
  public Object splitLock() {
    return splitLock;
  }

  /** As {@link #splitLock}, for the 16 bytes at a GPA. */
  public Object pairLock(long gpa) {
    return pairLocks[(int) (gpa >>> 4) & PAIR_LOCKS - 1];
  }

  boolean holdsCode(int frame) {
    return (pageFlags[frame] & GuestMemory.CODE) != 0;
  }

  boolean single() {
    return members.length == 1;
  }

  /** Tells all others whose code was hit; takes the page's flag away when no code is left. */
  private void report(Member writer, int frame, long grains) {
    long[] sets = sets(frame);
    int told = members.length;
    long left = 0;
    for (Member member : members) {
      int number = member.number;
      if (member != writer && (sets[number] & grains) != 0 && (sets[told] >> number & 1) == 0) {
        sets[told] |= 1L << number;
        member.changed.add(frame);
        member.wake.run();
      }
      left |= sets[number];
    }
    if (left == 0) {
      pageFlags[frame] &= NOT_CODE;
    }
  }

  private long[] sets(int frame) {
    long[][] chunk = decoded[frame >>> CHUNK_SHIFT];
    if (chunk == null) {
      chunk = new long[CHUNK][];
      decoded[frame >>> CHUNK_SHIFT] = chunk;
    }
    long[] sets = chunk[frame & CHUNK - 1];
    if (sets == null || sets.length <= members.length) {
      sets = new long[members.length + 1];
      chunk[frame & CHUNK - 1] = sets;
    }
    return sets;
  }

  /** The place of one vCPU. Methods are for its own thread unless they say otherwise. */
  public static final class Member {
    private final CodeWatch watch;
    private final int number;
    private final Runnable wake;
    private final WritePaths paths;

    /** How often {@link #cover} has waited for another vCPU. */
    private long waits;

    /** Executing: may be waited for. */
    private volatile boolean running;

    // Guarded by watch.
    private final Mailbox unprotected = new Mailbox();
    private final Mailbox changed = new Mailbox();

    private Member(CodeWatch watch, int number, Runnable wake) {
      this.watch = watch;
      this.number = number;
      this.wake = wake;
      this.paths = new WritePaths(watch.pageFlags.length);
    }

    /** Whether there is no other vCPU. */
    public boolean single() {
      return watch.single();
    }

    /** How often {@link #cover} has waited for another vCPU. */
    public long waits() {
      return waits;
    }

    /** To be called before the first instruction of each {@link Vcpu#run}. */
    public void enter(Cache cache) {
      if (!single()) {
        running = true;
        serve(cache);
      }
    }

    /** To be called when {@link Vcpu#run} ends, in whatever way. */
    public void leave() {
      if (running) {
        running = false;
      }
    }

    /**
     * Acts upon what others ask for. To be called after the attention flag was cleared, and after
     * an interrupt was taken from the APIC, before it is delivered.
     */
    public void serve(Cache cache) {
      serveProtections(cache);
      if (changed.waits) {
        for (int frame : take(changed)) {
          cache.codeChanged((long) frame << GuestMemory.PAGE_SHIFT);
        }
      }
    }

    private void serveProtections(Cache cache) {
      if (unprotected.waits) {
        for (int frame : take(unprotected)) {
          cache.protectFromWrites((long) frame << GuestMemory.PAGE_SHIFT);
          paths.close(frame);
        }
      }
    }

    private int[] take(Mailbox mailbox) {
      synchronized (watch) {
        return mailbox.take();
      }
    }

    /**
     * Whether a direct write path to a page of RAM may be made. It may be taken away any time that
     * {@link #serve} or {@link #cover} is called.
     */
    public boolean mayWrite(int frame) {
      if (single()) {
        return !watch.holdsCode(frame);
      }
      boolean opened = paths.open(frame);
      if (!watch.holdsCode(frame)) {
        return true;
      }
      if (opened) {
        paths.cancel(frame);
      }
      return false;
    }

    /**
     * To be called before bytes are read to be decoded. Other requests than those for write paths
     * are not served meanwhile.
     *
     * @param grains all that may come to be decoded; {@link #narrow} tells later
     */
    public void cover(long gpaPage, long grains, Cache cache) {
      int frame = (int) (gpaPage >>> GuestMemory.PAGE_SHIFT);
      if (single()) {
        if (!watch.holdsCode(frame)) {
          synchronized (watch) {
            watch.pageFlags[frame] |= GuestMemory.CODE;
          }
          cache.protectFromWrites(gpaPage);
        }
        return;
      }
      synchronized (watch) {
        watch.pageFlags[frame] |= GuestMemory.CODE;
        watch.sets(frame)[number] |= grains;
      }
      if (!paths.closed(frame)) {
        cache.protectFromWrites(gpaPage);
        paths.close(frame);
      }
      // Those who open a path from here on see the flag.
      VarHandle.fullFence();
      for (Member other : watch.members) {
        if (other != this && !other.paths.closed(frame)) {
          awaitClosed(other, frame, cache);
        }
      }
    }

    private void awaitClosed(Member other, int frame, Cache cache) {
      int turns = 0;
      while (!other.paths.closed(frame)) {
        if (other.paths.ask(frame)) {
          synchronized (watch) {
            other.unprotected.add(frame);
          }
          other.wake.run();
        }
        if (!other.running) {
          // It serves this before it executes anything.
          return;
        }
        serveProtections(cache);
        waits += turns == 0 ? 1 : 0;
        turns++;
        if (turns < SPINS) {
          Thread.onSpinWait();
        } else if (turns < SPINS + YIELDS) {
          Thread.yield();
        } else {
          LockSupport.parkNanos(NAP_NANOS);
        }
      }
    }

    /** Only these of the covered grains of a page are decoded. */
    public void narrow(long gpaPage, long grains) {
      synchronized (watch) {
        watch.sets((int) (gpaPage >>> GuestMemory.PAGE_SHIFT))[number] &= grains;
      }
    }

    /** Nothing of a page is decoded any more. */
    public void release(long gpaPage) {
      int frame = (int) (gpaPage >>> GuestMemory.PAGE_SHIFT);
      synchronized (watch) {
        long[] sets = watch.sets(frame);
        sets[number] = 0;
        sets[watch.members.length] &= ~(1L << number);
        watch.report(this, frame, 0);
      }
    }

    /**
     * Whether a page holds code that was written to just now.
     *
     * @param frame the page's number
     */
    public boolean hitsCode(int frame) {
      if (!single()) {
        // The store comes before the look at the flag, as in cover() the flag comes before the look
        // at the bytes: one of the two sees the other.
        VarHandle.fullFence();
      }
      return watch.holdsCode(frame);
    }

    /**
     * This vCPU has written to a page that holds code, and has forgotten its own of it that was
     * hit.
     *
     * @param grains where it wrote
     * @param own what it still has decoded of the page
     */
    public void written(long gpaPage, long grains, long own) {
      int frame = (int) (gpaPage >>> GuestMemory.PAGE_SHIFT);
      synchronized (watch) {
        if (single()) {
          if (own == 0) {
            watch.pageFlags[frame] &= NOT_CODE;
          }
        } else {
          watch.sets(frame)[number] = own;
          watch.report(this, frame, grains);
        }
      }
    }
  }
}
