package lodge.devices;

/**
 * Numbers of the local APIC's registers (offset in the page / 16, or MSR - 0x800) and their bits
 * (SDM vol. 3, tables 12-1 and 12-6).
 */
final class ApicRegister {
  static final int ID = 0x02;
  static final int VERSION = 0x03;
  static final int TPR = 0x08;
  static final int APR = 0x09;
  static final int PPR = 0x0A;
  static final int EOI = 0x0B;
  static final int RRD = 0x0C;
  static final int LDR = 0x0D;
  static final int DFR = 0x0E;
  static final int SVR = 0x0F;
  static final int ISR = 0x10;
  static final int TMR = 0x18;
  static final int IRR = 0x20;
  static final int ESR = 0x28;
  static final int ICR = 0x30;
  static final int ICR_HIGH = 0x31;
  static final int LVT_TIMER = 0x32;
  static final int LVT_LINT0 = 0x35;
  static final int LVT_LINT1 = 0x36;
  static final int LVT_ERROR = 0x37;
  static final int INITIAL_COUNT = 0x38;
  static final int CURRENT_COUNT = 0x39;
  static final int DIVIDE_CONFIGURATION = 0x3E;
  static final int SELF_IPI = 0x3F;

  /** Integrated APIC, six local vector table entries. */
  static final int VERSION_VALUE = 0x0005_0014;

  static final int SVR_ENABLE = 1 << 8;
  static final int SVR_WRITABLE = 0x1FF;

  static final int LVT_DELIVERY_STATUS = 1 << 12;
  static final int LVT_REMOTE_IRR = 1 << 14;
  static final int LVT_LEVEL = 1 << 15;
  static final int LVT_MASKED = 1 << 16;

  /** Timer, thermal sensor, performance counters, LINT0, LINT1, error. */
  private static final int[] LVT_WRITABLE = {0x700FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF};

  static final int ICR_WRITABLE = 0xC_CFFF;
  static final int ICR_LOGICAL = 1 << 11;
  static final int ICR_ASSERT = 1 << 14;
  static final int ICR_LEVEL = 1 << 15;

  static final int ESR_SEND_ILLEGAL_VECTOR = 1 << 5;
  static final int ESR_RECEIVE_ILLEGAL_VECTOR = 1 << 6;
  static final int ESR_ILLEGAL_REGISTER = 1 << 7;

  static final int DIVIDE_WRITABLE = 0xB;

  private ApicRegister() {}

  /** Whether the register page has it. */
  static boolean inPage(int register) {
    return switch (register) {
      case ID, VERSION, TPR, APR, PPR, EOI, RRD, LDR, DFR, SVR, ESR, DIVIDE_CONFIGURATION -> true;
      default -> register >= ISR && register < ESR || register >= ICR && register <= CURRENT_COUNT;
    };
  }

  /** Whether RDMSR can read it in x2APIC mode. */
  static boolean readableInX2apic(int register) {
    return switch (register) {
      case APR, EOI, RRD, DFR, ICR_HIGH -> false;
      default -> inPage(register);
    };
  }

  static boolean isLvt(int register) {
    return register >= LVT_TIMER && register <= LVT_ERROR;
  }

  static int lvtWritable(int register) {
    return LVT_WRITABLE[register - LVT_TIMER];
  }

  /**
   * The bits that WRMSR may set in x2APIC mode, or -1 when it may not write the register at all.
   * Read-only status bits count as writable: they are ignored, not refused.
   */
  static long x2apicWritable(int register) {
    return switch (register) {
      case TPR, SELF_IPI -> 0xFF;
      case SVR -> SVR_WRITABLE;
      case EOI, ESR -> 0;
      case ICR -> 0xFFFF_FFFF_0000_0000L | ICR_WRITABLE;
      case INITIAL_COUNT -> 0xFFFF_FFFFL;
      case DIVIDE_CONFIGURATION -> DIVIDE_WRITABLE;
      case LVT_LINT0, LVT_LINT1 -> lvtWritable(register) | LVT_DELIVERY_STATUS | LVT_REMOTE_IRR;
      default -> isLvt(register) ? lvtWritable(register) | LVT_DELIVERY_STATUS : -1;
    };
  }
}
