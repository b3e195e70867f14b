package lodge.cpu.x86.interpreter;

import static lodge.core.CodeWatch.grains;

import java.util.ArrayList;
import java.util.List;

/**
 * The decoded instructions of one guest-physical page under one decoding mode, found by the offset
 * of their first byte.
 */
public final class CodePage {
  private static final int CHUNK_SHIFT = 8;
  private static final int CHUNK = 1 << CHUNK_SHIFT;

  /** What the array of a chunk weighs next to an op: code may be thinly spread. */
  private static final int CHUNK_WEIGHT = 20;

  public final CodeCache cache;

  /** Page-aligned. */
  public final long gpa;

  /** Decoding mode, see {@link lodge.cpu.x86.Cpu#codeKey}. */
  final int mode;

  /**
   * Bytes that are inside the code segment, 1 to 4096: what goes on behind them faults. Only the
   * page in which a segment ends has less than all.
   */
  final int end;

  private final Op[][] chunks = new Op[4096 >> CHUNK_SHIFT][];

  /** Grains that hold bytes of decoded instructions, see {@link lodge.core.CodeWatch}. */
  private long decoded;

  /** What the ops weigh, see {@link CodeLimits}. */
  private int weight;

  /** Changes whenever the ops are thrown away; no two pages of a vCPU ever have the same. */
  private long version;

  /** Regions that were made from this page's code, among others. */
  private final List<Op> regions = new ArrayList<>();

  CodePage(CodeCache cache, long gpa, int mode, int end) {
    this.cache = cache;
    this.gpa = gpa;
    this.mode = mode;
    this.end = end;
    this.version = cache.newVersion();
  }

  /** The op at an offset, decoded now if it was not before. */
  Op at(int offset) {
    Op[] chunk = chunks[offset >> CHUNK_SHIFT];
    if (chunk != null) {
      Op op = chunk[offset & CHUNK - 1];
      if (op != null) {
        return op;
      }
    }
    return cache.decodeRun(this, offset);
  }

  /** The op at an offset, or null when it is not decoded. */
  public Op peek(int offset) {
    Op[] chunk = chunks[offset >> CHUNK_SHIFT];
    return chunk == null ? null : chunk[offset & CHUNK - 1];
  }

  void put(int offset, int length, Op op) {
    Op[] chunk = chunks[offset >> CHUNK_SHIFT];
    if (chunk == null) {
      chunk = new Op[CHUNK];
      chunks[offset >> CHUNK_SHIFT] = chunk;
      weigh(CHUNK_WEIGHT);
    }
    weigh(1);
    chunk[offset & CHUNK - 1] = op;
    decoded |= grains(offset, Math.min(length, 4096 - offset));
  }

  private void weigh(int more) {
    weight += more;
    cache.weigh(more);
  }

  /** Puts an op in the place of another one, everywhere in the page. */
  public void replace(int offset, Op op) {
    Op old = peek(offset);
    chunks[offset >> CHUNK_SHIFT][offset & CHUNK - 1] = op;
    for (Op[] chunk : chunks) {
      if (chunk != null) {
        for (Op other : chunk) {
          if (other != null) {
            other.relink(old, op);
          }
        }
      }
    }
  }

  public long version() {
    return version;
  }

  /** Has a region unlinked together with the ops of this page. */
  void addRegion(Op region) {
    if (!regions.contains(region)) {
      regions.add(region);
    }
  }

  /** A region that has been replaced. */
  public void removeRegion(Op region) {
    regions.remove(region);
  }

  /** Which grains hold bytes of decoded instructions. */
  long decoded() {
    return decoded;
  }

  /** Forgets all ops. The one being executed finds its way on through {@link EnterOp}. */
  void clear() {
    for (int i = 0; i < chunks.length; i++) {
      if (chunks[i] != null) {
        for (Op op : chunks[i]) {
          if (op != null) {
            op.unlink(this);
          }
        }
        chunks[i] = null;
      }
    }
    weigh(-weight);
    decoded = 0;
    version = cache.newVersion();
    for (Op region : List.copyOf(regions)) {
      region.unlink(this);
    }
    regions.clear();
  }
}
