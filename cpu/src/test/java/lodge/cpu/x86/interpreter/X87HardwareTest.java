package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntPredicate;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Insn;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every x87 instruction against this computer's own processor: registers, tags, status, flags,
 * memory and the pointers of the last instruction. Skipped, with a line that says why, where there
 * is no Intel x87 to be had.
 */
class X87HardwareTest {
  /** Rounding and precision with all exceptions masked, then some or all of them unmasked. */
  private static final int[] CONTROLS = {
    0x37F, 0x77F, 0xB7F, 0xF7F, 0x27F, 0x67F, 0xA7F, 0xE7F, 0x07F, 0x47F, 0x87F, 0xC7F, 0x17F,
    0x340, 0x37E, 0x37D, 0x37B, 0x377, 0x36F, 0x35F, 0x240, 0x040, 0xB40, 0x740, 0x24F
  };

  private static final int[] TRANSCENDENTALS = {
    0xD9F0, 0xD9F1, 0xD9F2, 0xD9F3, 0xD9F9, 0xD9FB, 0xD9FE, 0xD9FF
  };

  private static final int ARITHMETIC_FLAGS = Flags.ARITHMETIC;
  private static final int C1 = 0x200;

  private static HardwareX87 hardware;
  private static X87Bench bench;

  private final X87Cases cases = new X87Cases(20_251_120);
  private final List<String> differences = new ArrayList<>();
  private int executed;

  @BeforeAll
  static void open() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    if (!Files.exists(info) || !Files.readString(info).contains("GenuineIntel")) {
      System.out.println("no Intel x87 to compare with");
      Assumptions.abort("no Intel processor");
    }
    hardware = HardwareX87.open().orElse(null);
    Assumptions.assumeTrue(hardware != null, "no executable memory");
    bench = new X87Bench();
  }

  @AfterAll
  static void close() {
    if (bench != null) {
      bench.close();
    }
  }

  @Test
  void arithmeticWithRegistersIsExact() {
    compareAll(i -> i >= 0xD8C0 && isArithmetic(i));
  }

  @Test
  void arithmeticWithMemoryIsExact() {
    compareAll(i -> (i & 0xFF) < 0xC0 && isArithmetic(i));
  }

  @Test
  void loadsStoresAndMovesAreExact() {
    compareAll(i -> !isArithmetic(i) && (i >> 8 != 0xD9 || (i & 0xFF) < 0xE0));
  }

  @Test
  void functionsThatAreNotTranscendentalAreExact() {
    compareAll(i -> i >> 8 == 0xD9 && (i & 0xFF) >= 0xE0 && !isTranscendental(i));
  }

  @Test
  void transcendentalFunctionsDifferByNoMoreThanOneUnitInTheLastPlace() {
    compareAll(X87HardwareTest::isTranscendental);
  }

  @Test
  void environmentsAndStatesHaveTheSameImages() {
    int[] instructions = {
      0xD926, 0xD92E, 0xD936, 0xD93E, 0xDD26, 0xDD36, 0xDD3E, 0x66_D926, 0x66_D936, 0x66_DD26,
      0x66_DD36
    };
    Random random = cases.random();
    for (int instruction : instructions) {
      for (int i = 0; i < 2000; i++) {
        cases.state(CONTROLS[i % CONTROLS.length], i & 7);
        scatter(i);
        for (int at = HardwareX87.OPERAND; at < HardwareX87.SIZE; at++) {
          cases.image[at] = (byte) random.nextInt();
        }
        compare(instruction);
      }
    }
    assertSame();
  }

  /** Edge operands in all pairs, random ones, and all patterns of empty registers. */
  private void compareAll(IntPredicate chosen) {
    for (int opcode = 0xD8; opcode <= 0xDF; opcode++) {
      for (int modrm = 0; modrm < 256; modrm++) {
        int instruction = opcode << 8 | modrm;
        if (isSample(opcode, modrm) && chosen.test(instruction)) {
          pairs(instruction);
          random(instruction);
        }
      }
    }
    assertSame();
  }

  /**
   * Of memory forms those with RSI, of ST(i) forms those with i = 0 and 3; no state images, nothing
   * undefined.
   */
  private static boolean isSample(int opcode, int modrm) {
    boolean memory = modrm < 0xC0;
    if (memory && (modrm & 0xC7) != 6) {
      return false;
    }
    boolean single = opcode == 0xD9 && modrm >= 0xD0 || opcode == 0xDB && (modrm & 0xF8) == 0xE0;
    if (!memory && !single && (modrm & 7) != 0 && (modrm & 7) != 3) {
      return false;
    }
    if (memory && modrm >= 0x20 && (opcode == 0xD9 || opcode == 0xDD)) {
      return false;
    }
    byte[] code = new byte[Decoder.MAX_LENGTH];
    code[0] = (byte) opcode;
    code[1] = (byte) modrm;
    Insn insn = new Decoder().decode(code, 0, code.length, 8);
    return X87Linker.link(insn, 0) != null;
  }

  private static boolean isArithmetic(int instruction) {
    int opcode = instruction >> 8;
    return (opcode & 1) == 0 && (opcode != 0xDA || (instruction & 0xFF) < 0xC0);
  }

  private static boolean isTranscendental(int instruction) {
    for (int i : TRANSCENDENTALS) {
      if (i == instruction) {
        return true;
      }
    }
    return false;
  }

  private void pairs(int instruction) {
    int modrm = instruction & 0xFF;
    boolean memory = modrm < 0xC0;
    boolean second = memory || instruction >> 8 != 0xD9 || modrm < 0xD0;
    boolean binary = second || List.of(0xF1, 0xF3, 0xF5, 0xF8, 0xF9, 0xFD).contains(modrm);
    int other = memory || instruction >> 8 == 0xD9 && modrm >= 0xD0 ? 1 : modrm & 7;
    int count = X87Cases.EDGE_SE.length;
    int turn = instruction;
    for (int i = 0; i < count; i++) {
      // Every second pair; an instruction's forms in other opcodes take the others.
      int step = binary ? 2 : 1;
      for (int j = binary ? i + (instruction >> 9) & 1 : 0;
          j < (binary ? count : CONTROLS.length);
          j += step) {
        cases.state(CONTROLS[binary ? turn++ % CONTROLS.length : j], i + j & 7);
        cases.empty(7);
        int edge = binary ? j : i;
        cases.register(other, X87Cases.EDGE_SE[edge], X87Cases.EDGE_SIG[edge]);
        if (other != 0 || !binary) {
          cases.register(0, X87Cases.EDGE_SE[i], X87Cases.EDGE_SIG[i]);
        }
        if (memory) {
          cases.edgeOperand(instruction >> 8, edge);
        }
        compare(instruction);
      }
    }
  }

  private void random(int instruction) {
    Random random = cases.random();
    for (int k = 0; k < 768; k++) {
      cases.state(CONTROLS[random.nextInt(CONTROLS.length)], k & 7);
      for (int i = 0; i < 7; i++) {
        cases.randomRegister(i);
      }
      cases.operand(random.nextLong(), random.nextInt());
      if (k < 256) {
        scatter(k);
      } else {
        cases.empty(7);
      }
      compare(instruction);
    }
  }

  /** Empties the registers of which the bits are set. */
  private void scatter(int bits) {
    for (int i = 0; i < 8; i++) {
      if ((bits >> i & 1) != 0) {
        cases.empty(i);
      }
    }
  }

  private void compare(int instruction) {
    byte[] theirs = cases.image.clone();
    byte[] ours = cases.image.clone();
    hardware.run(instruction, theirs);
    bench.run(instruction, ours);
    executed++;
    String difference = difference(instruction, theirs, ours);
    if (!difference.isEmpty() && differences.size() < 4) {
      differences.add(
          "%X:%s%n in   %s%n real %s%n ours %s"
              .formatted(instruction, difference, show(cases.image), show(theirs), show(ours)));
    }
  }

  private void assertSame() {
    assertThat(differences).isEmpty();
    assertThat(executed).isGreaterThan(10_000);
  }

  private static ByteBuffer buffer(byte[] image) {
    return ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What differs, or nothing. */
  private static String difference(int instruction, byte[] theirs, byte[] ours) {
    ByteBuffer t = buffer(theirs);
    ByteBuffer o = buffer(ours);
    boolean inexact = isTranscendental(instruction);
    StringBuilder what = new StringBuilder();
    if (t.getInt(0) != o.getInt(0)) {
      what.append(" control");
    }
    // Whether the last bit was rounded up is not to be had without all of the processor's own last
    // bits.
    if (((t.getInt(4) ^ o.getInt(4)) & ~(inexact ? C1 : 0)) != 0) {
      what.append(" status");
    }
    boolean registersSame = true;
    for (int i = 0; i < 8; i++) {
      int at = 28 + 10 * i;
      if (t.getLong(at) != o.getLong(at) || t.getShort(at + 8) != o.getShort(at + 8)) {
        registersSame = false;
        if (!inexact || !adjacent(t, o, at)) {
          what.append(" ST").append(i);
        }
      }
    }
    if (t.getInt(8) != o.getInt(8) && (!inexact || registersSame)) {
      what.append(" tags");
    }
    // Executed at different places: the new FIP, or the one from before, on both sides.
    boolean theirsNew = t.getInt(12) == hardware.address(instruction);
    boolean oursNew = o.getInt(12) == X87Bench.RIP;
    if (theirsNew != oursNew || !theirsNew && t.getInt(12) != o.getInt(12)) {
      what.append(" FIP");
    }
    if (t.getInt(16) != o.getInt(16)) {
      what.append(" FOP");
    }
    if ((t.getInt(20) == X87Cases.DATA_POINTER) != (o.getInt(20) == X87Cases.DATA_POINTER)) {
      what.append(" FDP");
    }
    if (((t.getInt(HardwareX87.FLAGS) ^ o.getInt(HardwareX87.FLAGS)) & ARITHMETIC_FLAGS) != 0) {
      what.append(" RFLAGS");
    }
    if (t.getLong(HardwareX87.RAX) != o.getLong(HardwareX87.RAX)) {
      what.append(" RAX");
    }
    for (int at = HardwareX87.OPERAND; at < HardwareX87.SIZE; at++) {
      if (theirs[at] != ours[at]) {
        return what.append(" memory+").append(at - HardwareX87.OPERAND).toString();
      }
    }
    return what.toString();
  }

  /** Whether two registers hold the same or neighbouring numbers. */
  private static boolean adjacent(ByteBuffer t, ByteBuffer o, int at) {
    int tse = t.getShort(at + 8) & 0xFFFF;
    int ose = o.getShort(at + 8) & 0xFFFF;
    long tsig = t.getLong(at);
    long osig = o.getLong(at);
    if (tse == ose) {
      return Math.abs(tsig - osig) <= 1;
    }
    if (Math.abs(tse - ose) != 1) {
      return false;
    }
    long low = tse < ose ? tsig : osig;
    long high = tse < ose ? osig : tsig;
    boolean denormal = (Math.min(tse, ose) & 0x7FFF) == 0;
    return high == Long.MIN_VALUE && low == (denormal ? Long.MAX_VALUE : -1L);
  }

  private static String show(byte[] image) {
    ByteBuffer b = buffer(image);
    StringBuilder text = new StringBuilder();
    text.append("cw %04X sw %04X tags %04X".formatted(b.getShort(0), b.getShort(4), b.getShort(8)));
    text.append(" fip %X fop %X fdp %X".formatted(b.getInt(12), b.getInt(16), b.getInt(20)));
    for (int i = 0; i < 8; i++) {
      text.append(" %04X:%016X".formatted(b.getShort(36 + 10 * i), b.getLong(28 + 10 * i)));
    }
    text.append(
        " flags %X rax %X operand"
            .formatted(b.getLong(HardwareX87.FLAGS), b.getLong(HardwareX87.RAX)));
    text.append(
        " %X %X".formatted(b.getLong(HardwareX87.OPERAND), b.getLong(HardwareX87.OPERAND + 8)));
    return text.toString();
  }
}
