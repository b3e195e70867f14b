package lodge.cli;

import lodge.disk.Access;
import picocli.CommandLine.Option;

/** The option that reads an image although somebody else may be writing it. */
final class ForceShare {
  @Option(
      names = {"-U", "--force-share"},
      description = "Read even what another program writes; it may contradict itself then.")
  private boolean given;

  boolean isGiven() {
    return given;
  }

  Access access() {
    return given ? Access.READ_UNLOCKED : Access.READ;
  }
}
