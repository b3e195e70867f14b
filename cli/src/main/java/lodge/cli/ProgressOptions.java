package lodge.cli;

import lodge.cli.guest.Progress;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say whether progress is shown. */
final class ProgressOptions {
  @Option(names = "-p", description = "Show progress even if standard error is no terminal.")
  private boolean asked;

  @Mixin private Quiet quiet;

  Quiet quiet() {
    return quiet;
  }

  Progress line(ImageCommand image) {
    return quiet.isGiven() ? Progress.silent() : image.progress(asked);
  }
}
