package lodge.cli.guest;

/**
 * A guest cannot be had. The message is one line: what is wrong, where, and what would be right.
 */
@SuppressWarnings("serial")
public final class GuestException extends RuntimeException {
  public GuestException(String message) {
    super(message);
  }

  public GuestException(String message, Throwable cause) {
    super(message, cause);
  }
}
