package lodge.cpu.x86;

/**
 * An engine cannot be used on this host, or not for this machine. The message is one line: what is
 * in the way, and what would help.
 */
@SuppressWarnings("serial")
public final class EngineException extends RuntimeException {
  public EngineException(String message) {
    super(message);
  }
}
