package lodge.cpu.x86;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.Vcpu;

/**
 * Several processors over one memory, each on a thread of its own. Code runs until a flag in memory
 * is set, and ends with HLT while interrupts are off. Writes to the x2APIC's ICR interrupt all
 * other processors.
 */
final class SmpMachine implements AutoCloseable {
  /** The flag, and scratch cells behind it. */
  static final long CONTROL = 0x10_0000;

  static final long DATA = 0x10_1000;
  static final long FUNCTIONS = 0xC000;

  private static final int ICR = 0x830;
  private static final int EOI = 0x80B;
  private static final long PATIENCE_MILLIS = 20_000;

  final GuestMemory memory = GuestMemory.allocate(16 << 20);
  final List<Cpu> cpus = new ArrayList<>();
  private final List<TestMachine> machines = new ArrayList<>();
  private final List<TestApic> apics = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Vcpu> vcpus = new ArrayList<>();
  private final AtomicReference<String> failure = new AtomicReference<>();

  SmpMachine(Engine engine, int count) {
    for (int i = 0; i < count; i++) {
      TestApic apic = new TestApic(i);
      apics.add(apic);
      TestMachine machine = new TestMachine(memory, i, new CpuModel(), apic);
      machines.add(machine);
      Cpu c = machine.longMode(0).c;
      cpus.add(c);
      c.r[Cpu.RSP] = TestMachine.STACK - 0x1000L * i;
      c.r[Cpu.RSI] = i;
      c.r[Cpu.RDI] = DATA;
      c.r[Cpu.RBP] = CONTROL;
    }
    for (Cpu c : cpus) {
      vcpus.add(engine.create(c));
    }
  }

  /** Puts a program to an address; what stands behind the first word of each line says nothing. */
  void code(long gpa, String listing) {
    machines.getFirst().code(gpa, hex(listing));
  }

  static String hex(String listing) {
    StringBuilder hex = new StringBuilder();
    listing.lines().forEach(line -> hex.append(line.strip().split(" ", 2)[0]));
    return hex.toString();
  }

  void interruptHandler(int vector, String listing) {
    machines.getFirst().gate64(vector, TestMachine.CODE_64, TestMachine.HANDLER, 0xE, 0, 0);
    code(TestMachine.HANDLER, listing);
  }

  /** Runs all processors for some time, then sets the flag and waits for their HLT. */
  void run(long millis) throws InterruptedException {
    for (int i = 0; i < cpus.size(); i++) {
      int number = i;
      threads.add(Thread.ofPlatform().name("smp-" + i).start(() -> execute(number)));
    }
    Thread.sleep(millis);
    memory.putInt(CONTROL, 1);
    for (Thread thread : threads) {
      thread.join(PATIENCE_MILLIS);
    }
    if (threads.stream().anyMatch(Thread::isAlive)) {
      failure.compareAndSet(null, "a processor does not come to its end");
      vcpus.forEach(Vcpu::kick);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }

  private void execute(int number) {
    Cpu c = cpus.get(number);
    Vcpu vcpu = vcpus.get(number);
    try {
      while (failure.get() == null) {
        Exit exit = vcpu.run();
        if (exit == Exit.HALTED && (c.eflags & Flags.IF) == 0) {
          return;
        }
        if (exit == Exit.HALTED) {
          LockSupport.parkNanos(1_000_000);
        } else if (exit != Exit.KICKED) {
          throw new IllegalStateException(exit.toString());
        }
      }
      failure.compareAndSet("a processor does not come to its end", vcpu.failure());
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, "processor " + number + ": " + e + "\n" + vcpu.failure());
    }
  }

  /** The sum of a register over all processors. */
  long sum(int register) {
    return cpus.stream().mapToLong(c -> c.r[register]).sum();
  }

  /** What all engines together have counted. */
  long counted(String name) {
    return vcpus.stream().mapToLong(vcpu -> Bounds.counted(vcpu).get(name)).sum();
  }

  @Override
  public void close() {
    vcpus.forEach(Vcpu::close);
    memory.close();
  }

  /** Knows one interrupt at a time: vector and whether it waits. */
  private final class TestApic implements ApicPort {
    private final int number;
    private volatile int waiting = -1;

    TestApic(int number) {
      this.number = number;
    }

    @Override
    public boolean pending() {
      return waiting >= 0;
    }

    @Override
    public synchronized int acknowledge() {
      int vector = waiting;
      waiting = -1;
      return vector;
    }

    private synchronized void raise(int vector) {
      waiting = vector;
      cpus.get(number).kick();
    }

    @Override
    public boolean takeNmi() {
      return false;
    }

    @Override
    public int cr8() {
      return 0;
    }

    @Override
    public void setCr8(int value) {}

    @Override
    public boolean hasMsr(int msr) {
      return msr == ICR || msr == EOI;
    }

    @Override
    public long readMsr(int msr) {
      return 0;
    }

    @Override
    public boolean writeMsr(int msr, long value) {
      if (msr == ICR) {
        apics.stream().filter(each -> each != this).forEach(each -> each.raise((int) value & 0xFF));
      }
      return true;
    }

    @Override
    public long mmioBase() {
      return -1;
    }

    @Override
    public long read(int offset, int size) {
      return -1;
    }

    @Override
    public void write(int offset, int size, long value) {}
  }
}
