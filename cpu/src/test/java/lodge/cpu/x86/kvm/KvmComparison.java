package lodge.cpu.x86.kvm;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Runs scenarios on KVM and on an engine, tells differences and counts. */
final class KvmComparison {
  private static final int MAX_REPORTED = 200;
  private static final int MAX_DIFFERENCES = 24;

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
  private final Map<Mode, Boolean> modes = new EnumMap<>(Mode.class);
  private final Set<String> hung = new TreeSet<>();
  volatile Scenario current;
  private boolean translations;
  private volatile boolean abandoned;
  volatile long startedNanos = Long.MAX_VALUE;

  KvmComparison(KvmMachine kvm, EngineMachine engine) {
    this.kvm = kvm;
    this.engine = engine;
  }

  /** Whether KVM gets the least of programs right in a mode: NOP, HLT and what comes of that. */
  boolean runs(Mode mode) {
    return modes.computeIfAbsent(
        mode,
        _ -> {
          Scenario probe = new Scenario("NOP", mode);
          probe.code("90");
          fill(kvm.memory(), probe);
          fill(engine.memory(), probe);
          Machine.Outcome silicon = kvm.run(probe.start);
          Machine.Outcome ours = engine.run(probe.start);
          boolean complete =
              ours.end() == Machine.End.HALT
                  && (mode.cpl != 0 || ours.state().v[CpuState.RIP] == BoardImage.CODE + 2);
          if (!complete && engine.hasAllModes()) {
            throw new IllegalStateException("NOP and HLT in " + mode + " end with " + ours);
          }
          List<Difference> differences = differences(silicon, ours);
          if (!differences.isEmpty()) {
            failures.put("NOP, HLT in " + mode, text(differences));
          }
          return complete && differences.isEmpty();
        });
  }

  void check(Scenario s) throws IOException {
    String name = s.mode + "\t" + s.mnemonic;
    if (hung.contains(name) || !runs(s.mode) || Deviations.spins(s)) {
      counts.computeIfAbsent(name, _ -> new Count()).notExecuted++;
      return;
    }
    current = s;
    startedNanos = System.nanoTime();
    fill(kvm.memory(), s);
    fill(engine.memory(), s);
    if (s.translations || translations) {
      kvm.forgetTranslations();
    }
    translations = s.translations;
    Machine.Outcome silicon = kvm.run(s.start);
    Machine.Outcome ours = engine.run(s.start);
    startedNanos = Long.MAX_VALUE;
    if (abandoned) {
      // Once is enough: what made KVM spin does so again.
      abandoned = false;
      hung.add(name);
      silicon = new Machine.Outcome(Machine.End.HUNG, silicon.state(), "");
    }
    Count count = counts.computeIfAbsent(name, _ -> new Count());
    count.ran++;
    boolean ended = silicon.end() == Machine.End.HALT || silicon.end() == Machine.End.SHUTDOWN;
    if (!ended || Deviations.notExecuted(s, silicon, ours)) {
      count.notExecuted++;
      failures.putIfAbsent(silicon.end() + " " + silicon.detail(), s.toString());
      return;
    }
    List<Difference> differences = differences(silicon, ours);
    boolean deviates = !differences.isEmpty();
    for (Difference difference : differences) {
      String known = Deviations.known(s, silicon, ours, difference);
      deviates &= known != null;
      if (known != null) {
        deviations.merge(known, 1, Integer::sum);
      }
    }
    if (deviates) {
      count.deviations++;
    } else if (!differences.isEmpty()) {
      count.mismatches++;
      if (mismatches.size() < MAX_REPORTED) {
        mismatches.add(s + text(differences));
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

  /** What differs: a register's name or a memory address in brackets, and the two values. */
  record Difference(String name, long kvm, long engine) {}

  private static String text(List<Difference> differences) {
    StringBuilder text = new StringBuilder("\n");
    for (Difference d : differences) {
      text.append("  ").append(d.name).append(": KVM ").append(Scenario.hex(d.kvm));
      text.append(", engine ").append(Scenario.hex(d.engine)).append('\n');
    }
    return text.toString();
  }

  private List<Difference> differences(Machine.Outcome silicon, Machine.Outcome ours) {
    List<Difference> all = new ArrayList<>();
    long[] a = silicon.state().v;
    long[] b = ours.state().v;
    if (silicon.end() != ours.end()) {
      String name = "KVM " + silicon.end() + ", engine " + ours.end() + ours.detail() + ", rip";
      all.add(new Difference(name, a[CpuState.RIP], b[CpuState.RIP]));
      return all;
    }
    if (silicon.end() == Machine.End.SHUTDOWN) {
      // What a processor that has shut down holds, nobody may see.
      return all;
    }
    silicon.state().normalize();
    ours.state().normalize();
    for (int i = 0; i < CpuState.COUNT; i++) {
      if (a[i] != b[i]) {
        all.add(new Difference(CpuState.name(i), a[i], b[i]));
      }
    }
    long at = 0;
    while (all.size() < MAX_DIFFERENCES) {
      MemorySegment rest = kvm.memory().asSlice(at);
      long mismatch = rest.mismatch(engine.memory().asSlice(at));
      if (mismatch < 0) {
        break;
      }
      at = at + mismatch & ~3L;
      int x = kvm.memory().get(ValueLayout.JAVA_INT, at);
      int y = engine.memory().get(ValueLayout.JAVA_INT, at);
      String name = "[" + Scenario.hex(at) + "]";
      all.add(new Difference(name, x & 0xFFFF_FFFFL, y & 0xFFFF_FFFFL));
      at += 4;
    }
    return all;
  }

  void abandon() {
    abandoned = true;
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

  /** Modes that this KVM does not execute. */
  String modesNotRun() {
    List<Mode> not = new ArrayList<>();
    modes.forEach(
        (mode, runs) -> {
          if (!runs) {
            not.add(mode);
          }
        });
    return not.toString();
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
