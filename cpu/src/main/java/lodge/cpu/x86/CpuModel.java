package lodge.cpu.x86;

/** What CPUID announces. */
public final class CpuModel {
  /** CPUID.1:EAX: family, model and stepping, also RDX after reset. */
  public int signature() {
    return 0x000806F8;
  }

  /** MAXPHYADDR. */
  public int physicalAddressBits() {
    return 46;
  }
}
