package lodge.kvm;

/** Why KVM_RUN came back, by the names and numbers of {@code linux/kvm.h}. */
enum ExitReason {
  UNKNOWN(0),
  EXCEPTION(1),
  IO(2),
  HYPERCALL(3),
  DEBUG(4),
  HLT(5),
  MMIO(6),
  IRQ_WINDOW_OPEN(7),
  SHUTDOWN(8),
  FAIL_ENTRY(9),
  INTR(10),
  SET_TPR(11),
  INTERNAL_ERROR(17),
  IOAPIC_EOI(26),
  X86_RDMSR(29),
  X86_WRMSR(30);

  private static final ExitReason[] BY_NUMBER = new ExitReason[31];

  static {
    for (ExitReason reason : values()) {
      BY_NUMBER[reason.number] = reason;
    }
  }

  private final int number;

  ExitReason(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /** {@link #UNKNOWN} for those that nobody asked for. */
  static ExitReason of(int number) {
    boolean listed = number >= 0 && number < BY_NUMBER.length && BY_NUMBER[number] != null;
    return listed ? BY_NUMBER[number] : UNKNOWN;
  }
}
