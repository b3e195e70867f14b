package lodge.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import lodge.cli.guest.GuestException;
import lodge.disk.DiskException;
import lodge.machine.Machine;
import lodge.machine.MachineException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/**
 * The {@code lodge} command: parses, runs, and turns every error into one line and an exit status.
 */
@Command(
    name = "lodge",
    description = "Runs virtual machines in pure Java: no KVM, no root, no emulator to install.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Exit status: 0 the guest ended well, 1 it failed (panic, triple fault),",
      "2 bad usage or bad input; with 'lodge run GUEST -- COMMAND' the command's own."
    })
final class Lodge implements Runnable {
  private static final Subcommands COMMANDS =
      new Subcommands(
          List.of(
              RunCommand.class,
              ImageCommand.class,
              CpuCommand.class,
              DoctorCommand.class,
              HelpCommand.class));

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  public static void main(String[] arguments) {
    System.exit(run(List.of(arguments), new Streams(System.in, System.out, System.err)));
  }

  /** Runs one command and returns its exit status. */
  static int run(List<String> arguments, Streams streams) {
    // What follows "--" belongs to the guest, word for word.
    int end = arguments.indexOf("--");
    List<String> task =
        end < 0 ? List.of() : List.copyOf(arguments.subList(end + 1, arguments.size()));
    List<String> own = end < 0 ? arguments : arguments.subList(0, end);
    CommandLine line = new CommandLine(new Lodge());
    COMMANDS.addTo(line, own);
    RunCommand run = find(line, "run", RunCommand.class);
    if (run != null) {
      run.receive(task, end >= 0, streams);
    }
    ImageCommand image = find(line, "image", ImageCommand.class);
    if (image != null) {
      image.receive(streams);
      ImageCommand.COMMANDS.addTo(
          line.getSubcommands().get("image"), own.subList(Math.min(1, own.size()), own.size()));
    }
    line.setOut(new PrintWriter(streams.output(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(streams.errors(), true, StandardCharsets.UTF_8));
    line.setAbbreviatedOptionsAllowed(false);
    line.setParameterExceptionHandler((e, _) -> complain(e, streams.errors()));
    line.setExecutionExceptionHandler(
        (e, _, _) ->
            fail(
                e,
                (run != null && run.debug()) || (image != null && image.debug()),
                streams.errors()));
    return line.execute(own.toArray(String[]::new));
  }

  /** Null when it is not among the commands that are built. */
  private static <C> C find(CommandLine line, String name, Class<C> type) {
    CommandLine command = line.getSubcommands().get(name);
    return command == null ? null : type.cast(command.getCommand());
  }

  private static int complain(ParameterException e, PrintStream errors) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    say(errors, oneLine(e.getMessage()) + "; see '" + command + " --help'");
    return ExitStatus.USAGE;
  }

  private static int fail(Exception e, boolean debug, PrintStream errors) {
    boolean known =
        e instanceof BadInput
            || e instanceof GuestException
            || e instanceof MachineException
            || e instanceof DiskException;
    say(
        errors,
        known
            ? oneLine(e.getMessage())
            : "internal error: " + oneLine(e.toString()) + (debug ? "" : "; --debug says more"));
    if (debug) {
      e.printStackTrace(errors);
    }
    return known ? ExitStatus.USAGE : ExitStatus.FAILED;
  }

  /** Lodge's own words: never on standard output, always marked. */
  static void say(PrintStream errors, String line) {
    errors.println("lodge: " + line);
  }

  static String oneLine(String message) {
    return message == null ? "no details" : String.join(" ", message.strip().split("\\s*\\R\\s*"));
  }

  /** Without a subcommand there is nothing to do. */
  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Missing command: run, image, cpu, doctor or help");
  }

  /** Asks the module for its version. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version =
          Lodge.class.getModule().isNamed()
              ? Lodge.class.getModule().getDescriptor().rawVersion().orElse("(unpacked)")
              : "(unpacked)";
      return new String[] {
        "lodge " + version,
        "Engines: " + String.join(", ", Machine.engines()),
        "JVM: " + System.getProperty("java.vm.name") + " " + Runtime.version()
      };
    }
  }
}
