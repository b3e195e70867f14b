package lodge.cpu.x86.silicon;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import lodge.cpu.x86.Cpu;

/** Writes one instruction of a row and arranges the state of a case for it. */
final class InstructionWriter {
  private static final Set<String> STRING_INSTRUCTIONS =
      Set.of("MOVS", "CMPS", "STOS", "LODS", "SCAS", "INS", "OUTS");
  private static final int[] SEGMENT_PREFIXES = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};

  private final CaseGenerator generator;
  private final RandomGenerator random;
  private final Case c;
  private final FormRow row;
  private final int variant;
  private final ByteArrayOutputStream out;
  private final boolean mode64;
  private final int start;

  private final List<Integer> prefixes = new ArrayList<>();
  private boolean operandSizePrefix;
  private boolean addressSizePrefix;
  private int segment;
  private int rexR;
  private int rexX;
  private int rexB;
  private boolean rexPresent;
  private int w;
  private int vvvv;
  private boolean memory;
  private int modrm;
  private final ByteArrayOutputStream tail = new ByteArrayOutputStream();

  InstructionWriter(
      CaseGenerator generator,
      Case c,
      FormRow row,
      int variant,
      ByteArrayOutputStream out,
      int codeSize) {
    this.generator = generator;
    this.random = generator.random;
    this.c = c;
    this.row = row;
    this.variant = variant;
    this.out = out;
    this.mode64 = codeSize == 8;
    this.start = out.size();
  }

  private boolean chance(int percent) {
    return generator.chance(percent);
  }

  void write() {
    choosePrefixes();
    if (row.modrm != FormRow.NO_MODRM) {
      memory = row.takesMemory() && (!row.takesRegister() || chance(60));
      chooseModrm();
    } else if (row.variants == 8 && mode64 && !row.has("b0")) {
      rexB = random.nextInt(2);
    }
    vvvv = row.addresses("HB") ? random.nextInt(mode64 ? 16 : 8) : chance(2) ? 1 : 0;
    if (row.has("lock") && memory && chance(25) || chance(1)) {
      prefixes.add(0xF0);
    }
    writeImmediates();
    new Situation(generator, c, row, memory, mode64, operandSize()).arrange();
    emit();
  }

  private int operandSize() {
    return w == 1 ? 8 : operandSizePrefix ? 2 : 4;
  }

  private void choosePrefixes() {
    boolean string = STRING_INSTRUCTIONS.contains(row.mnemonic);
    if (!row.noOperandSizePrefix && chance(25)) {
      operandSizePrefix = true;
      prefixes.add(0x66);
    }
    if (row.w >= 0) {
      w = row.w;
    } else if (mode64 || row.vex) {
      w =
          chance(row.feature.equals("8086") || row.addresses("GRB") || row.addresses("E") ? 40 : 8)
              ? 1
              : 0;
    }
    if (!mode64 && !row.vex) {
      w = 0;
    }
    if (row.flags.contains("vsib") ? chance(5) : chance(8)) {
      addressSizePrefix = true;
      prefixes.add(0x67);
    }
    if (chance(8)) {
      segment = SEGMENT_PREFIXES[random.nextInt(6)];
      prefixes.add(segment);
    }
    if (string && chance(60)) {
      prefixes.add(chance(50) ? 0xF2 : 0xF3);
    } else if (!row.noRepeatPrefix && mayRepeat() && chance(2)) {
      prefixes.add(chance(50) ? 0xF2 : 0xF3);
    }
    if (row.mandatoryPrefix != 0 && !row.vex) {
      prefixes.add(row.mandatoryPrefix);
    }
    Collections.shuffle(prefixes, new java.util.Random(random.nextLong()));
    rexPresent = mode64 && chance(15);
  }

  /** F2 and F3 mean nothing to most, elide locks with some, and make others of the bit scans. */
  private boolean mayRepeat() {
    return !row.has("lock") && !Set.of("MOV", "BSF", "BSR").contains(row.mnemonic);
  }

  private int anyRegister() {
    return random.nextInt(mode64 ? 16 : 8);
  }

  private void chooseModrm() {
    int reg;
    if (row.modrm == FormRow.ANY_REGISTER) {
      reg = anyRegister();
      if (row.addresses("S") && chance(90)) {
        reg = random.nextInt(6);
      }
    } else {
      reg = row.modrm | (mode64 && chance(10) ? 8 : 0);
    }
    rexR = reg >> 3;
    modrm = (reg & 7) << 3;
    if (memory) {
      chooseAddress();
    } else {
      int rm = anyRegister();
      rexB = rm >> 3;
      rexX = mode64 && chance(5) ? 1 : 0;
      modrm |= 0xC0 | rm & 7;
      if (row.has("nomod") && chance(50)) {
        modrm &= 0x3F | random.nextInt(4) << 6;
      }
    }
  }

  // ---------------------------------------------------------------- memory operands

  private long segmentBase() {
    if (!mode64) {
      return 0;
    }
    return segment == 0x64 ? c.fsBase : segment == 0x65 ? c.gsBase : 0;
  }

  private void chooseAddress() {
    long address = generator.dataAddress();
    if (!row.addresses("Mm") || chance(70)) {
      poke(address);
    }
    long target = address - segmentBase();
    if (!mode64 && addressSizePrefix) {
      sixteenBit();
      return;
    }
    boolean vsib = row.has("vsib");
    int form = vsib ? 3 + random.nextInt(3) : random.nextInt(8);
    switch (form) {
      case 0 -> displacementOnly(target);
      case 1, 2 -> baseOnly(target);
      default -> withIndex(target, vsib);
    }
  }

  /** RIP-relative in 64-bit mode; SIB without base and index, or plain disp32. */
  private void displacementOnly(long target) {
    if (mode64 && chance(70)) {
      modrm |= 5;
      ripRelativeTarget = target;
      tail.writeBytes(new byte[4]);
    } else if (mode64) {
      modrm |= 4;
      tail.write(0x25 | random.nextInt(4) << 6);
      disp32(target);
    } else {
      modrm |= 5;
      disp32(target);
    }
  }

  private long ripRelativeTarget = Long.MIN_VALUE;

  private int freeRegister() {
    while (true) {
      int r = anyRegister();
      boolean implicit =
          r == Cpu.RCX && row.hasOperand("CL")
              || (r == Cpu.RAX || r == Cpu.RDX) && Situation.usesAccumulators(row.mnemonic)
              || r == Cpu.RSP && chance(80);
      if (!implicit) {
        return r;
      }
    }
  }

  private void baseOnly(long target) {
    int base = freeRegister();
    rexB = base >> 3;
    long disp = displacement();
    int mod = disp == 0 && (base & 7) != 5 ? 0 : disp == (byte) disp ? 1 : 2;
    set(base, target - disp);
    modrm |= mod << 6 | base & 7;
    if ((base & 7) == 4) {
      tail.write(0x24);
    }
    writeDisplacement(mod, disp);
  }

  private void withIndex(long target, boolean vsib) {
    int scale = random.nextInt(4);
    int index = vsib ? anyRegister() : freeRegister();
    while (!vsib && index == Cpu.RSP) {
      index = freeRegister();
    }
    int base = freeRegister();
    while (!vsib && base == index) {
      base = freeRegister();
    }
    rexX = index >> 3;
    rexB = base >> 3;
    long disp = displacement();
    boolean noBase = !vsib && (base & 7) == 5 && chance(50);
    int mod = noBase ? 0 : disp == 0 && (base & 7) != 5 ? 0 : disp == (byte) disp ? 1 : 2;
    modrm |= mod << 6 | 4;
    tail.write(scale << 6 | (index & 7) << 3 | base & 7);
    if (noBase) {
      long spread = random.nextInt(64) << scale;
      set(index, spread >> scale);
      disp32(target - spread);
      return;
    }
    if (vsib) {
      spreadIndices(index, scale);
      set(base, target - disp);
    } else {
      long spread = chance(20) ? Values.integer(random) : random.nextInt(2000) - 1000;
      set(index, spread);
      set(base, target - disp - (spread << scale));
    }
    writeDisplacement(mod, disp);
  }

  /**
   * Gathers take their indices from a vector register: small ones, so that the elements are there.
   */
  private void spreadIndices(int register, int scale) {
    boolean quadwords = row.opcode[0] == 0x91 || row.opcode[0] == 0x93;
    int range = 0x200 >> scale;
    for (int i = 0; i < 4; i++) {
      long low = random.nextInt(range) - range / 2;
      long high = random.nextInt(range) - range / 2;
      if (chance(3)) {
        low = Values.integer(random);
      }
      c.ymm[4 * register + i] = quadwords ? low : low & 0xFFFF_FFFFL | high << 32;
    }
  }

  private void sixteenBit() {
    int mod = random.nextInt(3);
    int rm = random.nextInt(8);
    modrm |= mod << 6 | rm;
    if (mod == 1) {
      tail.write(random.nextInt(256));
    } else if (mod == 2 || rm == 6) {
      immediate(random.nextInt(0x1_0000), 2);
    }
  }

  private long displacement() {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> random.nextInt(256) - 128;
      case 2 -> random.nextInt(0x2000) - 0x1000;
      default -> random.nextInt();
    };
  }

  private void writeDisplacement(int mod, long disp) {
    if (mod == 1) {
      tail.write((int) disp);
    } else if (mod == 2) {
      disp32(disp);
    }
  }

  private void disp32(long disp) {
    immediate(disp, 4);
  }

  private void set(int register, long value) {
    if (addressSizePrefix && mode64 && chance(60)) {
      // The upper half does not take part in a 32-bit address.
      value = value & 0xFFFF_FFFFL | (long) random.nextInt() << 32;
    }
    c.gpr[register] = generator.register(value);
  }

  private void poke(long address) {
    long offset = address - Case.SCRATCH;
    if (c.pokes.size() >= Case.MAX_POKES - 2 || offset < 0 || offset > Case.SCRATCH_SIZE - 32) {
      return;
    }
    byte[] bytes = new byte[32];
    java.nio.ByteBuffer buffer =
        java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    Values.Flavour flavour = Situation.flavour(row, random);
    for (int i = 0; i < 4; i++) {
      buffer.putLong(Values.lane(random, flavour));
    }
    if (row.hasOperand("m80fp")) {
      long[] significand = new long[1];
      int[] signExponent = new int[1];
      Values.extended(random, significand, signExponent, 0);
      buffer.putLong(0, significand[0]).putShort(8, (short) signExponent[0]);
    } else if (row.hasOperand("m80bcd") && chance(80)) {
      for (int i = 0; i < 9; i++) {
        bytes[i] = (byte) (random.nextInt(10) << 4 | random.nextInt(10));
      }
      bytes[9] = (byte) (random.nextInt(2) << 7);
    } else if (row.mnemonic.endsWith("LDMXCSR") && chance(80)) {
      buffer.putInt(0, random.nextInt(0x1_0000));
    } else if (row.addresses("J") || row.mnemonic.equals("JMP") || row.mnemonic.equals("CALL")) {
      buffer.putLong(0, generator.branchTarget());
    } else if (row.hasOperand("Mp")) {
      farPointer(buffer);
    }
    c.poke(address, bytes);
  }

  private void farPointer(java.nio.ByteBuffer buffer) {
    int size = operandSize();
    long target = generator.branchTarget();
    if (size == 8) {
      buffer.putLong(0, target);
    } else if (size == 4) {
      buffer.putInt(0, (int) target);
    } else {
      buffer.putShort(0, (short) target);
    }
    buffer.putShort(size, (short) generator.selector());
  }

  // ---------------------------------------------------------------- immediates

  private void writeImmediates() {
    boolean forced64 = mode64 && row.has("f64");
    int z = operandSizePrefix && w == 0 && !forced64 ? 2 : 4;
    for (String token : row.immediates) {
      switch (token) {
        case "ib", "is4" -> {
          long value = chance(50) ? random.nextInt(256) : Values.integer(random);
          // INT 80H would be a system call.
          immediate(row.mnemonic.equals("INT") && (value & 0xFF) == 0x80 ? 3 : value, 1);
        }
        case "iw" -> immediate(chance(80) ? random.nextInt(64) : random.nextInt(0x1_0000), 2);
        case "iz" -> immediate(Values.integer(random), z);
        case "iv" -> immediate(Values.integer(random), w == 1 ? 8 : z);
        case "cb" ->
            immediate(chance(50) ? 16 + random.nextInt(100) : -100 + random.nextInt(70), 1);
        case "cz" -> immediate(chance(90) ? 64 + random.nextInt(0x400) : random.nextInt(), z);
        case "cp" -> {
          immediate(generator.branchTarget(), z);
          immediate(generator.selector(), 2);
        }
        default -> throw new AssertionError(token);
      }
    }
    if (row.addresses("O")) {
      long address = generator.dataAddress() - segmentBase();
      int size = addressSizePrefix ? (mode64 ? 4 : 2) : mode64 ? 8 : 4;
      immediate(address, size);
    }
  }

  private void immediate(long value, int size) {
    for (int i = 0; i < size; i++) {
      tail.write((int) (value >>> 8 * i));
    }
  }

  // ---------------------------------------------------------------- bytes

  private void emit() {
    for (int prefix : prefixes) {
      out.write(prefix);
    }
    if (row.vex) {
      emitVex();
    } else {
      int rex = w << 3 | rexR << 2 | rexX << 1 | rexB;
      if (mode64 && (rex != 0 || rexPresent)) {
        out.write(0x40 | rex);
      }
    }
    for (int i = 0; i < row.opcode.length; i++) {
      out.write(row.opcode[i] + (i == row.opcode.length - 1 ? variant : 0));
    }
    if (row.modrm != FormRow.NO_MODRM) {
      out.write(modrm);
    }
    byte[] rest = tail.toByteArray();
    if (ripRelativeTarget != Long.MIN_VALUE) {
      fixRipRelative(rest);
    }
    out.writeBytes(rest);
  }

  private void emitVex() {
    int pp =
        switch (row.mandatoryPrefix) {
          case 0x66 -> 1;
          case 0xF3 -> 2;
          case 0xF2 -> 3;
          default -> 0;
        };
    int l = row.vexL >= 0 ? row.vexL : random.nextInt(2);
    int last = (~vvvv & 0xF) << 3 | l << 2 | pp;
    boolean two = row.vexMap == 1 && w == 0 && rexX == 0 && rexB == 0 && chance(70);
    if (two) {
      out.write(0xC5);
      out.write((rexR ^ 1) << 7 | last);
    } else {
      out.write(0xC4);
      out.write((rexR ^ 1) << 7 | (rexX ^ 1) << 6 | (rexB ^ 1) << 5 | row.vexMap);
      out.write(w << 7 | last);
    }
  }

  /**
   * The displacement counts from the end of the instruction; where that is depends on where the
   * code is placed.
   */
  private void fixRipRelative(byte[] rest) {
    // The code starts in 64 bytes from CODE + 0x800; the target may be off by as much, which keeps
    // it in scratch memory.
    long end = Case.CODE + 0x800 + out.size() - start + rest.length;
    long disp = ripRelativeTarget - end;
    for (int i = 0; i < 4; i++) {
      rest[i] = (byte) (disp >>> 8 * i);
    }
  }
}
