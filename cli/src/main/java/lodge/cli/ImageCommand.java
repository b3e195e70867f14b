package lodge.cli;

import java.util.List;
import lodge.cli.guest.Progress;
import lodge.disk.Conversion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code lodge image}: disk images, with the commands and options of qemu-img. */
@Command(
    name = "image",
    description = "Makes, shows, converts, checks and compares disk images, as qemu-img does.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Formats: raw and qcow2 are read and written; vdi, vmdk, vpc (VHD) and vhdx are read.",
      "Sizes are in bytes, or with K, M, G, T: 512M, 1.5T."
    })
final class ImageCommand implements Runnable {
  static final Subcommands COMMANDS =
      new Subcommands(
          List.of(
              ImageCreateCommand.class,
              ImageInfoCommand.class,
              ImageConvertCommand.class,
              ImageCheckCommand.class,
              ImageMapCommand.class,
              ImageCompareCommand.class,
              ImageResizeCommand.class,
              ImageSnapshotCommand.class,
              ImageCommitCommand.class,
              ImageRebaseCommand.class));

  private static final long NANOS_PER_SHOW = 100_000_000;

  @Spec private CommandSpec spec;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Print stack traces.")
  private boolean debug;

  private Streams streams;

  void receive(Streams given) {
    streams = given;
  }

  boolean debug() {
    return debug;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Missing command: " + String.join(", ", spec.subcommands().keySet()));
  }

  /** A line on the terminal; nothing elsewhere, unless it is asked for. */
  Progress progress(boolean asked) {
    return asked || Boolean.getBoolean("lodge.progress")
        ? Progress.on(streams.errors())
        : Progress.silent();
  }

  /** Shows how far long work is, not too often. */
  static Conversion.Progress percent(Progress progress, String doing) {
    return new Conversion.Progress() {
      private long shown;

      @Override
      public void at(long done, long of) {
        long now = System.nanoTime();
        if (shown == 0 || now - shown > NANOS_PER_SHOW) {
          shown = now;
          progress.show("%s: %.1f %%".formatted(doing, of == 0 ? 100.0 : 100.0 * done / of));
        }
      }
    };
  }
}
