package lodge.cli;

/** What the {@code lodge} command ends with, where it is not a guest command's own status. */
final class ExitStatus {
  /** The guest ended well. */
  static final int OK = 0;

  /** The guest failed, or the host side could not go on. */
  static final int FAILED = 1;

  /** Bad usage or bad input; nothing was started. */
  static final int USAGE = 2;

  private ExitStatus() {}
}
