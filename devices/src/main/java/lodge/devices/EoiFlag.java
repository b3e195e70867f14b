package lodge.devices;

import lodge.core.GuestMemory;

/**
 * A bit in memory that tells a guest's processor that it may clear it instead of writing EOI, as
 * KVM's PV EOI has it (Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN). Guests clear
 * it without locking, so only the processor's own thread may touch it.
 *
 * @param gpa in RAM
 */
public record EoiFlag(GuestMemory memory, long gpa) {
  private static final int BIT = 1;

  void set() {
    memory.putByte(gpa, (byte) BIT);
    memory.codeWatch().written(gpa, 1);
  }

  /** Clears it; true when it was set. */
  boolean clear() {
    int seen = memory.getByte(gpa);
    if ((seen & BIT) == 0) {
      return false;
    }
    memory.putByte(gpa, (byte) (seen & ~BIT));
    memory.codeWatch().written(gpa, 1);
    return true;
  }
}
