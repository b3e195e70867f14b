package lodge.cpu.x86.silicon;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;

/**
 * Makes cases from rows of the opcode tables: everything a row leaves open is drawn from a seeded
 * generator.
 */
final class CaseGenerator {
  /**
   * Not run: what differs from machine to machine or from time to time, what enters the host's
   * kernel, and what the kernel emulates (UMIP) or arranges differently (descriptor tables,
   * extended state).
   */
  static final Set<String> EXCLUDED =
      Set.of(
          "CPUID",
          "RDTSC",
          "RDTSCP",
          "RDRAND",
          "RDSEED",
          "RDPID",
          "RDPMC",
          "XGETBV",
          "SYSCALL",
          "SYSENTER",
          "SGDT",
          "SIDT",
          "SLDT",
          "STR",
          "SMSW",
          "LAR",
          "LSL",
          "VERR",
          "VERW",
          "XSAVE",
          "XSAVEC",
          "XSAVEOPT",
          "XSAVES",
          "XRSTOR",
          "XRSTORS",
          "RDPKRU",
          "WRPKRU",
          "FXRSTOR",
          "FXSAVE",
          "VMCALL",
          "VMMCALL",
          "UMONITOR",
          "UMWAIT",
          "TPAUSE");

  private static final int[] SELECTORS = {
    0, 1, 3, 0x28, 0x2B, 0x23, 0x33, 0x10, 0x18, 0x1B, 0x4, 0xFFF8, 0xFFFF
  };

  final RandomGenerator random;
  private final int codeSize;

  CaseGenerator(long seed, int codeSize) {
    this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    this.codeSize = codeSize;
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** One instruction of a row. */
  Case single(FormRow row, int variant) {
    Case c = fresh(row);
    ByteArrayOutputStream code = new ByteArrayOutputStream();
    new InstructionWriter(this, c, row, variant, code, codeSize).write();
    c.name = row.mnemonic;
    c.code = code.toByteArray();
    place(c);
    return c;
  }

  /** Several instructions in a row. */
  Case sequence(List<FormRow> rows, int count) {
    Case c = fresh(rows.get(random.nextInt(rows.size())));
    ByteArrayOutputStream code = new ByteArrayOutputStream();
    List<Integer> lengths = new ArrayList<>();
    StringBuilder names = new StringBuilder();
    while (lengths.size() < count) {
      FormRow row = rows.get(random.nextInt(rows.size()));
      int before = code.size();
      ByteArrayOutputStream one = new ByteArrayOutputStream();
      Case attempt = c.copy();
      new InstructionWriter(this, attempt, row, random.nextInt(row.variants), one, codeSize)
          .write();
      if (before + one.size() > Case.MAX_CODE) {
        break;
      }
      c.gpr = attempt.gpr;
      c.ymm = attempt.ymm;
      c.pokes = attempt.pokes;
      code.writeBytes(one.toByteArray());
      lengths.add(one.size());
      names.append(names.isEmpty() ? "" : "; ").append(row.mnemonic);
    }
    c.code = code.toByteArray();
    c.lengths = lengths;
    c.name = names.toString();
    return c;
  }

  private void place(Case c) {
    if (chance(97)) {
      c.codeOffset = 0x800 + random.nextInt(64);
    } else if (chance(70)) {
      c.codeOffset = 0x1000 - 1 - random.nextInt(c.code.length);
    } else {
      c.codeOffset = 0x2000 - c.code.length;
    }
  }

  /** A case with random registers. */
  private Case fresh(FormRow row) {
    Case c = new Case();
    c.codeSize = codeSize;
    Values.Flavour flavour = flavour(row);
    for (int i = 0; i < 16; i++) {
      c.gpr[i] = register(Values.integer(random));
    }
    c.gpr[Cpu.RSP] = Case.SCRATCH + stackOffset();
    for (int i = 0; i < 64; i++) {
      c.ymm[i] = Values.lane(random, flavour);
    }
    c.rflags = 0x202 | random.nextInt() & Flags.ARITHMETIC;
    if (chance(20)) {
      c.rflags |= Flags.DF;
    }
    if (chance(2)) {
      c.rflags |= Flags.AC;
    }
    if (chance(2)) {
      c.rflags |= Flags.TF;
    }
    c.mxcsr = mxcsr();
    c.fpu = fpu();
    return c;
  }

  private long stackOffset() {
    return switch (random.nextInt(20)) {
      case 0 -> random.nextInt(16);
      case 1 -> Case.SCRATCH_SIZE - random.nextInt(16);
      case 2 -> 0x1000 - random.nextInt(16);
      case 3 -> 0x800 + random.nextInt(0x800);
      default -> 0x800 + 8 * random.nextInt(0x100);
    };
  }

  /** Compatibility mode has 32-bit registers. */
  long register(long value) {
    return codeSize == 8 ? value : value & 0xFFFF_FFFFL;
  }

  private Values.Flavour flavour(FormRow row) {
    if (chance(15)) {
      return Values.Flavour.values()[random.nextInt(3)];
    }
    String name = row.mnemonic;
    if (name.endsWith("PS")
        || name.endsWith("SS")
        || name.contains("PS2")
        || name.contains("SS2")) {
      return Values.Flavour.SINGLE;
    }
    if (name.endsWith("PD")
        || name.endsWith("SD")
        || name.contains("PD2")
        || name.contains("SD2")) {
      return Values.Flavour.DOUBLE;
    }
    return Values.Flavour.INTEGER;
  }

  private int mxcsr() {
    return switch (random.nextInt(10)) {
      case 0 -> 0x1F80 | random.nextInt(4) << 13 | random.nextInt(64);
      case 1 -> 0x1F80 | random.nextInt(4) << 13 | random.nextInt() & 0x8040;
      case 2 -> random.nextInt(0x1_0000) & 0xFFC0;
      case 3 -> random.nextInt(0x1_0000);
      default -> 0x1F80;
    };
  }

  private FpuImage fpu() {
    long[] significand = new long[8];
    int[] signExponent = new int[8];
    for (int i = 0; i < 8; i++) {
      Values.extended(random, significand, signExponent, i);
    }
    int control = 0x37F;
    if (chance(30)) {
      control = 0x7F | random.nextInt(16) << 8;
    } else if (chance(10)) {
      control = 0x40 | random.nextInt(64) | random.nextInt(16) << 8;
    }
    int status = random.nextInt(8) << 11 | (chance(20) ? random.nextInt() & 0x4700 : 0);
    if (chance(20)) {
      status |= random.nextInt(128) & (chance(90) ? control & 0x3F | 0x40 : 0x7F);
    }
    if ((status & ~control & 0x3F) != 0) {
      status |= 0x8080;
    }
    int tag = chance(70) ? 0xFF : chance(20) ? 0 : random.nextInt(256);
    return new FpuImage(control, status, tag, 0, 0, 0, significand, signExponent);
  }

  int selector() {
    return SELECTORS[random.nextInt(SELECTORS.length)];
  }

  /**
   * Where a branch may go without coming back: INT3 bytes, nowhere, data, or no canonical address.
   */
  long branchTarget() {
    long target =
        switch (random.nextInt(8)) {
          case 0 -> Case.SCRATCH + random.nextInt(Case.SCRATCH_SIZE);
          case 1 -> Case.CODE + Case.CODE_SIZE + random.nextInt(16);
          case 2 -> codeSize == 8 ? 0x8000_0000_0000L + random.nextInt(256) : 0x100;
          default -> Case.CODE + 0x100 + random.nextInt(0x600);
        };
    return register(target);
  }

  /** An address for a memory operand; most are good for all operands, some fault. */
  long dataAddress() {
    return Case.SCRATCH
        + switch (random.nextInt(24)) {
          case 0 -> Case.SCRATCH_SIZE - random.nextInt(36);
          case 1 -> 0x1000 - random.nextInt(36);
          case 2 -> random.nextInt(64) - 32;
          case 3, 4, 5 -> 0x300 + random.nextInt(0x1A00);
          case 6, 7 -> 0x300 + 8 * random.nextInt(0x340);
          case 8, 9, 10 -> 0x300 + 16 * random.nextInt(0x1A0);
          default -> 0x300 + 32 * random.nextInt(0xD0);
        };
  }
}
