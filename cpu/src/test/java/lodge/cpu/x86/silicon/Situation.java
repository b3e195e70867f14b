package lodge.cpu.x86.silicon;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.random.RandomGenerator;
import lodge.cpu.x86.Cpu;

/** State that gives an instruction's implicit operands values worth trying. */
final class Situation {
  private static final Set<String> ACCUMULATORS =
      Set.of(
          "MUL",
          "IMUL",
          "DIV",
          "IDIV",
          "CMPXCHG",
          "CMPXCHG8B",
          "CMPXCHG16B",
          "XLAT",
          "PCMPESTRI",
          "PCMPESTRM",
          "VPCMPESTRI",
          "VPCMPESTRM",
          "CBW",
          "CWD",
          "MULX");

  private final CaseGenerator generator;
  private final RandomGenerator random;
  private final Case c;
  private final FormRow row;
  private final boolean memory;
  private final boolean mode64;
  private final int operandSize;

  Situation(
      CaseGenerator generator,
      Case c,
      FormRow row,
      boolean memory,
      boolean mode64,
      int operandSize) {
    this.generator = generator;
    this.random = generator.random;
    this.c = c;
    this.row = row;
    this.memory = memory;
    this.mode64 = mode64;
    this.operandSize = operandSize;
  }

  static boolean usesAccumulators(String mnemonic) {
    return ACCUMULATORS.contains(mnemonic);
  }

  static Values.Flavour flavour(FormRow row, RandomGenerator random) {
    String name = row.mnemonic;
    if (random.nextInt(100) < 15) {
      return Values.Flavour.values()[random.nextInt(3)];
    }
    if (name.contains("PS") || name.contains("SS") || row.hasOperand("m32fp")) {
      return Values.Flavour.SINGLE;
    }
    if (name.contains("PD") || name.contains("SD") || row.hasOperand("m64fp")) {
      return Values.Flavour.DOUBLE;
    }
    return Values.Flavour.INTEGER;
  }

  void arrange() {
    switch (row.mnemonic) {
      case "MOVS", "CMPS", "STOS", "LODS", "SCAS", "INS", "OUTS" -> strings();
      case "MASKMOVQ", "MASKMOVDQU", "VMASKMOVDQU" -> c.gpr[Cpu.RDI] = generator.dataAddress();
      case "XLAT" -> {
        c.gpr[Cpu.RBX] = generator.dataAddress();
      }
      case "LOOP", "LOOPE", "LOOPNE", "JCXZ" -> c.gpr[Cpu.RCX] = generator.register(count());
      case "DIV", "IDIV" -> dividend();
      case "CMPXCHG8B", "CMPXCHG16B", "CMPXCHG" -> expected();
      case "BT", "BTS", "BTR", "BTC" -> bitOffset();
      case "PCMPESTRI", "PCMPESTRM", "VPCMPESTRI", "VPCMPESTRM" -> {
        c.gpr[Cpu.RAX] = lengthInElements();
        c.gpr[Cpu.RDX] = lengthInElements();
      }
      case "LEAVE" -> {
        if (generator.chance(90)) {
          c.gpr[Cpu.RBP] = Case.SCRATCH + 0x800 + random.nextInt(0x800);
        }
      }
      case "ENTER" -> c.gpr[Cpu.RBP] = Case.SCRATCH + 0x800 + 8 * random.nextInt(0x100);
      case "JMP", "CALL" -> {
        if (!memory && row.modrm >= 0) {
          fillRegisters();
        }
      }
      case "RET", "RET_FAR", "IRET" -> returnFrame();
      case "MOV_SREG" -> {
        if (generator.chance(90)) {
          fillSelectors();
        }
      }
      case "POP_SREG" -> pokeStack(generator.selector(), 0);
      case "POPF" ->
          pokeStack(random.nextInt() & 0x3F_FFFF & (generator.chance(90) ? ~0x100 : -1), 0);
      default -> {}
    }
  }

  private long count() {
    return generator.chance(70) ? random.nextInt(4) : Values.integer(random);
  }

  private void strings() {
    c.gpr[Cpu.RSI] = generator.dataAddress();
    c.gpr[Cpu.RDI] =
        generator.chance(30) ? c.gpr[Cpu.RSI] + random.nextInt(33) - 16 : generator.dataAddress();
    if (mode64 && generator.chance(8)) {
      // Not part of a 32-bit address, and not canonical in a 64-bit one.
      c.gpr[Cpu.RSI] |= (long) random.nextInt() << 32;
      c.gpr[Cpu.RDI] |= (long) random.nextInt() << 32;
    }
    c.gpr[Cpu.RCX] =
        switch (random.nextInt(10)) {
          case 0 -> 0;
          case 1 -> generator.register(random.nextInt(5000));
          case 2 -> generator.register(Values.integer(random));
          default -> random.nextInt(40);
        };
    if (row.mnemonic.equals("SCAS") || row.mnemonic.equals("CMPS")) {
      // Enough equal elements that a repetition goes on for a while.
      long value = random.nextInt(2) == 0 ? 0x4141_4141_4141_4141L : Values.integer(random);
      pokeRun(c.gpr[Cpu.RDI], value);
      if (row.mnemonic.equals("CMPS")) {
        pokeRun(c.gpr[Cpu.RSI], value);
      } else {
        c.gpr[Cpu.RAX] = generator.register(value);
      }
    }
  }

  private void pokeRun(long address, long value) {
    long offset = address - Case.SCRATCH;
    if (c.pokes.size() >= Case.MAX_POKES || offset < 0 || offset > Case.SCRATCH_SIZE - 32) {
      return;
    }
    ByteBuffer buffer = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 4; i++) {
      buffer.putLong(value);
    }
    if (generator.chance(50)) {
      buffer.put(random.nextInt(32), (byte) random.nextInt());
    }
    c.poke(address, buffer.array());
  }

  /** Most quotients should fit. */
  private void dividend() {
    switch (random.nextInt(4)) {
      case 0 -> c.gpr[Cpu.RDX] = 0;
      case 1 -> c.gpr[Cpu.RDX] = generator.register(c.gpr[Cpu.RAX] >> 63);
      case 2 -> c.gpr[Cpu.RDX] = generator.register(random.nextInt(100) - 50);
      default -> {}
    }
  }

  /** Half of the comparisons should succeed. */
  private void expected() {
    if (!memory
        || c.pokes.isEmpty()
        || c.pokes.getLast().bytes().length < 16
        || generator.chance(50)) {
      return;
    }
    ByteBuffer bytes = ByteBuffer.wrap(c.pokes.getLast().bytes()).order(ByteOrder.LITTLE_ENDIAN);
    switch (row.mnemonic) {
      case "CMPXCHG8B" -> {
        c.gpr[Cpu.RAX] = generator.register(bytes.getInt(0));
        c.gpr[Cpu.RDX] = generator.register(bytes.getInt(4));
      }
      default -> {
        c.gpr[Cpu.RAX] = generator.register(bytes.getLong(0));
        c.gpr[Cpu.RDX] = generator.register(bytes.getLong(8));
      }
    }
  }

  /**
   * A bit string in memory reaches far on both sides; most offsets should stay in the scratch
   * pages.
   */
  private void bitOffset() {
    if (!memory || !row.addresses("G") || generator.chance(20)) {
      return;
    }
    for (int i = 0; i < 16; i++) {
      long value = c.gpr[i];
      boolean address = Math.abs((int) value - (int) Case.SCRATCH) < 0x2_0000;
      if (!address && i != Cpu.RSP && value == (value & 0xFF)) {
        c.gpr[i] = generator.register(random.nextInt(4000) - 2000);
      }
    }
  }

  private long lengthInElements() {
    return generator.register(
        generator.chance(70) ? random.nextInt(36) - 18 : Values.integer(random));
  }

  private void fillRegisters() {
    for (int i = 0; i < (mode64 ? 16 : 8); i++) {
      if (i != Cpu.RSP && generator.chance(90)) {
        c.gpr[i] = generator.branchTarget();
      }
    }
  }

  private void fillSelectors() {
    for (int i = 0; i < (mode64 ? 16 : 8); i++) {
      boolean address = Math.abs((int) c.gpr[i] - (int) Case.SCRATCH) < 0x2_0000;
      if (!address) {
        c.gpr[i] = generator.selector();
      }
    }
    if (memory && !c.pokes.isEmpty()) {
      ByteBuffer bytes = ByteBuffer.wrap(c.pokes.getLast().bytes()).order(ByteOrder.LITTLE_ENDIAN);
      bytes.putShort(0, (short) generator.selector());
    }
  }

  private void pokeStack(long first, int size) {
    long offset = c.gpr[Cpu.RSP] - Case.SCRATCH;
    if (c.pokes.size() < Case.MAX_POKES && offset >= 0 && offset <= Case.SCRATCH_SIZE - 8 - size) {
      ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(first);
      c.poke(c.gpr[Cpu.RSP], bytes.array());
    }
  }

  /** RIP, CS, RFLAGS, RSP and SS as the return instruction of this operand size expects them. */
  private void returnFrame() {
    long offset = c.gpr[Cpu.RSP] - Case.SCRATCH;
    if (c.pokes.size() > Case.MAX_POKES - 2 || offset < 0 || offset > Case.SCRATCH_SIZE - 64) {
      return;
    }
    int size = row.mnemonic.equals("RET") && mode64 ? 8 : operandSize;
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    long[] frame = {
      generator.branchTarget(),
      generator.chance(70) ? mode64 ? 0x33 : 0x23 : generator.selector(),
      0x202 | random.nextInt() & 0xCD5,
      Case.SCRATCH + 0x900,
      generator.chance(80) ? 0x2B : generator.selector()
    };
    if (row.mnemonic.equals("RET_FAR")) {
      frame[2] = frame[3];
      frame[3] = frame[4];
    }
    for (int i = 0; i < frame.length; i++) {
      switch (size) {
        case 8 -> bytes.putLong(8 * i, frame[i]);
        case 4 -> bytes.putInt(4 * i, (int) frame[i]);
        default -> bytes.putShort(2 * i, (short) frame[i]);
      }
    }
    byte[] all = bytes.array();
    c.poke(c.gpr[Cpu.RSP], java.util.Arrays.copyOf(all, 32));
    c.poke(c.gpr[Cpu.RSP] + 32, java.util.Arrays.copyOfRange(all, 32, 64));
  }
}
