package lodge.cli;

/**
 * The user asked for something that cannot be. The message is one line: what, where, and what would
 * be right.
 */
@SuppressWarnings("serial")
final class BadInput extends RuntimeException {
  BadInput(String message) {
    super(message);
  }

  BadInput(String message, Throwable cause) {
    super(message, cause);
  }
}
