package lodge.cpu.x86;

/**
 * A fault on its way from the instruction that raised it to the run loop, which delivers it to the
 * guest. Each {@link Cpu} has one instance that it throws again and again, so raising a fault
 * allocates nothing.
 */
@SuppressWarnings("serial")
public final class CpuException extends RuntimeException {
  /** No error code is pushed. */
  public static final int NO_ERROR_CODE = -1;

  /**
   * {@link #vector}: no exception. The instruction that was interrupted has to be executed apart
   * from its neighbours, because of what follows from it.
   */
  public static final int ALONE = -1;

  public int vector;
  public int errorCode;

  /** #GP(0) for a non-canonical address: #SS(0) when the access was to the stack. */
  public boolean nonCanonical;

  CpuException() {
    super(null, null, false, false);
  }

  @Override
  public String getMessage() {
    return "exception "
        + vector
        + (errorCode == NO_ERROR_CODE ? "" : " error 0x" + Integer.toHexString(errorCode));
  }
}
