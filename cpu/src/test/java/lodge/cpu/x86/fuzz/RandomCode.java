package lodge.cpu.x86.fuzz;

import java.util.random.RandomGenerator;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/** Writes random machine code for one operand size of code segments. */
final class RandomCode {
  /** Room that one call of a writing method may need behind its place. */
  static final int ROOM = 48;

  private static final int[] PREFIXES = {
    0x66, 0x66, 0x66, 0x67, 0xF2, 0xF3, 0xF0, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65
  };

  private static final int[] MSRS = {
    0x10,
    0x1B,
    0x3B,
    0x48,
    0x174,
    0x175,
    0x176,
    0x1A0,
    0x1D9,
    0x200,
    0x250,
    0x277,
    0x2FF,
    0x400,
    0x6E0,
    0x802,
    0x80B,
    0x830,
    0xDA0,
    0xC000_0080,
    0xC000_0081,
    0xC000_0082,
    0xC000_0084,
    0xC000_0100,
    0xC000_0101,
    0xC000_0102,
    0xC000_0103
  };

  private static final int EFER = 0xC000_0080;

  private final RandomGenerator random;
  private final int codeSize;
  private final Decoder decoder = new Decoder();
  private final byte[] attempt = new byte[Decoder.MAX_LENGTH];
  private byte[] code;
  private int at;

  RandomCode(RandomGenerator random, int codeSize) {
    this.random = random;
    this.codeSize = codeSize;
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** Fills {@code code} with a mixture of everything. */
  void fill(byte[] code) {
    int at = 0;
    while (at < code.length - ROOM) {
      switch (random.nextInt(16)) {
        case 0 -> code[at++] = (byte) random.nextInt();
        case 1, 2 -> at = system(code, at);
        case 3, 4 -> {
          int start = at;
          at = valid(code, at, null);
          code[start + random.nextInt(at - start)] ^= (byte) (1 << random.nextInt(8));
        }
        case 5 -> at = shortBranch(code, at, -random.nextInt(64));
        default -> at = valid(code, at, null);
      }
    }
    while (at < code.length) {
      code[at++] = (byte) random.nextInt();
    }
  }

  /** Writes a valid instruction, other than {@code unwanted}; returns where it ends. */
  int valid(byte[] code, int at, java.util.Set<Mnemonic> unwanted) {
    while (true) {
      draw();
      Insn insn = decoder.decode(attempt, 0, attempt.length, codeSize);
      if (insn.form != Form.UNDEFINED
          && insn.form != Form.TOO_LONG
          && (unwanted == null || !unwanted.contains(insn.form.mnemonic()))) {
        System.arraycopy(attempt, 0, code, at, insn.length);
        return at + insn.length;
      }
    }
  }

  /** A jump, a conditional jump or a loop by a signed 8-bit distance from its own start. */
  int shortBranch(byte[] code, int at, int distance) {
    int kind = random.nextInt(22);
    code[at] = (byte) (kind < 16 ? 0x70 + kind : kind < 20 ? 0xE0 + kind - 16 : 0xEB);
    code[at + 1] = (byte) (distance - 2);
    return at + 2;
  }

  private void draw() {
    for (int i = 0; i < attempt.length; i++) {
      attempt[i] = (byte) random.nextInt();
    }
    int i = 0;
    while (chance(15)) {
      attempt[i++] = (byte) PREFIXES[random.nextInt(PREFIXES.length)];
      if (i == 3) {
        break;
      }
    }
    int map = random.nextInt(100);
    if (map < 90 && codeSize == 8 && chance(50)) {
      attempt[i++] = (byte) (0x40 | random.nextInt(16));
    }
    if (map >= 90) {
      i = vex(i);
    } else if (map >= 45) {
      attempt[i++] = 0x0F;
      if (map >= 84) {
        attempt[i++] = 0x3A;
      } else if (map >= 78) {
        attempt[i++] = 0x38;
      }
    }
    i++;
    if (chance(70)) {
      // Addresses near what the registers point to.
      if (chance(60)) {
        attempt[i] &= 0x7F;
      }
      for (int k = i + 1; k < attempt.length; k++) {
        attempt[k] = (byte) (k % 4 == i % 4 + 1 || chance(10) ? random.nextInt() : 0);
      }
      if (chance(50)) {
        attempt[i + 1] = (byte) random.nextInt();
      }
    }
  }

  private int vex(int i) {
    if (chance(50)) {
      attempt[i++] = (byte) 0xC5;
      attempt[i++] = (byte) (chance(60) ? random.nextInt() | 0xF8 : random.nextInt());
      return i;
    }
    attempt[i++] = (byte) 0xC4;
    attempt[i++] = (byte) (random.nextInt(8) << 5 | 1 + random.nextInt(3));
    attempt[i++] = (byte) (chance(50) ? random.nextInt() | 0x78 : random.nextInt());
    return i;
  }

  // ---------------------------------------------------------------- system instructions

  /** Writes instructions that change how the processor runs; returns where they end. */
  int system(byte[] code, int at) {
    this.code = code;
    this.at = at;
    switch (random.nextInt(13)) {
      case 0, 1 -> {
        int register = new int[] {0, 2, 3, 4, 4, 0, codeSize == 8 ? 0 : 3}[random.nextInt(7)];
        bytes(0x0F, 0x20, 0xC0 | register << 3);
        flipEax();
        bytes(0x0F, 0x22, 0xC0 | register << 3);
      }
      case 2 -> {
        movImmediate(1, EFER);
        bytes(0x0F, 0x32);
        flipEax();
        bytes(0x0F, 0x30);
      }
      case 3, 4 -> {
        movImmediate(1, chance(90) ? MSRS[random.nextInt(MSRS.length)] : random.nextInt(0x2000));
        if (chance(50)) {
          movImmediate(0, random.nextInt());
          movImmediate(2, chance(60) ? 0 : random.nextInt());
        }
        bytes(0x0F, chance(70) ? 0x30 : 0x32);
      }
      case 5 -> {
        movImmediate(0, random.nextInt(0x200) << 3 & (chance(80) ? 0xF8 : -1) | random.nextInt(4));
        switch (random.nextInt(4)) {
          case 0 -> bytes(0x0F, 0x00, 0xD0 | random.nextInt(2) << 3);
          case 1 -> bytes(0x0F, chance(50) ? 0x02 : 0x03, random.nextInt(256));
          default -> bytes(0x8E, 0xC0 | random.nextInt(6) << 3);
        }
      }
      case 6 -> {
        bytes(0x68);
        immediate(codeSize == 2 ? 2 : 4, random.nextInt() & (chance(70) ? 0x0FD5 : 0x3F_7FD7));
        bytes(0x9D);
      }
      case 7 -> bytes(0xCD, chance(50) ? random.nextInt(32) : random.nextInt(256));
      case 8 -> {
        movImmediate(0, random.nextInt() & (chance(50) ? 0xFF : -1));
        bytes(0x0F, 0x23, 0xC0 | (chance(50) ? 7 : random.nextInt(8)) << 3);
      }
      case 9 -> {
        movImmediate(1, 0);
        movImmediate(0, 1 | random.nextInt(16));
        movImmediate(2, 0);
        bytes(0x0F, 0x01, chance(70) ? 0xD1 : 0xEF);
      }
      case 10 -> bytes(new int[] {0xFA, 0xFB, 0xF4, 0xCF, 0xCB, 0xCC, 0xF1}[random.nextInt(7)]);
      case 11 -> {
        if (codeSize == 8) {
          bytes(0xFF, 0x28 | random.nextInt(8));
        } else {
          bytes(chance(50) ? 0xEA : 0x9A);
          immediate(codeSize, 0x8000 + random.nextInt(0x8000));
          immediate(2, random.nextInt(16) << 3 | random.nextInt(4));
        }
      }
      default -> bytes(0x0F, 0x01, random.nextInt(8) << 3 | random.nextInt(4) << 6, 0, 0);
    }
    return this.at;
  }

  /** One bit of EAX. */
  private void flipEax() {
    if (codeSize == 2) {
      bytes(0x66);
    }
    bytes(0x35);
    immediate(4, 1 << random.nextInt(32));
  }

  private void movImmediate(int register, int value) {
    if (codeSize == 2) {
      bytes(0x66);
    }
    bytes(0xB8 | register);
    immediate(4, value);
  }

  private void immediate(int size, long value) {
    for (int i = 0; i < size; i++) {
      code[at++] = (byte) (value >>> 8 * i);
    }
  }

  private void bytes(int... values) {
    for (int value : values) {
      code[at++] = (byte) value;
    }
  }
}
