package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.interpreter.VectorForms.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every vector instruction against the processor of this machine: results, flags, MXCSR, memory,
 * faults.
 */
class VectorHardwareTest {
  private static final int MEMORY = 0x20040;
  private static final int[] XMM = {0, 1, 2, 9};
  private static final int[] GPR = {Cpu.RAX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI, 8};
  private static final int SIGILL = 4;
  private static final int SIGFPE = 8;
  private static final int SIGSEGV = 11;

  /** How often all instructions run, each time with other values. */
  private static final int ROUNDS = Integer.getInteger("lodge.vector.rounds", 3);

  @TempDir Path folder;

  @Test
  void everyInstructionDoesWhatThisProcessorDoes() throws Exception {
    boolean available = VectorProcessor.available();
    if (!available) {
      System.err.println("VectorHardwareTest skipped: needs gcc on an x86-64 host with SSE4.2");
    }
    assumeTrue(available);
    Set<String> features = VectorProcessor.features();
    List<VectorForms.Line> lines = new ArrayList<>(VectorForms.all());
    lines.addAll(VexForms.all());
    if (lines.removeIf(line -> !features.containsAll(line.needs()))) {
      System.err.println("VectorHardwareTest: this processor lacks some of the features");
    }
    VectorProcessor processor =
        VectorProcessor.create(folder, lines.stream().map(VectorForms.Line::text).toList());
    List<String> wrong = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(20251120);
    int[] mistakes = new int[lines.size()];
    long compared = 0;
    try (VectorMachine machine = new VectorMachine()) {
      Op[] ops = new Op[lines.size()];
      for (int i = 0; i < ops.length; i++) {
        ops[i] = machine.link(processor.code, 16 * i);
        assertThat(ops[i]).as(lines.get(i).text()).isNotNull();
      }
      for (int round = 0; round < ROUNDS; round++) {
        ByteBuffer cases = cases(lines, random);
        ByteBuffer results = processor.run(cases.array());
        int count = cases.capacity() / VectorProcessor.CASE_SIZE;
        assertThat(results.capacity()).isEqualTo(count * VectorProcessor.RESULT_SIZE);
        ByteBuffer actual =
            ByteBuffer.allocate(VectorProcessor.RESULT_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
          ByteBuffer one =
              cases
                  .slice(i * VectorProcessor.CASE_SIZE, VectorProcessor.CASE_SIZE)
                  .order(ByteOrder.LITTLE_ENDIAN);
          int slot = one.getInt(0);
          execute(machine, ops[slot], one, actual.clear());
          int at = i * VectorProcessor.RESULT_SIZE;
          ByteBuffer expected =
              results.slice(at, VectorProcessor.RESULT_SIZE).order(ByteOrder.LITTLE_ENDIAN);
          compared++;
          if (!expected.equals(actual.clear()) && mistakes[slot]++ < 2) {
            wrong.add(describe(lines.get(slot).text(), one, expected, actual));
          }
        }
      }
    }
    assertThat(wrong).as("of " + compared + " cases").isEmpty();
  }

  // ---------------------------------------------------------------- cases

  private static ByteBuffer cases(List<VectorForms.Line> lines, SplittableRandom random) {
    int total = 0;
    for (VectorForms.Line line : lines) {
      total += count(line.kind());
    }
    ByteBuffer out =
        ByteBuffer.allocate(total * VectorProcessor.CASE_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    for (int slot = 0; slot < lines.size(); slot++) {
      Kind kind = lines.get(slot).kind();
      for (int i = 0; i < count(kind); i++) {
        out.putInt(slot).putInt(mxcsr(random));
        out.putLong(0x202 | (random.nextInt() & Flags.ARITHMETIC));
        out.putLong(value(kind, random)).putLong(value(kind, random)).putLong(value(kind, random));
        out.putLong(MEMORY).putLong(MEMORY + random.nextInt(16)).putLong(random.nextLong());
        for (int j = 0; j < 8 + 4 * XMM.length; j++) {
          out.putLong(value(kind, random));
        }
        for (int j = 0; j < 8; j++) {
          out.putLong(value(kind, random));
        }
      }
    }
    return out;
  }

  private static int count(Kind kind) {
    return switch (kind) {
      case INTEGER -> 12;
      case TEXT -> 6;
      case SINGLE, DOUBLE -> 120;
    };
  }

  private static int mxcsr(SplittableRandom random) {
    int value = 0x1F80;
    if (random.nextInt(4) == 0) {
      // Some unmasked: exceptions happen then.
      value = random.nextInt(64) << 7;
    }
    if (random.nextInt(2) == 0) {
      value |= random.nextInt(4) << 13;
    }
    value |= random.nextInt(4) == 0 ? 1 << 15 : 0;
    value |= random.nextInt(4) == 0 ? 1 << 6 : 0;
    return switch (random.nextInt(4)) {
      case 0 -> value | 0x20;
      case 1 -> value | random.nextInt(64);
      default -> value;
    };
  }

  private static long value(Kind kind, SplittableRandom random) {
    return switch (kind) {
      case INTEGER -> integer(random);
      case TEXT -> text(random);
      case DOUBLE -> wide(random);
      case SINGLE -> single(random) & 0xFFFF_FFFFL | (long) single(random) << 32;
    };
  }

  private static long integer(SplittableRandom random) {
    long[] edges = {0, 0xFF, 0x80, 0x7F, 1, 0x8000, 0x7FFF};
    return switch (random.nextInt(6)) {
      case 0 -> random.nextInt(80);
      case 1 -> {
        long value = 0;
        for (int i = 0; i < 8; i++) {
          value = value << 8 | edges[random.nextInt(5)];
        }
        yield value;
      }
      case 2 -> {
        long value = 0;
        for (int i = 0; i < 4; i++) {
          value = value << 16 | edges[random.nextInt(7)];
        }
        yield value;
      }
      default -> random.nextLong();
    };
  }

  private static long text(SplittableRandom random) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      int character = random.nextInt(10) == 0 ? 0 : random.nextInt(-2, 4);
      value = value << 8 | character & 0xFF;
    }
    return random.nextInt(8) == 0 ? random.nextInt(-20, 20) : value;
  }

  private static final long[] DOUBLES = {
    0x0000000000000000L, 0x8000000000000000L, 0x0000000000000001L, 0x800FFFFFFFFFFFFFL,
    0x0010000000000000L, 0x8010000000000001L, 0x3FF0000000000000L, 0xBFF0000000000000L,
    0x3FF8000000000000L, 0x3FE0000000000000L, 0x4004000000000000L, 0x7FEFFFFFFFFFFFFFL,
    0xFFEFFFFFFFFFFFFFL, 0x7FF0000000000000L, 0xFFF0000000000000L, 0x7FF8000000000123L,
    0xFFFA0000DEADBEEFL, 0x7FF4000000000456L, 0xFFF0000000000001L, 0x41DFFFFFFFC00000L,
    0x41E0000000000000L, 0xC1E0000000100000L, 0x43E0000000000000L, 0xC3E0000000000000L,
    0x43DFFFFFFFFFFFFFL, 0x4340000000000001L, 0x36A0000000000000L, 0x380FFFFFF0000000L,
    0x47EFFFFFF0000000L, 0x3FDFFFFFFFFFFFFFL, 0x1FF0000000000000L, 0x5FE8000000000000L,
  };

  private static long wide(SplittableRandom random) {
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> DOUBLES[random.nextInt(DOUBLES.length)];
      case 3 -> random.nextLong();
      case 4 -> Double.doubleToRawLongBits(random.nextInt(-1000, 1000) / 4.0);
      case 5 -> near(random, 0x3FF, 0x430) << 52 | random.nextLong() & 0x800F_FFFF_FFFF_FFFFL;
      case 6 -> near(random, 0, 60) << 52 | random.nextLong() & 0x800F_FFFF_FFFF_FFFFL;
      default -> near(random, 0x3E0, 0x420) << 52 | random.nextLong() & 0x800F_FFFF_0000_0000L;
    };
  }

  private static long near(SplittableRandom random, int low, int high) {
    return random.nextInt(low, high);
  }

  private static final int[] SINGLES = {
    0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x00800000, 0x80800001, 0x3F800000, 0xBF800000,
    0x3FC00000, 0x3F000000, 0x40200000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00123,
    0xFFD0BEEF, 0x7FA00456, 0xFF800001, 0x4EFFFFFF, 0x4F000000, 0xCF000001, 0x5F000000, 0xDF000000,
    0x4B800001, 0x3EFFFFFF, 0x1F800000, 0x5F400000, 0x7E800000, 0x7E800001, 0x7F000000, 0x20000000,
  };

  private static int single(SplittableRandom random) {
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> SINGLES[random.nextInt(SINGLES.length)];
      case 3 -> random.nextInt();
      case 4 -> Float.floatToRawIntBits(random.nextInt(-1000, 1000) / 4f);
      case 5 -> random.nextInt(0x7F, 0x9A) << 23 | random.nextInt() & 0x807F_FFFF;
      case 6 -> random.nextInt(0, 30) << 23 | random.nextInt() & 0x807F_FFFF;
      default -> random.nextInt(0x70, 0x90) << 23 | random.nextInt() & 0x807F_F000;
    };
  }

  // ---------------------------------------------------------------- the interpreter's side

  private static void execute(VectorMachine machine, Op op, ByteBuffer in, ByteBuffer out) {
    Cpu c = machine.cpu;
    c.mxcsr = in.getInt(4);
    int at = 8;
    Flags.setArithmetic(c, (int) in.getLong(at));
    at += 8;
    for (int register : GPR) {
      c.r[register] = in.getLong(at);
      at += 8;
    }
    c.x87.reset();
    c.x87.init();
    c.x87.top = 3;
    c.x87.valid = 0x0F;
    for (int i = 0; i < 8; i++, at += 8) {
      c.x87.significand[i] = in.getLong(at);
    }
    for (int register : XMM) {
      for (int lane = 0; lane < 4; lane++, at += 8) {
        c.xmm[4 * register + lane] = in.getLong(at);
      }
    }
    for (int i = 0; i < 8; i++, at += 8) {
      machine.memory.putLong(MEMORY + 8 * i, in.getLong(at));
    }
    int vector = machine.execute(op);
    out.putInt(
        switch (vector) {
          case -1 -> 0;
          case Vector.XM, Vector.MF -> SIGFPE;
          case Vector.UD -> SIGILL;
          default -> SIGSEGV;
        });
    out.putInt(c.mxcsr).putLong(0x202 | Flags.arithmetic(c));
    for (int register : GPR) {
      out.putLong(c.r[register]);
    }
    long tags = c.x87.valid | c.x87.top << 8;
    for (int i = 0; i < 8; i++) {
      out.putLong(c.x87.significand[i]);
      tags |= c.x87.signExponent[i] == 0xFFFF ? 1L << 16 + i : 0;
    }
    out.putLong(tags);
    for (int register : XMM) {
      for (int lane = 0; lane < 4; lane++) {
        out.putLong(c.xmm[4 * register + lane]);
      }
    }
    for (int i = 0; i < 8; i++) {
      out.putLong(machine.memory.getLong(MEMORY + 8 * i));
    }
  }

  private static String describe(
      String text, ByteBuffer in, ByteBuffer expected, ByteBuffer actual) {
    StringBuilder s = new StringBuilder(text);
    s.append(" mxcsr ").append(Integer.toHexString(in.getInt(4)));
    s.append("\n  in      ").append(fields(in, false));
    s.append("\n  expected").append(fields(expected, true));
    s.append("\n  actual  ").append(fields(actual, true));
    return s.toString();
  }

  private static String fields(ByteBuffer b, boolean result) {
    StringBuilder s = new StringBuilder();
    if (result) {
      s.append(" signal ").append(b.getInt(0)).append(" mxcsr ");
      s.append(Integer.toHexString(b.getInt(4)));
    }
    s.append(" flags ").append(Long.toHexString(b.getLong(8))).append(" gpr");
    int at = 16;
    for (int i = 0; i < 6; i++, at += 8) {
      s.append(' ').append(Long.toHexString(b.getLong(at)));
    }
    s.append(" mm1-2 ").append(Long.toHexString(b.getLong(at + 8))).append(' ');
    s.append(Long.toHexString(b.getLong(at + 16)));
    at += 64;
    if (result) {
      s.append(" tags ").append(Long.toHexString(b.getLong(at)));
      at += 8;
    }
    for (int register : XMM) {
      s.append(" ymm").append(register);
      s.append(String.format(" %016x_%016x", b.getLong(at + 24), b.getLong(at + 16)));
      s.append(String.format("_%016x_%016x", b.getLong(at + 8), b.getLong(at)));
      at += 32;
    }
    s.append(String.format(" memory %016x_%016x", b.getLong(at + 8), b.getLong(at)));
    return s.toString();
  }
}
