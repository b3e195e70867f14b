package lodge.cpu.x86.silicon;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Runs cases on the processor and on an engine, counts, and keeps one shrunk example of each kind
 * of mismatch.
 */
final class Comparison {
  private static final int MAX_EXAMPLES = 3000;

  /** One kind of mismatch: a mnemonic and the fields that differ. */
  private static final class Kind {
    int count;
    String example;
  }

  private final Silicon silicon;
  private final CaseRunner engine;
  private int unfinished;
  private final Map<String, Integer> cases = new TreeMap<>();
  private final Map<String, Integer> mismatches = new TreeMap<>();
  private final Map<String, Kind> kinds = new TreeMap<>();

  Comparison(Silicon silicon, CaseRunner engine) {
    this.silicon = silicon;
    this.engine = engine;
  }

  void check(List<Case> batch) {
    List<CpuSnapshot> expected = silicon.run(batch);
    for (int i = 0; i < batch.size(); i++) {
      Case c = batch.get(i);
      if (expected.get(i).vector() == CpuSnapshot.TIMEOUT) {
        unfinished++;
        continue;
      }
      CpuSnapshot actual = engine.run(c);
      cases.merge(c.name, 1, Integer::sum);
      List<String> differences = expected.get(i).differences(actual, Tolerance.of(c));
      if (!differences.isEmpty()) {
        mismatches.merge(c.name, 1, Integer::sum);
        record(c, differences);
      }
    }
  }

  private void record(Case c, List<String> differences) {
    String key = c.name + ": " + kind(differences);
    Kind kind = kinds.computeIfAbsent(key, k -> new Kind());
    kind.count++;
    if (kind.example == null && kinds.size() <= MAX_EXAMPLES) {
      Case shrunk = shrink(c, kind(differences));
      kind.example = shrunk.describe() + "\n    " + String.join("\n    ", differences(shrunk));
    }
  }

  private List<String> differences(Case c) {
    return silicon.run(c).differences(engine.run(c), Tolerance.of(c));
  }

  /** Field names, with values for vectors alone. */
  private static String kind(List<String> differences) {
    TreeSet<String> names = new TreeSet<>();
    for (String difference : differences) {
      String name = difference.split(" ")[0].replaceAll("^(ymm|st)\\d+$", "$1");
      boolean register = Arrays.asList(CpuSnapshot.GPR).contains(name);
      if (name.equals("rflags")) {
        String[] values = difference.split(" ");
        long wrong = Long.parseUnsignedLong(values[1], 16) ^ Long.parseUnsignedLong(values[2], 16);
        names.add("rflags^" + Long.toHexString(wrong));
      } else {
        names.add(name.equals("vector") ? vectors(difference) : register ? "gpr" : name);
      }
    }
    return String.join(" ", names);
  }

  private static String vectors(String difference) {
    int end = difference.indexOf(':');
    return end < 0 ? difference : difference.substring(0, end);
  }

  /** Takes away from the state what the mismatch does not need. */
  private Case shrink(Case original, String kind) {
    Case best = original;
    for (int i = 0; i < 16; i++) {
      Case c = best.copy();
      c.gpr[i] = 0;
      best = keep(c, best, kind);
    }
    for (int i = 0; i < 16; i++) {
      Case c = best.copy();
      Arrays.fill(c.ymm, 4 * i, 4 * i + 4, 0);
      best = keep(c, best, kind);
    }
    for (int i = best.pokes.size() - 1; i >= 0; i--) {
      Case c = best.copy();
      c.pokes.remove(i);
      best = keep(c, best, kind);
    }
    Case plain = best.copy();
    plain.fpu = FpuImage.initial();
    best = keep(plain, best, kind);
    plain = best.copy();
    plain.mxcsr = 0x1F80;
    best = keep(plain, best, kind);
    plain = best.copy();
    plain.rflags = 0x202;
    best = keep(plain, best, kind);
    return best.lengths.size() > 1 ? shortest(best, kind) : best;
  }

  /** Takes instructions away from a sequence. */
  private Case shortest(Case sequence, String kind) {
    Case best = sequence;
    for (int i = sequence.lengths.size() - 1; i >= 0 && best.lengths.size() > 1; i--) {
      Case c = best.copy();
      int from = best.lengths.subList(0, i).stream().mapToInt(n -> n).sum();
      int length = best.lengths.get(i);
      c.code = new byte[best.code.length - length];
      System.arraycopy(best.code, 0, c.code, 0, from);
      System.arraycopy(best.code, from + length, c.code, from, c.code.length - from);
      c.lengths = new ArrayList<>(best.lengths);
      c.lengths.remove(i);
      List<String> names = new ArrayList<>(List.of(best.name.split("; ")));
      names.remove(i);
      c.name = String.join("; ", names);
      best = keep(c, best, kind);
    }
    return best;
  }

  private Case keep(Case smaller, Case best, String kind) {
    return kind(differences(smaller)).equals(kind) ? smaller : best;
  }

  int cases() {
    return cases.values().stream().mapToInt(n -> n).sum();
  }

  int mismatches() {
    return mismatches.values().stream().mapToInt(n -> n).sum();
  }

  String report() {
    StringBuilder s = new StringBuilder();
    s.append(cases())
        .append(" cases, ")
        .append(mismatches())
        .append(" mismatches, ")
        .append(unfinished)
        .append(" not compared because they do not end\n");
    cases.forEach(
        (name, count) -> {
          if (mismatches.containsKey(name)) {
            s.append(name)
                .append(": ")
                .append(mismatches.get(name))
                .append(" of ")
                .append(count)
                .append('\n');
          }
        });
    kinds.forEach(
        (key, kind) ->
            s.append("\n== ")
                .append(kind.count)
                .append(" x ")
                .append(key)
                .append('\n')
                .append(kind.example == null ? "" : kind.example)
                .append('\n'));
    s.append("\nCases by instruction:\n");
    cases.forEach((name, count) -> s.append(name).append(' ').append(count).append('\n'));
    return s.toString();
  }
}
