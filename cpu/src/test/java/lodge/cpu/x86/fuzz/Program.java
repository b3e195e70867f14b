package lodge.cpu.x86.fuzz;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import lodge.cpu.x86.decode.Mnemonic;

/** A random program of 64-bit code with branches and loops inside, and a HLT at its end. */
final class Program {
  /** Their results are random by design. */
  private static final Set<Mnemonic> UNWANTED = EnumSet.of(Mnemonic.RDRAND, Mnemonic.RDSEED);

  private static final int CODE_SIZE = 8;

  final byte[] code;
  final boolean user;

  /** Where in the code instructions began when it was written. */
  final List<Integer> starts = new ArrayList<>();

  Program(RandomGenerator random) {
    user = random.nextBoolean();
    RandomCode writer = new RandomCode(random, CODE_SIZE);
    byte[] room = new byte[4096];
    List<Integer> branches = new ArrayList<>();
    int count = 3 + random.nextInt(random.nextInt(8) == 0 ? 80 : 24);
    boolean modifiesItself = random.nextInt(4) == 0;
    int at = 0;
    for (int i = 0; i < count; i++) {
      starts.add(at);
      int kind = random.nextInt(24);
      if (kind < 4) {
        branches.add(at);
        at = writer.shortBranch(room, at, 0);
      } else if (kind == 4) {
        // DEC r32 and JNZ.
        room[at++] = (byte) 0xFF;
        room[at++] = (byte) (0xC8 + random.nextInt(8));
        branches.add(at);
        room[at++] = 0x75;
        room[at++] = 0;
      } else if (kind == 5 && modifiesItself) {
        // MOV byte [RIP + disp32] to somewhere in this program.
        int target = random.nextInt(200) - 20;
        room[at] = (byte) 0xC6;
        room[at + 1] = 0x05;
        int distance = target - (at + 7);
        for (int k = 0; k < 4; k++) {
          room[at + 2 + k] = (byte) (distance >> 8 * k);
        }
        room[at + 6] = (byte) random.nextInt();
        at += 7;
      } else if (kind == 6) {
        // A small loop count for what comes.
        room[at] = (byte) (0xB8 + random.nextInt(8));
        room[at + 1] = (byte) random.nextInt(100);
        at += 5;
      } else if (kind == 7 && !user && random.nextInt(4) == 0) {
        at = writer.system(room, at);
      } else {
        at = writer.valid(room, at, UNWANTED);
      }
    }
    starts.add(at);
    room[at++] = (byte) 0xF4;
    for (int branch : branches) {
      int nearby = starts.get(random.nextInt(starts.size()));
      for (int k = 0; k < 8 && Math.abs(nearby - branch) > 100; k++) {
        nearby = starts.get(random.nextInt(starts.size()));
      }
      room[branch + 1] = (byte) (nearby - branch - 2);
    }
    code = java.util.Arrays.copyOf(room, at);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(user ? "user" : "supervisor");
    for (int i = 0; i < starts.size(); i++) {
      int end = i + 1 < starts.size() ? starts.get(i + 1) : code.length;
      text.append(' ').append(HexFormat.of().formatHex(code, starts.get(i), end));
    }
    return text.toString();
  }
}
