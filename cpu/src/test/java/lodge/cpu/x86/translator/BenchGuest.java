package lodge.cpu.x86.translator;

import java.util.Map;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.TestMachine;
import lodge.cpu.x86.interpreter.CodeLimits;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.HotSpots;
import lodge.cpu.x86.interpreter.InterpreterVcpu;
import lodge.cpu.x86.interpreter.Op;

/**
 * A guest in 64-bit mode that runs the same code again and again. When it is translated, each
 * region is made once, as soon as its entry is decoded: so it never takes in what it has led to.
 */
final class BenchGuest implements AutoCloseable {
  /** A place that was translated. */
  record Place(CodePage page, int offset, long base) {
    Op op() {
      return page.peek(offset);
    }
  }

  private final TestMachine machine = new TestMachine().longMode(0);
  private final Once once;
  private final Vcpu vcpu;

  BenchGuest(boolean translated) {
    once = translated ? new Once(machine) : null;
    vcpu = new InterpreterVcpu(machine.c, once, CodeLimits.DEFAULT);
  }

  Cpu cpu() {
    return machine.c;
  }

  BenchGuest code(long address, String hex) {
    machine.code(address, hex);
    return this;
  }

  /** Runs from an address with RCX to HLT; gives RAX. */
  long run(long address, long rcx) {
    Cpu c = machine.c;
    c.rip = address;
    c.r[Cpu.RCX] = rcx;
    c.halted = false;
    Exit exit;
    do {
      exit = vcpu.run();
    } while (exit == Exit.KICKED);
    if (exit != Exit.HALTED) {
      throw new IllegalStateException(exit + "\n" + vcpu.failure());
    }
    return c.r[Cpu.RAX];
  }

  /** The first place that was translated. */
  Place firstPlace() {
    return once.first;
  }

  /** Translates a place anew, as it is known now, and puts the region there. */
  void translate(Place place) {
    once.translator.hot(place.page(), place.offset(), place.base());
    once.translator.install();
  }

  Map<String, Long> counters() {
    Counters counters = new Counters();
    vcpu.count(counters);
    return counters.totals();
  }

  @Override
  public void close() {
    vcpu.close();
    machine.close();
  }

  private static final class Once implements HotSpots {
    private final Translator translator;
    private Place first;

    Once(TestMachine machine) {
      translator = new Translator(machine.memory, machine.c::kick, true, CodeLimits.DEFAULT, null);
    }

    @Override
    public void hot(CodePage page, int offset, long base) {
      Place place = new Place(page, offset, base);
      first = first == null ? place : first;
      if (!(place.op() instanceof RegionOp)) {
        translator.hot(page, offset, base);
      }
    }

    @Override
    public void grow(CodePage page, int offset, long base, int growth, boolean requires) {}

    @Override
    public boolean eager() {
      return true;
    }

    @Override
    public void install() {
      translator.install();
    }

    @Override
    public void count(Counters counters) {
      translator.count(counters);
    }

    @Override
    public void close() {
      translator.close();
    }
  }
}
