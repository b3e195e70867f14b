package lodge.machine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.devices.LocalApic;

/**
 * One vCPU's thread: it alone runs the vCPU and looks at its state; others kick it and leave
 * questions.
 */
final class VcpuThread {
  private final Run run;
  private final Cpu cpu;
  private Engine engine;
  private volatile Vcpu vcpu;
  private final LocalApic apic;
  private final Thread thread;
  private final Queue<CompletableFuture<Counters>> questions = new ConcurrentLinkedQueue<>();
  private final Queue<FutureTask<?>> orders = new ConcurrentLinkedQueue<>();
  private final ExitLog log = new ExitLog();

  /** What engines counted that it has no more. */
  private final Counters former = new Counters();

  /** A debugger has it wait; what is asked of it is answered all the same. */
  private volatile boolean frozen;

  /**
   * @throws lodge.cpu.x86.EngineException when the host does not give what the engine needs
   */
  VcpuThread(Run run, Cpu cpu, Engine engine, LocalApic apic) {
    this.run = run;
    this.cpu = cpu;
    this.engine = engine;
    this.vcpu = engine.create(cpu);
    this.apic = apic;
    this.thread =
        Thread.ofPlatform().name("lodge-vcpu-" + cpu.apicId).daemon().unstarted(this::live);
  }

  void start() {
    thread.start();
  }

  /** In place of {@link #start}, when there is to be no run. */
  void closeUnstarted() {
    vcpu.close();
  }

  /** Makes the vCPU look around; from any thread. */
  void kick() {
    vcpu.kick();
    LockSupport.unpark(thread);
  }

  boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  boolean join(long milliseconds) throws InterruptedException {
    thread.join(milliseconds);
    return !thread.isAlive();
  }

  /** The vCPU's counters, as its thread will give them soon. */
  CompletableFuture<Counters> ask() {
    CompletableFuture<Counters> answer = new CompletableFuture<>();
    questions.add(answer);
    kick();
    return answer;
  }

  Cpu cpu() {
    return cpu;
  }

  /** Keeps the vCPU from executing, soon; from any thread. */
  void freeze() {
    frozen = true;
    kick();
  }

  /** Lets it execute again; from any thread. */
  void thaw() {
    frozen = false;
    kick();
  }

  boolean hasEnded() {
    return thread.getState() == Thread.State.TERMINATED;
  }

  /** Has the vCPU's thread do something between two runs; cancelled when it ends before. */
  <T> FutureTask<T> order(Function<Vcpu, T> order) {
    FutureTask<T> task = new FutureTask<>(() -> order.apply(vcpu));
    orders.add(task);
    kick();
    return task;
  }

  private void carryOutOrders() {
    FutureTask<?> task;
    while ((task = orders.poll()) != null) {
      task.run();
    }
  }

  private void cancelOrders() {
    FutureTask<?> task;
    while ((task = orders.poll()) != null) {
      task.cancel(false);
    }
  }

  private void live() {
    Counters last = new Counters();
    try (RunDelay delay = new RunDelay()) {
      cpu.paravirtual.stolenTime(delay);
      loop();
    } catch (Throwable e) {
      run.request(new Outcome.Failed(describe(e)));
    }
    try {
      count(last);
      vcpu.close();
    } catch (Throwable e) {
      run.request(new Outcome.Failed(describe(e)));
    }
    run.left(last);
    answerQuestions(last);
    cancelOrders();
  }

  /** Answers what came too late for the loop. */
  void answerQuestions(Counters counters) {
    CompletableFuture<Counters> question;
    while ((question = questions.poll()) != null) {
      question.complete(counters);
    }
  }

  private void count(Counters counters) {
    vcpu.count(counters);
    cpu.msrs.count(counters);
    former.totals().forEach(counters::add);
  }

  /** Has an engine execute it from here on, and resets it; while nobody executes. */
  void change(Engine wanted, boolean reset) {
    if (wanted != engine) {
      Vcpu next = wanted.create(cpu);
      next.stopAt(cpu.debug.stops());
      vcpu.count(former);
      vcpu.close();
      engine = wanted;
      vcpu = next;
      // What others kicked the former one for.
      next.kick();
    }
    if (reset) {
      vcpu.reset();
    }
  }

  private void loop() {
    while (run.goesOn()) {
      if (!questions.isEmpty()) {
        Counters now = new Counters();
        count(now);
        answerQuestions(now);
      }
      carryOutOrders();
      cpu.paravirtual.account();
      if (run.meetingWanted()) {
        run.meet(this);
        continue;
      }
      if (frozen) {
        park();
        continue;
      }
      if (apic.takeInit()) {
        init();
        continue;
      }
      if (apic.waitsForStartup()) {
        int vector = apic.takeStartup();
        if (vector < 0) {
          park();
          continue;
        }
        cpu.startup(vector);
      }
      Exit exit = vcpu.run();
      log.add(exit, cpu);
      switch (exit) {
        case KICKED -> {}
        case HALTED -> {
          cpu.paravirtual.park();
          park();
          cpu.paravirtual.unpark();
        }
        case SHUTDOWN -> run.request(new Outcome.TripleFault(dump()));
        case FAILED -> run.failed(vcpu);
        case BREAKPOINT -> stopped();
      }
    }
  }

  private void stopped() {
    run.debugging()
        .ifPresentOrElse(
            debugging -> debugging.stopped(cpu.apicId, vcpu.watchpointHit()),
            () -> run.request(new Outcome.Failed("a breakpoint that nobody set\n" + dump())));
  }

  /**
   * INIT leads the boot processor to the reset vector, where on a PC the firmware starts anew; the
   * others wait for a start-up message (SDM volume 3, 9.4.2).
   */
  private void init() {
    cpu.init();
    if (!apic.waitsForStartup()) {
      run.request(new Outcome.Reset());
    }
  }

  /** Sleeps until kicked. A kick that came before leaves a permit, so none is missed. */
  private void park() {
    LockSupport.park(this);
    // A foreign interrupt would make every park return at once.
    Thread.interrupted();
  }

  private String dump() {
    return vcpu.failure().strip() + "\n" + log;
  }

  private String describe(Throwable e) {
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace, true));
    return "vCPU "
        + cpu.apicId
        + " at rip 0x"
        + Long.toHexString(cpu.rip)
        + ": "
        + e
        + "\n"
        + trace;
  }
}
