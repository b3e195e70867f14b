package lodge.cpu.x86;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lodge.cpu.x86.Msr.Rule;

/** The model-specific registers there are (SDM volume 4), by number. */
public final class MsrTable {
  static final int IA32_TIME_STAMP_COUNTER = 0x10;
  static final int IA32_APIC_BASE = 0x1B;
  static final int IA32_TSC_ADJUST = 0x3B;

  /** IA32_APIC_BASE: the APIC is there. */
  static final long APIC_BASE_EN = 1 << 11;

  static final int IA32_SPEC_CTRL = 0x48;
  static final int IA32_SYSENTER_CS = 0x174;
  static final int IA32_SYSENTER_ESP = 0x175;
  static final int IA32_SYSENTER_EIP = 0x176;
  static final int IA32_MISC_ENABLE = 0x1A0;
  static final int IA32_DEBUGCTL = 0x1D9;
  static final int IA32_TSC_DEADLINE = 0x6E0;
  static final int X2APIC_FIRST = 0x800;
  static final int X2APIC_LAST = 0x8FF;
  static final int IA32_EFER = 0xC000_0080;
  static final int IA32_STAR = 0xC000_0081;
  static final int IA32_LSTAR = 0xC000_0082;
  static final int IA32_CSTAR = 0xC000_0083;
  static final int IA32_FMASK = 0xC000_0084;
  static final int IA32_FS_BASE = 0xC000_0100;
  static final int IA32_GS_BASE = 0xC000_0101;
  static final int IA32_KERNEL_GS_BASE = 0xC000_0102;
  static final int IA32_TSC_AUX = 0xC000_0103;

  private static final long ALL = -1L;
  private static final int VARIABLE_MTRRS = 8;
  private static final int MACHINE_CHECK_BANKS = 10;

  /** Variable-range count, fixed ranges, write combining. */
  private static final long MTRRCAP = VARIABLE_MTRRS | 1 << 8 | 1 << 10;

  /** Banks, and IA32_MCG_CTL is there. */
  private static final long MCG_CAP = MACHINE_CHECK_BANKS | 1 << 8;

  /**
   * Not affected by what software would have to work around: RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO,
   * MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO,
   * RFDS_NO, ITS_NO.
   */
  private static final long ARCH_CAPABILITIES =
      1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 | 1 << 14 | 1 << 15 | 1 << 20
          | 1 << 24 | 1 << 26 | 1 << 27 | 1L << 62;

  /** IA32_ARCH_CAPABILITIES: software may set IBRS once, and has to where it sees this. */
  private static final long IBRS_ALL = 1 << 1;

  /** IA32_MISC_ENABLE: CPUID's highest basic leaf is 2. */
  static final long LIMIT_CPUID_MAXVAL = 1 << 22;

  /** IA32_MISC_ENABLE: CPUID does not announce NX, and EFER.NXE cannot be set. */
  static final long XD_DISABLE = 1L << 34;

  /** Fast strings on; no branch trace store, no PEBS. */
  static final long MISC_ENABLE = 1 | 1 << 11 | 1 << 12;

  /** Fast strings, thermal control, SpeedStep, MONITOR, limit of CPUID, xTPR, no XD. */
  static final long MISC_ENABLE_WRITABLE =
      1 | 1 << 3 | 1 << 16 | 1 << 18 | LIMIT_CPUID_MAXVAL | 1 << 23 | XD_DISABLE;

  /** Performance monitoring, BTS and PEBS unavailable: read-only. */
  static final long MISC_ENABLE_IGNORED = 1 << 7 | 1 << 11 | 1 << 12;

  /** LBR (of which there are no records) and BTF. */
  static final long DEBUGCTL_WRITABLE = 3;

  /** IA32_DEBUGCTL: single-step on branches only. */
  static final long BTF = 1 << 1;

  private static final long PAT_RESET = 0x0007_0406_0007_0406L;

  /** Maximum non-turbo and minimum ratio to the 100 MHz bus clock. */
  private static final long PLATFORM_INFO = 10 << 8 | 10L << 40;

  private final List<Msr> rows = new ArrayList<>();
  private final long physicalMask;
  private final long specCtrl;
  private final long archCapabilities;

  private MsrTable(CpuModel model) {
    physicalMask = (1L << model.physicalAddressBits()) - 1;
    // IBRS and STIBP, SSBD, BHI_DIS_S: there is no speculation that they could restrain.
    specCtrl =
        3 | (model.has(Feature.SSBD) ? 1 << 2 : 0) | (model.has(Feature.BHI_CTRL) ? 1 << 10 : 0);
    archCapabilities = ARCH_CAPABILITIES | (model.has(Feature.SPEC_CTRL) ? IBRS_ALL : 0);
  }

  /** The rows that the model has, in ascending order of the number taken as signed. */
  public static List<Msr> rows(CpuModel model) {
    var table = new MsrTable(model);
    table.addAll();
    return table.rows.stream()
        .filter(row -> row.feature() == null || model.has(row.feature()))
        .sorted(Comparator.comparingInt(Msr::number))
        .toList();
  }

  private void addAll() {
    special(IA32_TIME_STAMP_COUNTER, "IA32_TIME_STAMP_COUNTER", Feature.TSC);
    readOnly(0x17, "IA32_PLATFORM_ID", 0, null);
    // Locked, nothing enabled.
    readOnly(0x3A, "IA32_FEATURE_CONTROL", 1, null);
    special(IA32_TSC_ADJUST, "IA32_TSC_ADJUST", Feature.TSC_ADJUST);
    latch(IA32_SPEC_CTRL, "IA32_SPEC_CTRL", 0, specCtrl, Feature.SPEC_CTRL);
    // IBPB.
    add(0x49, "IA32_PRED_CMD", 0, 0, 1, Rule.WRITE_ONLY, Feature.SPEC_CTRL);
    add(0x79, "IA32_BIOS_UPDT_TRIG", 0, 0, ALL, Rule.WRITE_ONLY, null);
    add(0x8B, "IA32_BIOS_SIGN_ID", 0x2B00_0600L << 32, 0, ALL, Rule.PLAIN, null);
    readOnly(0xCE, "MSR_PLATFORM_INFO", PLATFORM_INFO, null);
    readOnly(0xFE, "IA32_MTRRCAP", MTRRCAP, Feature.MTRR);
    readOnly(0x10A, "IA32_ARCH_CAPABILITIES", archCapabilities, Feature.ARCH_CAPABILITIES);
    latch(0x140, "MSR_MISC_FEATURES_ENABLES", 0, 0, null);
    special(IA32_SYSENTER_CS, "IA32_SYSENTER_CS", Feature.SEP);
    special(IA32_SYSENTER_ESP, "IA32_SYSENTER_ESP", Feature.SEP);
    special(IA32_SYSENTER_EIP, "IA32_SYSENTER_EIP", Feature.SEP);
    readOnly(0x198, "IA32_PERF_STATUS", 10 << 8, null);
    latch(0x199, "IA32_PERF_CTL", 0, 0xFFFF, null);
    special(IA32_MISC_ENABLE, "IA32_MISC_ENABLE", null);
    special(IA32_DEBUGCTL, "IA32_DEBUGCTL", null);
    add(0x277, "IA32_PAT", PAT_RESET, ALL, 0, Rule.PAT, Feature.PAT);
    latch(0xDA0, "IA32_XSS", 0, 0, Feature.XSAVES);
    special(IA32_EFER, "IA32_EFER", null);
    special(IA32_STAR, "IA32_STAR", Feature.SYSCALL);
    special(IA32_LSTAR, "IA32_LSTAR", Feature.SYSCALL);
    special(IA32_CSTAR, "IA32_CSTAR", Feature.SYSCALL);
    special(IA32_FMASK, "IA32_FMASK", Feature.SYSCALL);
    special(IA32_FS_BASE, "IA32_FS_BASE", Feature.LM);
    special(IA32_GS_BASE, "IA32_GS_BASE", Feature.LM);
    special(IA32_KERNEL_GS_BASE, "IA32_KERNEL_GS_BASE", Feature.LM);
    special(IA32_TSC_AUX, "IA32_TSC_AUX", Feature.RDTSCP);
    addMtrrs();
    addMachineCheck();
    special(Paravirtual.MSR_KVM_WALL_CLOCK_NEW, "MSR_KVM_WALL_CLOCK_NEW", Feature.KVMCLOCK);
    special(Paravirtual.MSR_KVM_SYSTEM_TIME_NEW, "MSR_KVM_SYSTEM_TIME_NEW", Feature.KVMCLOCK);
    special(Paravirtual.MSR_KVM_STEAL_TIME, "MSR_KVM_STEAL_TIME", Feature.KVM_STEAL_TIME);
    special(Paravirtual.MSR_KVM_PV_EOI_EN, "MSR_KVM_PV_EOI_EN", Feature.KVM_PV_EOI);
  }

  private void addMtrrs() {
    for (int i = 0; i < VARIABLE_MTRRS; i++) {
      long pages = physicalMask & ~0xFFFL;
      String number = Integer.toString(i);
      int msr = 0x200 + 2 * i;
      add(msr, "IA32_MTRR_PHYSBASE" + number, 0, pages | 0xFF, 0, Rule.MTRR_TYPE, Feature.MTRR);
      latch(msr + 1, "IA32_MTRR_PHYSMASK" + number, 0, pages | 1 << 11, Feature.MTRR);
    }
    fixedMtrr(0x250, "64K_00000");
    fixedMtrr(0x258, "16K_80000");
    fixedMtrr(0x259, "16K_A0000");
    for (int i = 0; i < 8; i++) {
      fixedMtrr(
          0x268 + i,
          "4K_" + Integer.toHexString(0xC0000 + i * 0x8000).toUpperCase(java.util.Locale.ROOT));
    }
    // Enables at bits 11:10.
    add(0x2FF, "IA32_MTRR_DEF_TYPE", 0, 0xCFF, 0, Rule.MTRR_TYPE, Feature.MTRR);
  }

  private void fixedMtrr(int number, String range) {
    add(number, "IA32_MTRR_FIX" + range, 0, ALL, 0, Rule.MTRR_TYPES, Feature.MTRR);
  }

  private void addMachineCheck() {
    readOnly(0x179, "IA32_MCG_CAP", MCG_CAP, Feature.MCA);
    latch(0x17A, "IA32_MCG_STATUS", 0, 7, Feature.MCA);
    add(0x17B, "IA32_MCG_CTL", 0, ALL, 0, Rule.ALL_OR_NONE, Feature.MCA);
    for (int i = 0; i < MACHINE_CHECK_BANKS; i++) {
      add(0x400 + 4 * i, "IA32_MC" + i + "_CTL", 0, ALL, 0, Rule.ALL_OR_NONE, Feature.MCA);
      add(0x401 + 4 * i, "IA32_MC" + i + "_STATUS", 0, 0, 0, Rule.ONLY_ZERO, Feature.MCA);
      // Writable as on processors that let software inject errors.
      latch(0x402 + 4 * i, "IA32_MC" + i + "_ADDR", 0, ALL, Feature.MCA);
      latch(0x403 + 4 * i, "IA32_MC" + i + "_MISC", 0, ALL, Feature.MCA);
    }
  }

  private void latch(int number, String name, long reset, long writable, Feature feature) {
    add(number, name, reset, writable, 0, Rule.PLAIN, feature);
  }

  private void readOnly(int number, String name, long value, Feature feature) {
    add(number, name, value, 0, 0, Rule.READ_ONLY, feature);
  }

  private void special(int number, String name, Feature feature) {
    add(number, name, 0, ALL, 0, Rule.SPECIAL, feature);
  }

  private void add(
      int number,
      String name,
      long reset,
      long writable,
      long ignored,
      Rule rule,
      Feature feature) {
    rows.add(new Msr(number, name, reset, writable, ignored, rule, feature));
  }
}
