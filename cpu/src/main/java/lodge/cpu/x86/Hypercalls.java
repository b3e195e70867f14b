package lodge.cpu.x86;

/**
 * VMCALL, and AMD's VMMCALL, which KVM takes for the same: a call to the virtual machine monitor.
 * Numbers, arguments and results are those of KVM (Linux,
 * Documentation/virt/kvm/x86/hypercalls.rst).
 */
public final class Hypercalls {
  private static final int SEND_IPI = 10;

  private static final long NOT_PERMITTED = -1;
  private static final long INVALID = -22;
  private static final long NO_SUCH_CALL = -1000;

  /** Interrupt command: vector, delivery mode; anything else is not for many receivers. */
  private static final long COMMAND = 0x7FF;

  /** No APIC has this identifier or a higher one: it is the xAPIC's broadcast. */
  private static final long NO_APIC = 0xFF;

  private Hypercalls() {}

  /** Takes the number from RAX and arguments from RBX, RCX, RDX and RSI; RAX has the result. */
  public static void execute(Cpu c) {
    long mask = c.mode64() ? -1L : 0xFFFF_FFFFL;
    c.r[Cpu.RAX] = mask & call(c, c.r[Cpu.RAX] & mask, mask);
  }

  private static long call(Cpu c, long number, long mask) {
    if (c.cpl != 0) {
      return NOT_PERMITTED;
    }
    if (number != SEND_IPI) {
      return NO_SUCH_CALL;
    }
    long first = c.r[Cpu.RDX] & mask;
    long command = c.r[Cpu.RSI] & mask;
    if ((command & ~COMMAND) != 0) {
      return INVALID;
    }
    if (Long.compareUnsigned(first, NO_APIC) >= 0) {
      return 0;
    }
    int bits = c.mode64() ? 64 : 32;
    return send(c, c.r[Cpu.RBX], bits, first, (int) command)
        + send(c, c.r[Cpu.RCX], bits, first + bits, (int) command);
  }

  /** Sends to the APICs that the bitmap names; how many there were. */
  private static int send(Cpu c, long bitmap, int bits, long first, int command) {
    int sent = 0;
    for (int i = 0; i < bits; i++) {
      long id = first + i;
      if ((bitmap & 1L << i) != 0 && id < NO_APIC && c.apic.sendTo((int) id, command)) {
        sent++;
      }
    }
    return sent;
  }
}
