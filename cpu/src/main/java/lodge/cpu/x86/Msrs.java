package lodge.cpu.x86;

import static lodge.cpu.x86.MsrTable.*;

import java.util.Arrays;
import java.util.List;
import lodge.core.Counters;

/** Model-specific registers of one processor: RDMSR and WRMSR (SDM volume 4). */
public final class Msrs {
  /** How many different unknown numbers are counted by name; others share one counter. */
  private static final int UNKNOWN_NUMBERS = 32;

  private static final int LODGE_KHZ = (int) (CpuModel.TSC_HZ / 1000);

  private final Cpu cpu;
  private final int[] numbers;
  private final Msr[] rows;
  private final long[] values;

  /** Those that instructions use, outside the table's latches. */
  public long star;

  public long lstar;
  public long cstar;
  public long fmask;
  public long kernelGsBase;
  public long sysenterCs;
  public long sysenterEsp;
  public long sysenterEip;
  public long tscAux;

  private long miscEnable;
  private long debugctl;
  private long tscOffset;
  private long tscAdjust;
  private int tscKhz = LODGE_KHZ;

  private final int[] unknownNumbers = new int[UNKNOWN_NUMBERS];
  private final long[] unknownCounts = new long[UNKNOWN_NUMBERS];
  private int unknownKinds;
  private long unknownOthers;

  Msrs(Cpu cpu) {
    this.cpu = cpu;
    List<Msr> table = MsrTable.rows(cpu.model);
    rows = table.toArray(Msr[]::new);
    numbers = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      numbers[i] = rows[i].number();
    }
    values = new long[rows.length];
  }

  void reset() {
    for (int i = 0; i < rows.length; i++) {
      values[i] = rows[i].reset();
    }
    star = 0;
    lstar = 0;
    cstar = 0;
    fmask = 0;
    kernelGsBase = 0;
    sysenterCs = 0;
    sysenterEsp = 0;
    sysenterEip = 0;
    tscAux = 0;
    miscEnable = MISC_ENABLE;
    debugctl = 0;
    startTsc(cpu.clock.nanos());
  }

  /**
   * Makes the time-stamp counter count from 0 as of a moment.
   *
   * @param nanos of the machine's clock
   */
  public void startTsc(long nanos) {
    tscAdjust = 0;
    tscOffset = -ticks(nanos);
    cpu.paravirtual.timeChanged();
  }

  /**
   * Has the time-stamp counter go on at another pace, which is the one of a processor that cannot
   * scale it.
   *
   * @param khz ticks a millisecond, at least 1
   */
  public void setTscPace(int khz) {
    long value = tsc();
    tscKhz = khz;
    tscOffset += value - tsc();
    cpu.paravirtual.timeChanged();
  }

  /** The time-stamp counter. */
  long tsc() {
    return tscAt(cpu.clock.nanos());
  }

  /** What it shows at a moment of the machine's clock. */
  long tscAt(long nanos) {
    return ticks(nanos) + tscOffset;
  }

  /** Its ticks a millisecond. */
  int tscKhz() {
    return tscKhz;
  }

  private long ticks(long nanos) {
    return tscKhz == LODGE_KHZ
        ? nanos
        : nanos / 1_000_000 * tscKhz + nanos % 1_000_000 * tscKhz / 1_000_000;
  }

  /** The bits of DR6 that a single-step trap sets; 0 when there is none, because of BTF. */
  public int stepMask(boolean branched) {
    return branched || (debugctl & BTF) == 0 ? DebugRegisters.DR6_BS : 0;
  }

  /** A debug exception was delivered: the processor steps on instructions again. */
  void clearBtf() {
    debugctl &= ~BTF;
  }

  /** CPUID's highest basic leaf is limited. */
  boolean limitsCpuid() {
    return (miscEnable & LIMIT_CPUID_MAXVAL) != 0;
  }

  /** IA32_APIC_BASE.EN, which CPUID shows, too. */
  boolean apicEnabled() {
    return !cpu.apic.hasMsr(IA32_APIC_BASE)
        || (cpu.apic.readMsr(IA32_APIC_BASE) & APIC_BASE_EN) != 0;
  }

  /** There is no NX. */
  boolean disablesNx() {
    return (miscEnable & XD_DISABLE) != 0;
  }

  /**
   * Takes over a time-stamp counter as another processor left it. As long as it is what was
   * expected at some time while it was read, it stays: guests' clocks do not jump because who read
   * it had to wait for the host.
   *
   * @param value what it showed
   * @param adjust IA32_TSC_ADJUST
   * @param before time of the machine's clock before it was read
   * @param after and afterwards
   */
  public void restoreTsc(long value, long adjust, long before, long after) {
    // Guests choose the value: all of it wraps around.
    long least = value - ticks(after) - tscOffset;
    long most = least + ticks(after) - ticks(before);
    long move = least > 0 ? least : Math.min(most, 0);
    tscOffset += move;
    tscAdjust = adjust;
    if (move != 0) {
      cpu.paravirtual.timeChanged();
      cpu.apic.tscAdjusted();
    }
  }

  /** IA32_TSC_ADJUST. */
  public long tscAdjust() {
    return tscAdjust;
  }

  /** What the TSC is ahead of one that began with the machine's clock. */
  public long tscOffset() {
    return tscOffset;
  }

  /**
   * RDMSR.
   *
   * @throws CpuException #GP(0)
   */
  public long read(int number) {
    switch (number) {
      case IA32_FS_BASE:
        return cpu.segBase[Cpu.FS];
      case IA32_GS_BASE:
        return cpu.segBase[Cpu.GS];
      case IA32_APIC_BASE, IA32_TSC_DEADLINE:
        return readApic(number);
      default:
        break;
    }
    if (number >= X2APIC_FIRST && number <= X2APIC_LAST) {
      return readApic(number);
    }
    int i = Arrays.binarySearch(numbers, number);
    if (i < 0) {
      throw unknown(number);
    }
    return switch (rows[i].rule()) {
      case WRITE_ONLY -> throw cpu.generalProtection(0);
      case SPECIAL -> readSpecial(number);
      default -> values[i];
    };
  }

  /**
   * WRMSR.
   *
   * @throws CpuException #GP(0)
   */
  public void write(int number, long value) {
    switch (number) {
      case IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE:
        writeBase(number, value);
        return;
      case IA32_APIC_BASE, IA32_TSC_DEADLINE:
        writeApic(number, value);
        return;
      default:
        break;
    }
    if (number >= X2APIC_FIRST && number <= X2APIC_LAST) {
      writeApic(number, value);
      return;
    }
    int i = Arrays.binarySearch(numbers, number);
    if (i < 0) {
      throw unknown(number);
    }
    Msr row = rows[i];
    boolean allowed =
        switch (row.rule()) {
          case PLAIN -> true;
          case READ_ONLY -> false;
          case WRITE_ONLY -> (value & ~row.ignored()) == 0;
          case CANONICAL -> cpu.canonicalBase(value);
          case PAT -> validPat(value);
          case MTRR_TYPES -> validMtrrTypes(value);
          case MTRR_TYPE -> validMtrrType((int) value & 0xFF);
          case ONLY_ZERO -> value == 0;
          case ALL_OR_NONE -> value == 0 || value == -1;
          case SPECIAL -> {
            writeSpecial(number, value);
            yield true;
          }
        };
    if (!allowed) {
      throw cpu.generalProtection(0);
    }
    if (row.rule() != Msr.Rule.SPECIAL && row.rule() != Msr.Rule.WRITE_ONLY) {
      long old = values[i];
      if (((value ^ old) & ~(row.writable() | row.ignored())) != 0) {
        throw cpu.generalProtection(0);
      }
      values[i] = old & ~row.writable() | value & row.writable();
    }
  }

  private long readApic(int number) {
    if (!cpu.apic.canReadMsr(number)) {
      throw cpu.generalProtection(0);
    }
    return cpu.apic.readMsr(number);
  }

  private void writeApic(int number, long value) {
    if (!cpu.apic.hasMsr(number) || !cpu.apic.writeMsr(number, value)) {
      throw cpu.generalProtection(0);
    }
    if (number == IA32_APIC_BASE) {
      // The register page may lie over RAM now, or no more.
      cpu.mmu.flushAll();
    }
    if (number != IA32_TSC_DEADLINE) {
      // An interrupt may wait that was masked before: the run loop has to look.
      cpu.attention = true;
    }
  }

  private void writeBase(int number, long value) {
    if (!cpu.model.has(Feature.LM) || !cpu.canonicalBase(value)) {
      throw cpu.generalProtection(0);
    }
    switch (number) {
      case IA32_FS_BASE -> cpu.segBase[Cpu.FS] = value;
      case IA32_GS_BASE -> cpu.segBase[Cpu.GS] = value;
      default -> kernelGsBase = value;
    }
  }

  private long readSpecial(int number) {
    return switch (number) {
      case IA32_TIME_STAMP_COUNTER -> cpu.tsc();
      case IA32_TSC_ADJUST -> tscAdjust;
      case IA32_SYSENTER_CS -> sysenterCs;
      case IA32_SYSENTER_ESP -> sysenterEsp;
      case IA32_SYSENTER_EIP -> sysenterEip;
      case IA32_MISC_ENABLE -> miscEnable;
      case IA32_DEBUGCTL -> debugctl;
      case IA32_EFER -> cpu.efer;
      case IA32_STAR -> star;
      case IA32_LSTAR -> lstar;
      case IA32_CSTAR -> cstar;
      case IA32_FMASK -> fmask;
      case IA32_KERNEL_GS_BASE -> kernelGsBase;
      case IA32_TSC_AUX -> tscAux;
      default -> cpu.paravirtual.read(number);
    };
  }

  private void writeSpecial(int number, long value) {
    switch (number) {
      case IA32_TIME_STAMP_COUNTER -> adjustTsc(value - cpu.tsc());
      case IA32_TSC_ADJUST -> adjustTsc(value - tscAdjust);
      case IA32_SYSENTER_CS -> sysenterCs = value & 0xFFFF_FFFFL;
      case IA32_SYSENTER_ESP -> sysenterEsp = canonical(value);
      case IA32_SYSENTER_EIP -> sysenterEip = canonical(value);
      case IA32_MISC_ENABLE -> {
        allow(value ^ miscEnable, MISC_ENABLE_WRITABLE | MISC_ENABLE_IGNORED);
        miscEnable = miscEnable & ~MISC_ENABLE_WRITABLE | value & MISC_ENABLE_WRITABLE;
      }
      case IA32_DEBUGCTL -> {
        allow(value, DEBUGCTL_WRITABLE);
        debugctl = value;
      }
      case IA32_EFER -> ControlRegisters.writeEfer(cpu, value);
      case IA32_STAR -> star = value;
      case IA32_LSTAR -> lstar = canonical(value);
      case IA32_CSTAR -> cstar = canonical(value);
      case IA32_FMASK -> fmask = low32(value);
      case IA32_TSC_AUX -> tscAux = low32(value);
      default -> cpu.paravirtual.write(number, value);
    }
  }

  /** Both registers move together (SDM volume 3, 18.17.3). */
  private void adjustTsc(long delta) {
    tscOffset += delta;
    tscAdjust += delta;
    cpu.paravirtual.timeChanged();
    cpu.apic.tscAdjusted();
  }

  private void allow(long bits, long allowed) {
    if ((bits & ~allowed) != 0) {
      throw cpu.generalProtection(0);
    }
  }

  private long canonical(long value) {
    if (!cpu.canonicalBase(value)) {
      throw cpu.generalProtection(0);
    }
    return value;
  }

  private long low32(long value) {
    if (value >>> 32 != 0) {
      throw cpu.generalProtection(0);
    }
    return value;
  }

  /** UC, WC, WT, WP, WB, UC-. */
  private static boolean validPat(long value) {
    for (int i = 0; i < 64; i += 8) {
      int type = (int) (value >>> i) & 0xFF;
      if (type > 7 || type == 2 || type == 3) {
        return false;
      }
    }
    return true;
  }

  private static boolean validMtrrTypes(long value) {
    for (int i = 0; i < 64; i += 8) {
      if (!validMtrrType((int) (value >>> i) & 0xFF)) {
        return false;
      }
    }
    return true;
  }

  /** UC, WC, WT, WP, WB. */
  private static boolean validMtrrType(int type) {
    return type <= 6 && type != 2 && type != 3;
  }

  // ---------------------------------------------------------------- what there is not

  private CpuException unknown(int number) {
    for (int i = 0; i < unknownKinds; i++) {
      if (unknownNumbers[i] == number) {
        unknownCounts[i]++;
        return cpu.generalProtection(0);
      }
    }
    if (unknownKinds < UNKNOWN_NUMBERS) {
      unknownNumbers[unknownKinds] = number;
      unknownCounts[unknownKinds++] = 1;
    } else {
      unknownOthers++;
    }
    return cpu.generalProtection(0);
  }

  /** Adds how often which unknown register was asked for. */
  public void count(Counters counters) {
    for (int i = 0; i < unknownKinds; i++) {
      String name = "unknown_msr_0x" + Integer.toHexString(unknownNumbers[i]);
      counters.add(name, unknownCounts[i]);
    }
    if (unknownOthers > 0) {
      counters.add("unknown_msr_others", unknownOthers);
    }
  }
}
