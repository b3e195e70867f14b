package lodge.kvm;

/** The requests of {@code linux/kvm.h}, which spells them with {@code KVM_} in front. */
enum Ioctl {
  // Of the system.
  GET_API_VERSION(Direction.NONE, 0x00),
  CREATE_VM(Direction.NONE, 0x01),
  CHECK_EXTENSION(Direction.NONE, 0x03),
  GET_VCPU_MMAP_SIZE(Direction.NONE, 0x04),
  GET_SUPPORTED_CPUID(Direction.BOTH, 0x05, Structs.CPUID2),

  // Of a VM.
  CREATE_VCPU(Direction.NONE, 0x41),
  GET_DIRTY_LOG(Direction.IN, 0x42, Structs.DIRTY_LOG),
  SET_USER_MEMORY_REGION(Direction.IN, 0x46, Structs.USERSPACE_MEMORY_REGION),
  SET_TSS_ADDR(Direction.NONE, 0x47),
  SET_IDENTITY_MAP_ADDR(Direction.IN, 0x48, 8),
  SET_GSI_ROUTING(Direction.IN, 0x6A, Structs.IRQ_ROUTING),
  IOEVENTFD(Direction.IN, 0x79, Structs.IOEVENTFD),
  SIGNAL_MSI(Direction.IN, 0xA5, Structs.MSI),
  ENABLE_CAP(Direction.IN, 0xA3, Structs.ENABLE_CAP),
  X86_SET_MSR_FILTER(Direction.IN, 0xC6, Structs.MSR_FILTER),

  // Of a vCPU.
  RUN(Direction.NONE, 0x80),
  SET_REGS(Direction.IN, 0x82, Structs.REGS),
  SET_SREGS(Direction.IN, 0x84, Structs.SREGS),
  INTERRUPT(Direction.IN, 0x86, Structs.INTERRUPT),
  GET_LAPIC(Direction.OUT, 0x8E, Structs.LAPIC_STATE),
  SET_LAPIC(Direction.IN, 0x8F, Structs.LAPIC_STATE),
  GET_MP_STATE(Direction.OUT, 0x98, Structs.MP_STATE),
  SET_MP_STATE(Direction.IN, 0x99, Structs.MP_STATE),
  SET_VCPU_EVENTS(Direction.IN, 0xA0, Structs.VCPU_EVENTS),
  GET_MSRS(Direction.BOTH, 0x88, Structs.MSRS),
  SET_MSRS(Direction.IN, 0x89, Structs.MSRS),
  SET_CPUID2(Direction.IN, 0x90, Structs.CPUID2),
  SET_GUEST_DEBUG(Direction.IN, 0x9B, Structs.GUEST_DEBUG),
  GET_DEBUGREGS(Direction.OUT, 0xA1, Structs.DEBUGREGS),
  SET_DEBUGREGS(Direction.IN, 0xA2, Structs.DEBUGREGS),
  SET_TSC_KHZ(Direction.NONE, 0xA2),
  GET_TSC_KHZ(Direction.NONE, 0xA3),
  GET_XSAVE(Direction.OUT, 0xA4, Structs.XSAVE),
  SET_XSAVE(Direction.IN, 0xA5, Structs.XSAVE),
  GET_XCRS(Direction.OUT, 0xA6, Structs.XCRS),
  SET_XCRS(Direction.IN, 0xA7, Structs.XCRS);

  /** Which way the argument's structure goes, as the kernel's {@code asm/ioctl.h} encodes it. */
  private enum Direction {
    NONE,
    IN,
    OUT,
    BOTH
  }

  private static final int KVMIO = 0xAE;

  private final long number;

  Ioctl(Direction direction, int request) {
    this(direction, request, 0);
  }

  Ioctl(Direction direction, int request, Struct argument) {
    this(direction, request, argument.size());
  }

  Ioctl(Direction direction, int request, long size) {
    number = (long) direction.ordinal() << 30 | size << 16 | KVMIO << 8 | request;
  }

  /** What goes into the system call. */
  long number() {
    return number;
  }
}
