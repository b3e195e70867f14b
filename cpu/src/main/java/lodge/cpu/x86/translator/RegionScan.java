package lodge.cpu.x86.translator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lodge.core.GuestMemory;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.Op;

/**
 * Finds a region: the instructions reached from a hot one by jumps, calls and returns, within its
 * page and across pages, up to a bound. It follows only where the interpreter has been: code that
 * was decoded, jumps that were taken, targets that were seen. On the vCPU's thread.
 */
final class RegionScan {
  /**
   * A page that the region takes code from.
   *
   * @param delta its address, relative to the page of the entry
   * @param version of the page's code when it was read
   */
  record Part(CodePage page, int delta, long version) {}

  private record View(Part part, byte[] bytes) {}

  private final Decoder decoder = new Decoder();
  private final GuestMemory memory;
  private final CodePage entryPage;
  private final long base;
  private final int limit;
  private final Map<Integer, View> views = new HashMap<>();
  private final Map<Integer, Insn> found = new HashMap<>();
  private final List<Integer> order = new ArrayList<>();
  private final Map<Integer, int[]> indirect = new HashMap<>();

  /**
   * @param base RIP of byte 0 of the entry's page
   * @param limit most instructions of the region
   */
  RegionScan(GuestMemory memory, CodePage entryPage, long base, int limit) {
    this.memory = memory;
    this.entryPage = entryPage;
    this.base = base;
    this.limit = limit;
  }

  /** Looks around from the entry. @return false when the entry itself cannot be translated */
  boolean scan(int entry) {
    ArrayDeque<Integer> pending = new ArrayDeque<>();
    pending.add(entry);
    while (!pending.isEmpty() && order.size() < limit) {
      follow(pending.poll(), pending);
    }
    // A region that starts by leaving would lead back to itself.
    return found.containsKey(entry) && Flow.of(found.get(entry)) != Flow.UNKNOWN;
  }

  /** RIP of byte 0 of the entry's page. */
  long base() {
    return base;
  }

  List<Part> parts() {
    return views.values().stream().map(View::part).toList();
  }

  int size() {
    return order.size();
  }

  /** Targets seen of the indirect jump at a position. */
  int[] targets(int position) {
    return indirect.getOrDefault(position, new int[0]);
  }

  private View view(int position) {
    int delta = position & ~0xFFF;
    View view = views.get(delta);
    if (view == null) {
      CodePage page = delta == 0 ? entryPage : entryPage.cache.peekPage(base + delta);
      if (page == null || !memory.isReadable(page.gpa)) {
        return null;
      }
      byte[] bytes = new byte[4096];
      memory.get(page.gpa, bytes, 0, 4096);
      view = new View(new Part(page, delta, page.version()), bytes);
      views.put(delta, view);
    }
    return view;
  }

  /** The op that the interpreter has for a position, or null: also when it wants to keep it. */
  private Op op(int position) {
    CodePage page =
        (position & ~0xFFF) == 0 ? entryPage : entryPage.cache.peekPage(base + (position & ~0xFFF));
    Op op = page == null ? null : page.peek(position & 0xFFF);
    return op == null || !op.translatable() ? null : op.original();
  }

  /**
   * Decodes an instruction that goes on in the next page, or null. What follows it there has been
   * decoded, too, so that a store into its last bytes is noticed.
   */
  private Insn across(int position, View view) {
    View next = view((position & ~0xFFF) + 4096);
    if (next == null) {
      return null;
    }
    int here = 4096 - (position & 0xFFF);
    byte[] bytes = Arrays.copyOfRange(view.bytes(), 4096 - here, 4096 + Decoder.MAX_LENGTH);
    System.arraycopy(next.bytes(), 0, bytes, here, Decoder.MAX_LENGTH);
    Insn insn = decoder.decode(bytes, 0, bytes.length, 8);
    return insn != null && op(position + insn.length) != null ? insn : null;
  }

  /** Takes a straight run in; where it leads to is put up for later. */
  private void follow(int start, ArrayDeque<Integer> pending) {
    int position = start;
    while (!found.containsKey(position) && order.size() < limit) {
      Op op = op(position);
      View view = op == null ? null : view(position);
      if (view == null) {
        return;
      }
      int offset = position & 0xFFF;
      Insn insn = decoder.decode(view.bytes(), offset, 4096 - offset, 8);
      if (insn == null) {
        insn = across(position, view);
      }
      if (insn == null
          || insn.form == Form.UNDEFINED
          || insn.form == Form.TOO_LONG
          || !entryPage.cache.announces(insn)) {
        return;
      }
      Insn copy = insn.copy();
      found.put(position, copy);
      order.add(position);
      int end = position + copy.length;
      long target = end + copy.imm;
      boolean near = target > -(1 << 30) && target < 1 << 30;
      switch (Flow.of(copy)) {
        case NEXT -> {}
        case CONDITIONAL -> {
          if (near && op.wasTaken()) {
            pending.add((int) target);
          }
        }
        case JUMP -> {
          if (near) {
            pending.addFirst((int) target);
          }
          return;
        }
        case CALL -> {
          if (near && op((int) target) != null) {
            pending.addFirst((int) target);
            pending.add(end);
          }
          return;
        }
        case INDIRECT -> {
          int[] targets = op.targetsSeen();
          indirect.put(position, targets);
          for (int each : targets) {
            // Relative to the page of the jump.
            pending.add((position & ~0xFFF) + each);
          }
          if (targets.length > 0 && copy.form.mnemonic() == Mnemonic.CALL) {
            pending.add(end);
          }
          return;
        }
        case UNKNOWN -> {
          return;
        }
      }
      position = end;
    }
  }

  /**
   * The blocks made of the first {@code count} instructions found, in the order of their addresses.
   */
  List<Block> blocks(int entry, int count) {
    TreeMap<Integer, Insn> code = new TreeMap<>();
    for (int position : order.subList(0, Math.min(count, order.size()))) {
      code.put(position, found.get(position));
    }
    Set<Integer> leaders = leaders(entry, code);
    List<Block> blocks = new ArrayList<>();
    List<Block.Placed> run = new ArrayList<>();
    for (Map.Entry<Integer, Insn> each : code.entrySet()) {
      Block.Placed placed = new Block.Placed(each.getKey(), each.getValue());
      run.add(placed);
      Flow flow = Flow.of(placed.insn());
      int end = placed.end();
      if (flow != Flow.NEXT || leaders.contains(end) || !code.containsKey(end)) {
        boolean jumps = flow == Flow.JUMP || flow == Flow.CONDITIONAL || flow == Flow.CALL;
        long target = jumps ? end + placed.insn().imm : Block.NONE;
        boolean falls = flow == Flow.NEXT || flow == Flow.CONDITIONAL;
        blocks.add(
            new Block(
                run.getFirst().offset(),
                List.copyOf(run),
                falls ? end : Block.NONE,
                target == (int) target ? (int) target : Block.NONE));
        run.clear();
      }
    }
    return blocks;
  }

  private Set<Integer> leaders(int entry, TreeMap<Integer, Insn> code) {
    Set<Integer> leaders = new HashSet<>();
    leaders.add(entry);
    for (Map.Entry<Integer, Insn> each : code.entrySet()) {
      int end = each.getKey() + each.getValue().length;
      Integer next = code.higherKey(each.getKey());
      Flow flow = Flow.of(each.getValue());
      // Where instructions overlap, the bytes after one are not the next one in this order.
      if (flow != Flow.NEXT || next != null && next != end) {
        leaders.add(end);
      }
      if (flow == Flow.JUMP || flow == Flow.CONDITIONAL || flow == Flow.CALL) {
        leaders.add((int) (end + each.getValue().imm));
      }
      if (flow == Flow.INDIRECT) {
        for (int target : targets(each.getKey())) {
          leaders.add((each.getKey() & ~0xFFF) + target);
        }
      }
    }
    return leaders;
  }
}
