package lodge.machine;

import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Feature;

/**
 * What firmware writes into the memory-type range registers of each processor (SDM volume 3,
 * 12.11): all is write-back, but for the video memory, the ROMs and the PCI hole.
 */
final class MemoryTypes {
  private static final int PHYSBASE0 = 0x200;
  private static final int PHYSMASK0 = 0x201;
  private static final int FIX64K_00000 = 0x250;
  private static final int FIX16K_80000 = 0x258;
  private static final int FIX16K_A0000 = 0x259;
  private static final int FIX4K_C0000 = 0x268;
  private static final int FIX4K_F8000 = 0x26F;
  private static final int DEF_TYPE = 0x2FF;

  /** One type in each of eight bytes. */
  private static final long WRITE_BACK = 0x0606_0606_0606_0606L;

  private static final long WRITE_PROTECTED = 0x0505_0505_0505_0505L;
  private static final long UNCACHEABLE = 0;

  private static final long MASK_VALID = 1 << 11;

  /** Fixed and variable ranges enabled, all else write-back. */
  private static final long ENABLED = 0xC06;

  private MemoryTypes() {}

  static void set(Cpu cpu) {
    if (!cpu.model.has(Feature.MTRR)) {
      return;
    }
    cpu.msrs.write(FIX64K_00000, WRITE_BACK);
    cpu.msrs.write(FIX16K_80000, WRITE_BACK);
    cpu.msrs.write(FIX16K_A0000, UNCACHEABLE);
    for (int i = FIX4K_C0000; i <= FIX4K_F8000; i++) {
      cpu.msrs.write(i, WRITE_PROTECTED);
    }
    long addresses = (1L << cpu.model.physicalAddressBits()) - 1;
    long hole = GuestMemory.HIGH_RAM_START - GuestMemory.LOW_RAM_LIMIT;
    cpu.msrs.write(PHYSBASE0, GuestMemory.LOW_RAM_LIMIT | UNCACHEABLE);
    cpu.msrs.write(PHYSMASK0, addresses & -hole | MASK_VALID);
    cpu.msrs.write(DEF_TYPE, ENABLED);
  }
}
