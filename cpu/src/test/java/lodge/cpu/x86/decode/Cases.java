package lodge.cpu.x86.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Instruction bytes to try: every opcode with every kind of ModRM and prefix, then random bytes.
 */
final class Cases {
  private static final int[][] PREFIXES_64 = {
    {},
    {0x66},
    {0xF2},
    {0xF3},
    {0x66, 0xF2},
    {0x66, 0xF3},
    {0x48},
    {0x66, 0x48},
    {0xF2, 0x48},
    {0xF3, 0x48},
    {0x45},
    {0x67},
    {0xF0},
    {0x65}
  };
  private static final int[][] PREFIXES_32 = {
    {}, {0x66}, {0xF2}, {0xF3}, {0x66, 0xF2}, {0x66, 0xF3}, {0x67}, {0xF0}, {0x65}, {0x66, 0x67}
  };
  private static final int[][] PLAIN = {{}, {0x66}, {0xF2}, {0xF3}};
  private static final int[][] MAPS = {{}, {0x0F}, {0x0F, 0x38}, {0x0F, 0x3A}};
  private static final int[] MODRM = {0x0D, 0x1E, 0x64, 0x85, 0xFA, 0xC7};

  private final Random random = new Random(20250101);
  private final List<byte[]> cases = new ArrayList<>();

  private Cases() {}

  static List<byte[]> all(int codeSize) {
    var cases = new Cases();
    cases.legacy(codeSize == 8 ? PREFIXES_64 : PREFIXES_32);
    cases.groups();
    cases.vex();
    cases.random(20_000);
    return cases.cases;
  }

  private void legacy(int[][] prefixes) {
    for (int[] prefix : prefixes) {
      for (int[] map : MAPS) {
        for (int opcode = 0; opcode < 256; opcode++) {
          for (int modrm : MODRM) {
            add(prefix, map, opcode, modrm);
          }
        }
      }
    }
  }

  /** All ModRM bytes of the opcodes that are groups. */
  private void groups() {
    for (int[] prefix : PLAIN) {
      for (int modrm = 0; modrm < 256; modrm++) {
        for (int opcode :
            new int[] {
              0x80, 0x81, 0x82, 0x83, 0x8C, 0x8E, 0x8F, 0xC0, 0xC6, 0xC7, 0xD0, 0xD3, 0xD8, 0xD9,
              0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF6, 0xF7, 0xFE, 0xFF
            }) {
          add(prefix, MAPS[0], opcode, modrm);
        }
        for (int opcode :
            new int[] {0x00, 0x01, 0x0D, 0x18, 0x1E, 0x20, 0x71, 0x72, 0x73, 0xAE, 0xBA, 0xC7}) {
          add(prefix, MAPS[1], opcode, modrm);
        }
      }
    }
  }

  private void vex() {
    for (int opcode = 0; opcode < 256; opcode++) {
      for (int low = 0; low < 8; low++) {
        for (int vvvv : new int[] {0xF, 0xB}) {
          for (int modrm : new int[] {0x4C, 0xD1}) {
            for (int map = 1; map <= 3; map++) {
              for (int w = 0; w <= 0x80; w += 0x80) {
                add(new int[] {0xC4, 0xE0 | map}, new int[] {w | vvvv << 3 | low}, opcode, modrm);
              }
            }
            add(new int[] {0xC5}, new int[] {0x80 | vvvv << 3 | low}, opcode, modrm);
          }
        }
      }
    }
  }

  private void random(int count) {
    for (int i = 0; i < count; i++) {
      byte[] code = new byte[15];
      random.nextBytes(code);
      cases.add(code);
    }
  }

  private void add(int[] prefix, int[] map, int opcode, int modrm) {
    byte[] code = new byte[15];
    random.nextBytes(code);
    int at = 0;
    for (int b : prefix) {
      code[at++] = (byte) b;
    }
    for (int b : map) {
      code[at++] = (byte) b;
    }
    code[at++] = (byte) opcode;
    code[at] = (byte) modrm;
    cases.add(Arrays.copyOf(code, at + 10));
  }
}
