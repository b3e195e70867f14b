package lodge.cpu.x86.kvm;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** An instruction in its surroundings. */
final class Scenario {
  /** Bytes to be put into memory before the start. */
  record Poke(int address, byte[] bytes) {}

  final String mnemonic;
  final Mode mode;
  final CpuState start;
  final List<Poke> pokes = new ArrayList<>();
  String code = "";

  Scenario(String mnemonic, Mode mode) {
    this.mnemonic = mnemonic;
    this.mode = mode;
    this.start = mode.state();
  }

  void poke(int address, long value, int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (value >>> 8 * i);
    }
    pokes.add(new Poke(address, bytes));
  }

  void code(String hex) {
    code = hex.replace(" ", "");
    pokes.add(new Poke(BoardImage.CODE, HexFormat.of().parseHex(code)));
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(mnemonic + " in " + mode + ": " + code);
    CpuState usual = mode.state();
    for (int i = 0; i < CpuState.COUNT; i++) {
      if (usual.v[i] != start.v[i]) {
        text.append(' ').append(CpuState.name(i)).append('=').append(hex(start.v[i]));
      }
    }
    for (Poke poke : pokes) {
      if (poke.address != BoardImage.CODE) {
        text.append(" [").append(hex(poke.address)).append("]=");
        text.append(HexFormat.of().formatHex(poke.bytes));
      }
    }
    return text.toString();
  }

  static String hex(long value) {
    return Long.toHexString(value);
  }
}
