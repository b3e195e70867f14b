package lodge.machine;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;

/** An engine whose guest is written in Java: each run of the vCPU calls it once. */
final class FakeEngine implements Engine {
  /** What the guest does between two exits. */
  interface Guest {
    Exit run(FakeVcpu vcpu) throws Exception;
  }

  private final Guest guest;

  /** The last one that was created. */
  volatile FakeVcpu vcpu;

  /** By their numbers. */
  final List<FakeVcpu> vcpus = new CopyOnWriteArrayList<>();

  FakeEngine(Guest guest) {
    this.guest = guest;
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public Vcpu create(Cpu cpu) {
    vcpu = new FakeVcpu(cpu, guest);
    vcpus.add(vcpu);
    return vcpu;
  }

  static final class FakeVcpu implements Vcpu {
    final Cpu cpu;
    private final Guest guest;
    private final Semaphore kicks = new Semaphore(0);
    volatile int runs;
    volatile int resets;
    volatile boolean closed;

    /** What {@link Exit#FAILED} is about. */
    volatile Optional<String> limit = Optional.empty();

    FakeVcpu(Cpu cpu, Guest guest) {
      this.cpu = cpu;
      this.guest = guest;
    }

    void out(int port, int value) {
      cpu.ports.write(port, 1, value);
    }

    int in(int port) {
      return cpu.ports.read(port, 1);
    }

    /** A guest that computes until somebody kicks it. */
    Exit spin() throws InterruptedException {
      kicks.acquire();
      return Exit.KICKED;
    }

    @Override
    public Exit run() {
      runs++;
      try {
        return guest.run(this);
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void kick() {
      kicks.release();
    }

    @Override
    public void reset() {
      resets++;
      cpu.reset();
    }

    @Override
    public String failure() {
      return "the registers\n";
    }

    @Override
    public Optional<String> limit() {
      return limit;
    }

    @Override
    public void count(Counters counters) {
      counters.add("guest_instructions", runs);
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
