package lodge.cpu.x86;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** CPUID leaf by leaf (SDM volume 2, CPUID). */
public final class Cpuid {
  private static final int MAX_BASIC = 0x16;
  private static final int LIMITED_BASIC = 2;
  private static final int MAX_SUBLEAF_7 = 2;
  private static final int MAX_EXTENDED = 0x8000_0008;
  private static final int HYPERVISOR_FIRST = 0x4000_0000;
  private static final int HYPERVISOR_FEATURES = 0x4000_0001;
  private static final int HYPERVISOR_LAST = 0x4FFF_FFFF;
  private static final String VENDOR = "GenuineIntel";
  private static final String BRAND = "Lodge Virtual CPU";
  private static final int[] BRAND_WORDS = words(BRAND, 12);
  private static final int[] VENDOR_WORDS = words(VENDOR, 3);

  /** By this guests know the interface of {@link Paravirtual} and {@link Hypercalls}. */
  private static final int[] KVM_WORDS = words("KVMKVMKVM", 3);

  private static final int OSXSAVE = 1 << 27;
  private static final int OSPKE = 1 << 4;

  /**
   * Type, level, ways, sets and size of line of each cache in leaf 4's order; all lines have 64
   * bytes.
   */
  private record Cache(int type, int level, int ways, int sets, boolean shared) {}

  private static final Cache[] CACHES = {
    new Cache(1, 1, 12, 64, false),
    new Cache(2, 1, 8, 64, false),
    new Cache(3, 2, 16, 2048, false),
    new Cache(3, 3, 16, 16384, true)
  };

  /**
   * Legacy XSAVE region and header, and the places that Intel gives the components in the standard
   * format.
   */
  private static final int LEGACY_BYTES = 576;

  private static final int AVX_BYTES = 256;
  private static final int AVX_OFFSET = 576;
  private static final int PKRU_BYTES = 8;

  /** Where the standard format of XSAVE has PKRU. */
  public static final int PKRU_OFFSET = 2688;

  /** What CPUID says for a leaf and a subleaf. */
  public record Leaf(int number, int subleaf, int eax, int ebx, int ecx, int edx) {}

  private Cpuid() {}

  /** All leaves, in ascending order, as the processor with APIC id 0 shows them after reset. */
  public static List<Leaf> leaves(CpuModel model) {
    List<Leaf> leaves = new ArrayList<>();
    int[] out = new int[4];
    for (int first : new int[] {0, HYPERVISOR_FIRST, 0x8000_0000}) {
      leaf(model, 0, first, 0, out);
      int last = out[0];
      for (int number = first; number <= last; number++) {
        for (int subleaf : subleaves(number)) {
          leaf(model, 0, number, subleaf, out);
          leaves.add(new Leaf(number, subleaf, out[0], out[1], out[2], out[3]));
        }
      }
    }
    return leaves;
  }

  private static int[] subleaves(int leaf) {
    return switch (leaf) {
      case 4 -> new int[] {0, 1, 2, 3, 4};
      case 7 -> new int[] {0, 1, 2};
      case 0xB -> new int[] {0, 1, 2};
      case 0xD -> new int[] {0, 1, 2, 9};
      default -> new int[] {0};
    };
  }

  /** The instruction: leaf EAX, subleaf ECX; writes EAX, EBX, ECX and EDX. */
  public static void execute(Cpu c) {
    int[] out = new int[4];
    read(c, (int) c.r[Cpu.RAX], (int) c.r[Cpu.RCX], out);
    c.r[Cpu.RAX] = out[0] & 0xFFFF_FFFFL;
    c.r[Cpu.RBX] = out[1] & 0xFFFF_FFFFL;
    c.r[Cpu.RCX] = out[2] & 0xFFFF_FFFFL;
    c.r[Cpu.RDX] = out[3] & 0xFFFF_FFFFL;
  }

  /**
   * @param out receives EAX, EBX, ECX, EDX as this processor shows them now
   */
  public static void read(Cpu c, int leaf, int subleaf, int[] out) {
    leaf(c.model, c.apicId, c.msrs.tscKhz(), leaf, subleaf, out);
    switch (leaf) {
      case 0 -> {
        if (c.msrs.limitsCpuid()) {
          out[0] = LIMITED_BASIC;
        }
      }
      case 1 -> {
        out[2] |= (c.cr4 & Cpu.CR4_OSXSAVE) != 0 ? OSXSAVE : 0;
        if (!c.msrs.apicEnabled()) {
          out[3] &= ~(1 << Feature.APIC.bit());
        }
      }
      case 0x8000_0001 -> {
        if (c.msrs.disablesNx()) {
          out[3] &= ~(1 << Feature.NX.bit());
        }
      }
      case 7 -> out[2] |= subleaf == 0 && (c.cr4 & Cpu.CR4_PKE) != 0 ? OSPKE : 0;
      case 0xD -> {
        if (c.model.has(Feature.XSAVE)) {
          if (subleaf == 0) {
            out[1] = standardSize(c.xcr0);
          } else if (subleaf == 1) {
            out[1] = c.model.has(Feature.XSAVEC) ? compactedSize(c.xcr0) : 0;
          }
        }
      }
      default -> {}
    }
  }

  /** See {@link #leaf(CpuModel, int, int, int, int, int[])}, with Lodge's time-stamp counter. */
  public static void leaf(CpuModel m, int apicId, int leaf, int subleaf, int[] out) {
    leaf(m, apicId, (int) (CpuModel.TSC_HZ / 1000), leaf, subleaf, out);
  }

  /**
   * What does not depend on control registers; XSAVE sizes are those of x87 alone.
   *
   * @param tscKhz the pace of the time-stamp counter
   * @param out receives EAX, EBX, ECX, EDX
   */
  public static void leaf(CpuModel m, int apicId, int tscKhz, int leaf, int subleaf, int[] out) {
    out[0] = 0;
    out[1] = 0;
    out[2] = 0;
    out[3] = 0;
    // As signed numbers, the extended leaves come first.
    boolean extended = leaf <= MAX_EXTENDED;
    boolean basic = leaf >= 0 && leaf <= MAX_BASIC;
    if (leaf >= HYPERVISOR_FIRST && leaf <= HYPERVISOR_LAST) {
      hypervisor(m, leaf, out);
      return;
    }
    if (!extended && !basic) {
      // As Intel's: what is out of range shows the highest basic leaf.
      leaf = MAX_BASIC;
    }
    switch (leaf) {
      case 0 -> set(out, MAX_BASIC, VENDOR_WORDS[0], VENDOR_WORDS[2], VENDOR_WORDS[1]);
      case 1 -> version(m, apicId, out);
      // One-byte descriptors: TLBs of the Skylake server line, and "caches are in leaf 4".
      case 2 -> set(out, 0x7603_6301, 0x00F0_B5FF, 0, 0x00C3_0000);
      case 4 -> cache(m, subleaf, out);
      case 6 -> features(m, 6, 0, out);
      case 7 -> {
        features(m, 7, subleaf, out);
        if (subleaf == 0) {
          out[0] = MAX_SUBLEAF_7;
        }
      }
      case 0xB -> topology(m, apicId, subleaf, out);
      case 0xD -> extendedState(m, subleaf, out);
      case 0x15 -> {
        // The crystal clocks the APIC's timer, too.
        TscRatio ratio = TscRatio.of(CpuModel.CRYSTAL_HZ / 1000, tscKhz);
        set(out, ratio.denominator(), ratio.numerator(), CpuModel.CRYSTAL_HZ, 0);
      }
      // Base, maximum and bus frequency in MHz.
      case 0x16 -> set(out, tscKhz / 1000, tscKhz / 1000, 100, 0);
      case 0x8000_0000 -> set(out, MAX_EXTENDED, 0, 0, 0);
      case 0x8000_0001 -> features(m, leaf, 0, out);
      case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> {
        int i = (leaf - 0x8000_0002) * 4;
        set(out, BRAND_WORDS[i], BRAND_WORDS[i + 1], BRAND_WORDS[i + 2], BRAND_WORDS[i + 3]);
      }
      // L2: 2 MiB, 16 ways (code 8), lines of 64 bytes.
      case 0x8000_0006 -> set(out, 0, 0, 2048 << 16 | 8 << 12 | 64, 0);
      case 0x8000_0007 -> features(m, leaf, 0, out);
      case 0x8000_0008 -> set(out, m.linearAddressBits() << 8 | m.physicalAddressBits(), 0, 0, 0);
      default -> {}
    }
  }

  /** Nothing at all in models that share nothing with their guests. */
  private static void hypervisor(CpuModel m, int leaf, int[] out) {
    boolean shares = m.features().stream().anyMatch(f -> f.leaf() == HYPERVISOR_FEATURES);
    if (!shares || !m.has(Feature.HYPERVISOR)) {
      return;
    }
    if (leaf == HYPERVISOR_FIRST) {
      set(out, HYPERVISOR_FEATURES, KVM_WORDS[0], KVM_WORDS[1], KVM_WORDS[2]);
    } else if (leaf == HYPERVISOR_FEATURES) {
      features(m, leaf, 0, out);
    }
  }

  private static void version(CpuModel m, int apicId, int[] out) {
    features(m, 1, 0, out);
    out[0] = m.signature();
    int clflush = m.has(Feature.CLFSH) ? 8 : 0;
    out[1] = apicId << 24 | idSpace(m) << 16 | clflush << 8;
    if (m.cpus() > 1) {
      // HTT: EBX[23:16] is valid.
      out[3] |= 1 << 28;
    }
  }

  private static void features(CpuModel m, int leaf, int subleaf, int[] out) {
    for (Feature feature : m.features()) {
      if (feature.leaf() == leaf && feature.subleaf() == subleaf) {
        out[feature.register().ordinal()] |= 1 << feature.bit();
      }
    }
  }

  /** APIC ids that the package's processors take up: a power of two. */
  private static int idSpace(CpuModel m) {
    return 1 << idBits(m);
  }

  private static int idBits(CpuModel m) {
    return 32 - Integer.numberOfLeadingZeros(m.cpus() - 1);
  }

  private static void cache(CpuModel m, int subleaf, int[] out) {
    if (subleaf < 0 || subleaf >= CACHES.length) {
      return;
    }
    Cache cache = CACHES[subleaf];
    int sharing = cache.shared ? idSpace(m) : 1;
    int coreIds = Math.min(idSpace(m), 64);
    int selfInitializing = 1 << 8;
    set(
        out,
        cache.type | cache.level << 5 | selfInitializing | sharing - 1 << 14 | coreIds - 1 << 26,
        64 - 1 | cache.ways - 1 << 22,
        cache.sets - 1,
        0);
  }

  private static void topology(CpuModel m, int apicId, int subleaf, int[] out) {
    switch (subleaf) {
      case 0 -> set(out, 0, 1, 1 << 8, apicId);
      case 1 -> set(out, idBits(m), m.cpus(), 2 << 8 | 1, apicId);
      default -> set(out, 0, 0, subleaf & 0xFF, apicId);
    }
  }

  private static void extendedState(CpuModel m, int subleaf, int[] out) {
    if (!m.has(Feature.XSAVE)) {
      return;
    }
    long mask = m.xcr0Mask();
    switch (subleaf) {
      case 0 -> set(out, (int) mask, standardSize(1), standardSize(mask), 0);
      case 1 -> {
        features(m, 0xD, 1, out);
        out[1] = m.has(Feature.XSAVEC) ? compactedSize(1) : 0;
      }
      case 2 -> {
        if ((mask & 1 << 2) != 0) {
          set(out, AVX_BYTES, AVX_OFFSET, 0, 0);
        }
      }
      case 9 -> {
        if ((mask & 1 << 9) != 0) {
          set(out, PKRU_BYTES, PKRU_OFFSET, 0, 0);
        }
      }
      default -> {}
    }
  }

  /** Bytes of an XSAVE area in the standard format that holds these components. */
  static int standardSize(long components) {
    if ((components & 1 << 9) != 0) {
      return PKRU_OFFSET + PKRU_BYTES;
    }
    return (components & 1 << 2) != 0 ? AVX_OFFSET + AVX_BYTES : LEGACY_BYTES;
  }

  /** Bytes of an XSAVE area in the compacted format that holds these components. */
  static int compactedSize(long components) {
    return LEGACY_BYTES
        + ((components & 1 << 2) != 0 ? AVX_BYTES : 0)
        + ((components & 1 << 9) != 0 ? PKRU_BYTES : 0);
  }

  private static void set(int[] out, int eax, int ebx, int ecx, int edx) {
    out[0] = eax;
    out[1] = ebx;
    out[2] = ecx;
    out[3] = edx;
  }

  private static int[] words(String text, int count) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    int[] words = new int[count];
    for (int i = 0; i < bytes.length; i++) {
      words[i / 4] |= bytes[i] << 8 * (i % 4);
    }
    return words;
  }
}
