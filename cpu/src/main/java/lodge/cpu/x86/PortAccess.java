package lodge.cpu.x86;

/** Who may use which I/O port (SDM volume 1, 19.5). */
public final class PortAccess {
  private static final int IO_MAP_BASE = 0x66;

  private PortAccess() {}

  /**
   * To be called right before the access: I/O breakpoints are noted, too.
   *
   * @param size 1, 2 or 4 bytes
   * @throws CpuException #GP(0)
   */
  public static void check(Cpu c, int port, int size) {
    c.drainStores();
    if (c.protectedMode() && (c.cpl > c.iopl() || c.virtual8086())) {
      checkBitmap(c, port, size);
    }
    if (c.ioBreakpoints != 0) {
      watch(c, port, size);
    }
  }

  private static void watch(Cpu c, int port, int size) {
    int hits = DebugRegisters.hitPort(c, port, size);
    if (hits != 0) {
      if (c.mmu.batching) {
        throw c.alone();
      }
      c.pendingDebug |= hits;
    }
  }

  private static void checkBitmap(Cpu c, int port, int size) {
    int type = c.segAccess[Cpu.TR] & 0x1F;
    long limit = c.segLimit[Cpu.TR];
    boolean wide = type == Descriptor.TSS_32 || type == Descriptor.TSS_32_BUSY;
    if (!wide || limit < IO_MAP_BASE + 1) {
      throw c.generalProtection(0);
    }
    long tss = c.segBase[Cpu.TR];
    long at = c.mmu.readSystem(c.linear(tss + IO_MAP_BASE), 2) + (port >> 3);
    // Two bytes are always read, so one more than the last port's has to be inside the limit.
    if (at + 1 > limit) {
      throw c.generalProtection(0);
    }
    long bits = c.mmu.readSystem(c.linear(tss + at), 2) >> (port & 7);
    if ((bits & (1 << size) - 1) != 0) {
      throw c.generalProtection(0);
    }
  }
}
