package lodge.machine;

/**
 * A machine cannot be built or started. The message is one line: what is wrong, where, and what
 * would be right.
 */
@SuppressWarnings("serial")
public final class MachineException extends RuntimeException {
  /** Stable names for what went wrong. */
  public enum Kind {
    /** A number or option of the specification is out of range. */
    INVALID,
    /** A file is missing or cannot be read. */
    UNREADABLE,
    /** The file is no kernel that Lodge knows. */
    NOT_A_KERNEL,
    /** The file is a kernel that ends too early. */
    TRUNCATED,
    /** The file is a kernel of a kind that Lodge cannot boot, such as a 32-bit one. */
    UNSUPPORTED,
    /** Kernel, initrd or command line do not fit. */
    DOES_NOT_FIT,
    /** The host cannot give the memory. */
    NO_MEMORY,
    /** There is no such engine. */
    NO_ENGINE,
    /** The debugger's address is none of this host, or taken. */
    NO_ADDRESS
  }

  private final Kind kind;

  public MachineException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public MachineException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
