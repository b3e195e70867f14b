package lodge.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.Optional;
import lodge.cli.guest.TaskInput;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;
import lodge.machine.Outcome;
import lodge.machine.SerialConsole;

/**
 * One run of a machine, joined to the terminal or the pipe that Lodge was started with.
 *
 * <p>On a terminal keys pass through a {@link Keyboard}; in a pipe standard input is the serial
 * line's input as it is. Output is the guest's bytes and nothing else; for a command it begins
 * where the command's begins.
 */
final class Session {
  /** What the machine is run for. */
  enum Goal {
    /** Its serial line. */
    CONSOLE,
    /** The output and exit status of one command. */
    TASK
  }

  private final SerialTarget target;
  private final Streams streams;
  private final Goal goal;
  private final Optional<HostTerminal> terminal;
  private volatile boolean raw;

  Session(SerialTarget target, Streams streams, Goal goal) {
    this.target = target;
    this.streams = streams;
    this.goal = goal;
    this.terminal =
        target instanceof SerialTarget.Standard ? HostTerminal.find() : Optional.empty();
  }

  /** The terminal whose keys go to the guest. */
  Optional<HostTerminal> terminal() {
    return terminal;
  }

  /**
   * Builds the machine, runs it to its end and returns the exit status.
   *
   * @param tellEngine say which engine was taken and why, even where nobody looks on
   * @param trace what the builder's machine tells its translations to
   */
  int run(MachineBuilder builder, boolean stats, boolean tellEngine, Optional<TraceFile> trace)
      throws IOException, InterruptedException {
    Optional<TaskOutput> task =
        goal == Goal.TASK ? Optional.of(new TaskOutput(target.output())) : Optional.empty();
    OutputStream output = task.<OutputStream>map(filter -> filter).orElse(target.output());
    boolean fed = terminal.isPresent() || task.isPresent();
    boolean typed = target instanceof SerialTarget.Standard;
    SerialConsole console =
        !typed
            ? SerialConsole.of(output)
            : fed ? SerialConsole.fed(output) : SerialConsole.of(streams.input(), output);
    boolean shown = terminal.isPresent() && goal == Goal.CONSOLE;
    boolean engineTold = shown || stats || tellEngine;
    if (engineTold) {
      builder.onEngineChange(this::say);
    }
    try (Machine machine = builder.serial(console).build()) {
      target.begin();
      if (trace.isPresent()) {
        trace.get().begin();
      }
      if (engineTold) {
        machine.engineChoice().ifPresent(this::say);
      }
      if (shown) {
        say("Ctrl-A X quits, Ctrl-A H helps");
      }
      try (HostTerminal _ = terminal.orElse(null)) {
        if (terminal.isPresent()) {
          terminal.get().makeRaw();
          raw = true;
        }
        machine.start();
        machine
            .gdb()
            .ifPresent(at -> say("gdb: target remote %s:%d".formatted(host(at), at.getPort())));
        if (console instanceof SerialConsole.Fed feed) {
          Thread.ofPlatform().daemon().name("stdin").start(() -> feed(feed.feed(), machine, task));
        }
        Outcome outcome = machine.await();
        closeTerminal();
        return conclude(outcome, machine, task, stats);
      } finally {
        raw = false;
      }
    }
  }

  private static String host(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return address.getAddress() instanceof Inet6Address ? "[" + host + "]" : host;
  }

  private void closeTerminal() {
    terminal.ifPresent(HostTerminal::close);
    raw = false;
  }

  private void feed(OutputStream guest, Machine machine, Optional<TaskOutput> task) {
    try {
      if (terminal.isPresent()) {
        new Keyboard(guest, orders(machine)).pump(streams.input());
      } else {
        // The guest's line is ready for a command's input once it said so.
        task.orElseThrow().awaitStart();
        try (TaskInput input = new TaskInput(guest);
            InputStream source = streams.input()) {
          source.transferTo(input);
        }
      }
    } catch (IOException e) {
      // The machine has ended, or there is no standard input: the guest gets no more of it.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Keyboard.Orders orders(Machine machine) {
    return new Keyboard.Orders() {
      @Override
      public void quit() {
        machine.stop();
      }

      @Override
      public void help() {
        say(Keyboard.HELP);
      }

      @Override
      public void counters() {
        Stats.lines(machine.counters()).forEach(Session.this::print);
      }
    };
  }

  private int conclude(Outcome outcome, Machine machine, Optional<TaskOutput> task, boolean stats) {
    boolean unstarted = task.isPresent() && !task.get().started();
    if (unstarted) {
      streams.errors().writeBytes(task.get().before());
    }
    int status =
        switch (outcome) {
          case Outcome.PowerOff() ->
              unstarted ? failed("the guest powered off before it ran the command") : ExitStatus.OK;
          case Outcome.Reset() ->
              task.isPresent() ? failed("the guest reset before the command ended") : ExitStatus.OK;
          case Outcome.DebugExit(int code) -> code;
          case Outcome.Stopped() -> ExitStatus.OK;
          case Outcome.Panic() -> failed("the guest's kernel panicked");
          case Outcome.TripleFault(String dump) ->
              failed("the guest's processor shut down (triple fault)\n" + dump);
          case Outcome.Failed(String reason) -> failed(reason);
        };
    if (stats) {
      print("engine " + machine.engine());
      Stats.lines(machine.counters()).forEach(this::print);
    }
    return status;
  }

  private int failed(String reason) {
    say(reason.stripTrailing());
    return ExitStatus.FAILED;
  }

  void say(String line) {
    print("lodge: " + line);
  }

  /** To standard error; in raw mode the terminal does not go back to the first column by itself. */
  private void print(String line) {
    streams
        .errors()
        .print(raw ? line.replace("\n", "\r\n") + "\r\n" : line + System.lineSeparator());
    streams.errors().flush();
  }
}
