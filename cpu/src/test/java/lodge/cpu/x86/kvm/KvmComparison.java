package lodge.cpu.x86.kvm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Runs scenarios on KVM and on an engine, tells differences and counts. */
final class KvmComparison {
  private static final int MAX_REPORTED = 200;

  /** How often scenarios of one kind ran, and what became of them. */
  static final class Count {
    int ran;
    int compared;
    int notExecuted;
    int deviations;
    int mismatches;
  }

  private final KvmMachine kvm;
  private final EngineMachine engine;
  private final BoardImage image = new BoardImage();
  private final Map<String, Count> counts = new TreeMap<>();
  private final Map<String, Integer> deviations = new TreeMap<>();
  private final List<String> mismatches = new ArrayList<>();
  private final Map<String, String> failures = new TreeMap<>();
  volatile Scenario current;
  volatile long startedNanos = Long.MAX_VALUE;

  KvmComparison(KvmMachine kvm, EngineMachine engine) {
    this.kvm = kvm;
    this.engine = engine;
  }

  void check(Scenario s) {
    current = s;
    startedNanos = System.nanoTime();
    fill(kvm.memory(), s);
    fill(engine.memory(), s);
    Machine.Outcome silicon = kvm.run(s.start);
    Machine.Outcome ours = engine.run(s.start);
    startedNanos = Long.MAX_VALUE;
    Count count = counts.computeIfAbsent(s.mode + "\t" + s.mnemonic, _ -> new Count());
    count.ran++;
    if (silicon.end() != Machine.End.HALT && silicon.end() != Machine.End.SHUTDOWN) {
      count.notExecuted++;
      failures.putIfAbsent(silicon.end() + " " + silicon.detail(), s.toString());
      return;
    }
    String differences = differences(silicon, ours);
    if (!differences.isEmpty()) {
      String known = Deviations.known(s, silicon, ours, differences);
      if (known != null) {
        count.deviations++;
        deviations.merge(known, 1, Integer::sum);
        return;
      }
      count.mismatches++;
      if (mismatches.size() < MAX_REPORTED) {
        mismatches.add(s + "\n" + differences);
      }
    }
    count.compared++;
  }

  private void fill(MemorySegment memory, Scenario s) {
    image.copyTo(memory);
    for (Scenario.Poke poke : s.pokes) {
      MemorySegment.copy(
          poke.bytes(), 0, memory, ValueLayout.JAVA_BYTE, poke.address(), poke.bytes().length);
    }
  }

  private String differences(Machine.Outcome silicon, Machine.Outcome ours) {
    if (silicon.end() != ours.end()) {
      return "  end: KVM "
          + silicon.end()
          + " at "
          + Scenario.hex(silicon.state().v[CpuState.RIP])
          + ", engine "
          + ours.end()
          + " at "
          + Scenario.hex(ours.state().v[CpuState.RIP])
          + " "
          + ours.detail()
          + "\n";
    }
    if (silicon.end() == Machine.End.SHUTDOWN) {
      // What a processor that has shut down holds, nobody may see.
      return "";
    }
    StringBuilder text = new StringBuilder();
    silicon.state().normalize();
    ours.state().normalize();
    for (int i = 0; i < CpuState.COUNT; i++) {
      long a = silicon.state().v[i];
      long b = ours.state().v[i];
      if (a != b) {
        line(text, CpuState.name(i), a, b);
      }
    }
    long at = 0;
    for (int i = 0; i < 8; i++) {
      MemorySegment a = kvm.memory().asSlice(at);
      long mismatch = a.mismatch(engine.memory().asSlice(at));
      if (mismatch < 0) {
        break;
      }
      at = at + mismatch & ~3L;
      int x = kvm.memory().get(ValueLayout.JAVA_INT, at);
      int y = engine.memory().get(ValueLayout.JAVA_INT, at);
      line(text, "[" + Scenario.hex(at) + "]", x & 0xFFFF_FFFFL, y & 0xFFFF_FFFFL);
      at += 4;
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String name, long a, long b) {
    text.append("  ").append(name).append(": KVM ").append(Scenario.hex(a));
    text.append(", engine ").append(Scenario.hex(b)).append('\n');
  }

  void abandon() {
    kvm.abandon();
    engine.abandon();
  }

  Count total() {
    Count total = new Count();
    for (Count count : counts.values()) {
      total.ran += count.ran;
      total.compared += count.compared;
      total.notExecuted += count.notExecuted;
      total.deviations += count.deviations;
      total.mismatches += count.mismatches;
    }
    return total;
  }

  /** Counts by mode and mnemonic, then what differed, then what KVM does not execute. */
  String report() {
    StringBuilder text = new StringBuilder();
    text.append("mode\tmnemonic\tran\tcompared\tnot executed\tdeviations\tmismatches\n");
    counts.forEach(
        (name, c) ->
            text.append(name)
                .append("\t" + c.ran + "\t" + c.compared + "\t" + c.notExecuted)
                .append("\t" + c.deviations + "\t" + c.mismatches + "\n"));
    text.append("\nKnown deviations of KVM\n");
    deviations.forEach((name, number) -> text.append(number + "\t" + name + "\n"));
    text.append("\nMismatches\n");
    mismatches.forEach(text::append);
    text.append("\nNot executed by this KVM\n");
    failures.forEach((name, example) -> text.append(name + ": " + example + "\n"));
    return text.toString();
  }

  String mismatches() {
    return String.join("", mismatches.subList(0, Math.min(20, mismatches.size())));
  }
}
