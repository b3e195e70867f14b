package lodge.machine.gdb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import lodge.core.DebugStops.Watchpoint;
import lodge.machine.gdb.Debuggee.Action;
import lodge.machine.gdb.Debuggee.Ended;
import lodge.machine.gdb.Debuggee.Stop;
import lodge.machine.gdb.PacketStream.Message;

/**
 * One debugger's connection ("Debugging with GDB", E.2 to E.6), in all-stop mode: the machine
 * stands while the debugger asks. vCPUs are threads, numbered from 1.
 */
final class GdbSession {
  private static final int SIGINT = 2;
  private static final int SIGTRAP = 5;

  /** Messages read ahead. */
  private static final int AHEAD = 16;

  /** What the session waits for. */
  private sealed interface Event {
    /** From the debugger. */
    record Received(Message message) implements Event {}

    /** The machine may have stopped or ended. */
    record Stopped() implements Event {}

    /** The debugger has gone. */
    record Gone() implements Event {}
  }

  private final Debuggee machine;
  private final PacketStream stream;
  private final Memory memory;
  private final Queries queries;
  private final ThreadChoice threads;
  private final StopList stops = new StopList();
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Semaphore ahead = new Semaphore(AHEAD);
  private boolean running;
  private boolean over;

  /** The last thing said about why the machine stands. */
  private String reason = "T05thread:1;";

  GdbSession(Debuggee machine, PacketStream stream) {
    this.machine = machine;
    this.stream = stream;
    this.memory = new Memory(machine);
    this.queries = new Queries(machine, stream);
    this.threads = new ThreadChoice(machine.vcpus());
  }

  /** Stops the machine, does what the debugger asks, and lets the machine go on without it. */
  void run() throws InterruptedException {
    machine.onStop(() -> events.add(new Event.Stopped()));
    Thread reader = Thread.ofVirtual().name("lodge-gdb-reader").start(this::read);
    try {
      machine.stop();
      while (!over) {
        handle(events.take());
      }
    } catch (IOException e) {
      // It went in the middle of an answer.
    } catch (Ended e) {
      sayEnded();
    } finally {
      reader.interrupt();
      machine.onStop(() -> {});
      letGo();
    }
  }

  private void read() {
    try {
      for (Message message = stream.read(); message != null; message = stream.read()) {
        ahead.acquire();
        events.add(new Event.Received(message));
      }
    } catch (IOException | InterruptedException e) {
      // The same as its end.
    }
    events.add(new Event.Gone());
  }

  private void sayEnded() {
    try {
      stream.write("W00");
    } catch (IOException e) {
      // Then it does not need to know.
    }
  }

  private void letGo() throws InterruptedException {
    try {
      machine.stop();
      stops.clear();
      machine.stopAt(stops.all());
      while (machine.takeStop().isPresent()) {
        // Nobody wants to know any more.
      }
      machine.resume(Collections.nCopies(machine.vcpus(), Action.CONTINUE));
    } catch (Ended e) {
      // There is nothing to let go.
    }
  }

  private void handle(Event event) throws IOException, Ended, InterruptedException {
    switch (event) {
      case Event.Gone() -> over = true;
      case Event.Stopped() -> {
        if (machine.ended()) {
          throw new Ended();
        }
        if (running) {
          stopped();
        }
      }
      case Event.Received(Message message) -> {
        ahead.release();
        switch (message) {
          case Message.Again() -> stream.writeAgain();
          case Message.TooLong() -> stream.write(Errors.TOO_BIG);
          case Message.Interrupt() -> {
            if (running) {
              interrupted();
            }
          }
          case Message.Packet(byte[] data) -> answer(data);
        }
      }
    }
  }

  /** A vCPU has stopped, unless that was told before. */
  private void stopped() throws IOException, Ended, InterruptedException {
    Optional<Stop> stop = machine.takeStop();
    if (stop.isPresent()) {
      machine.stop();
      tell(stop, SIGTRAP);
    }
  }

  private void interrupted() throws IOException, Ended, InterruptedException {
    machine.stop();
    tell(machine.takeStop(), SIGINT);
  }

  private void tell(Optional<Stop> stop, int signal)
      throws IOException, Ended, InterruptedException {
    running = false;
    threads.stopped();
    if (stop.isPresent()) {
      threads.choose(stop.get().vcpu());
      reason = signal(SIGTRAP) + thread(threads.current()) + kind(stop.get());
    } else {
      reason = signal(signal) + thread(threads.current());
    }
    stream.write(reason);
  }

  private static String signal(int number) {
    return "T%02x".formatted(number);
  }

  private static String thread(int vcpu) {
    return "thread:%x;".formatted(vcpu + 1);
  }

  private String kind(Stop stop) throws Ended, InterruptedException {
    if (stop.watchpoint().isPresent()) {
      Watchpoint watchpoint = stop.watchpoint().get();
      String name =
          switch (watchpoint.access()) {
            case WRITE -> "watch";
            case READ -> "rwatch";
            case ANY -> "awatch";
          };
      return "%s:%x;".formatted(name, watchpoint.address());
    }
    long rip = machine.at(stop.vcpu(), cpu -> cpu.linearRip());
    return queries.tellsKind() ? stops.kindAt(rip) : "";
  }

  // ---------------------------------------------------------------- packets

  private void answer(byte[] data) throws IOException, Ended, InterruptedException {
    if (running) {
      // In all-stop mode there is nothing to ask meanwhile.
      return;
    }
    Request request = new Request(data);
    Optional<byte[]> answer;
    try {
      answer = perform(request);
    } catch (Request.Malformed e) {
      answer = text(Errors.INVALID);
    }
    if (answer.isPresent()) {
      stream.write(answer.get());
    }
  }

  private static Optional<byte[]> text(String answer) {
    return Optional.of(answer.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Empty when the answer comes later or was given. */
  private Optional<byte[]> perform(Request request)
      throws IOException, Ended, InterruptedException {
    return switch (request.command()) {
      case '?' -> text(reason);
      case 'g' -> text(Hex.of(machine.at(threads.current(), Registers::get)));
      case 'G' -> text(setRegisters(request));
      case 'p' -> text(register(request));
      case 'P' -> text(setRegister(request));
      case 'm' -> text(memory.read(threads.current(), request));
      case 'M' -> text(memory.write(threads.current(), request));
      case 'X' -> text(memory.writeBinary(threads.current(), request));
      case 'H' -> text(threads.select(request));
      case 'T' -> text(threads.exists(request.thread()) ? "OK" : Errors.NO_THREAD);
      case 'Z', 'z' -> text(point(request));
      case 'c' -> resume(request, Action.CONTINUE);
      case 's' -> resume(request, Action.STEP);
      case 'v' -> performNamed(request);
      case 'q', 'Q' -> text(queries.answer(request, threads.current()));
      case 'D' -> {
        stream.write("OK");
        over = true;
        yield Optional.empty();
      }
      case 'k' -> {
        machine.kill();
        over = true;
        yield Optional.empty();
      }
      default -> text("");
    };
  }

  private String setRegisters(Request request) throws Ended, InterruptedException {
    byte[] values = request.hexBytes();
    if (values.length != Registers.SIZE) {
      return Errors.INVALID;
    }
    return machine.at(threads.current(), cpu -> Registers.set(cpu, values)) ? "OK" : Errors.INVALID;
  }

  private static Register numbered(long number) {
    if (number < 0 || number >= Registers.ALL.size()) {
      throw new Request.Malformed();
    }
    return Registers.ALL.get((int) number);
  }

  private String register(Request request) throws Ended, InterruptedException {
    Register register = numbered(request.hex());
    request.end();
    byte[] value = new byte[register.bytes()];
    return machine.at(
        threads.current(),
        cpu -> {
          register.get(cpu, value, 0);
          return Hex.of(value);
        });
  }

  private String setRegister(Request request) throws Ended, InterruptedException {
    Register register = numbered(request.hex());
    request.expect('=');
    byte[] value = request.hexBytes();
    if (value.length != register.bytes() || !register.writable()) {
      return Errors.INVALID;
    }
    return machine.at(
        threads.current(),
        cpu -> {
          register.set(cpu, value, 0);
          return "OK";
        });
  }

  private String point(Request request) throws Ended, InterruptedException {
    boolean set = request.command() == 'Z';
    Optional<StopList.Point> point = StopList.read(request);
    if (point.isEmpty()) {
      return "";
    }
    if (!stops.change(point.get(), set)) {
      return Errors.NO_ROOM;
    }
    if (machine.stopAt(stops.all())) {
      return "OK";
    }
    stops.change(point.get(), !set);
    return Errors.NO_ROOM;
  }

  // ---------------------------------------------------------------- going on

  /** c or s, with an address to go on from if there is one. */
  private Optional<byte[]> resume(Request request, Action action)
      throws IOException, Ended, InterruptedException {
    if (!request.atEnd()) {
      long rip = request.hex();
      machine.at(
          threads.current(),
          cpu -> {
            cpu.rip = cpu.mode64() ? rip : rip & 0xFFFF_FFFFL;
            return rip;
          });
    }
    return resume(threads.plain(action));
  }

  private Optional<byte[]> resume(List<Action> actions)
      throws IOException, Ended, InterruptedException {
    running = true;
    if (machine.resume(actions)) {
      return Optional.empty();
    }
    running = false;
    return text(Errors.INVALID);
  }

  private Optional<byte[]> performNamed(Request request)
      throws IOException, Ended, InterruptedException {
    if (request.accept("vCont?")) {
      return text("vCont;c;C;s;S;t");
    }
    if (!request.accept("vCont;")) {
      return text(request.accept("vKill") ? kill() : "");
    }
    Optional<List<Action>> actions = threads.each(request);
    if (actions.isEmpty()) {
      return text(Errors.NO_THREAD);
    }
    if (actions.get().stream().allMatch(Action.STAY::equals)) {
      return text(reason);
    }
    return resume(actions.get());
  }

  private String kill() {
    machine.kill();
    over = true;
    return "OK";
  }
}
