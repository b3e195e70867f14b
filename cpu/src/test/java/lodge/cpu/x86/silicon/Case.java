package lodge.cpu.x86.silicon;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import lodge.cpu.x86.Cpu;

/**
 * A few bytes of user-mode code and the state to run them from. Memory is the same for all: {@link
 * #SCRATCH_SIZE} bytes of writable, not executable memory at {@link #SCRATCH} that hold a fixed
 * pattern, code pages at {@link #CODE} that are readable, executable and full of INT3, and nothing
 * before, between and behind them.
 */
final class Case {
  static final long SCRATCH = 0x1000_0000L;
  static final int SCRATCH_SIZE = 0x2000;
  static final long CODE = 0x2000_0000L;
  static final int CODE_SIZE = 0x2000;
  static final int MAX_CODE = 64;
  static final int MAX_POKES = 4;
  static final int REQUEST_SIZE = 1064;

  /** Bytes that replace the scratch pattern. */
  record Poke(int offset, byte[] bytes) {}

  /** What generated it: a mnemonic, for reports. */
  String name = "";

  /** 8: 64-bit mode; 4: compatibility mode. */
  int codeSize = 8;

  /** Where in the code pages the code stands; it starts there. */
  int codeOffset = 0x800;

  byte[] code = {};

  /** Lengths of the single instructions of {@link #code}, for shrinking; empty when it is one. */
  List<Integer> lengths = List.of();

  long[] gpr = new long[16];
  int rflags = 0x202;
  long fsBase = SCRATCH + 0x400;
  long gsBase = SCRATCH + 0x800;
  int mxcsr = 0x1F80;
  FpuImage fpu = FpuImage.initial();

  /** Lanes of YMM0 to YMM15, four longs each, lowest first. */
  long[] ymm = new long[64];

  List<Poke> pokes = new ArrayList<>();

  Case() {
    gpr[Cpu.RSP] = SCRATCH + 0x1000;
  }

  Case copy() {
    Case c = new Case();
    c.name = name;
    c.codeSize = codeSize;
    c.codeOffset = codeOffset;
    c.code = code.clone();
    c.lengths = lengths;
    c.gpr = gpr.clone();
    c.rflags = rflags;
    c.fsBase = fsBase;
    c.gsBase = gsBase;
    c.mxcsr = mxcsr;
    c.fpu = fpu.copy();
    c.ymm = ymm.clone();
    c.pokes = new ArrayList<>(pokes);
    return c;
  }

  /** The address behind the code: where INT3 ends a run that goes straight through. */
  long end() {
    return CODE + codeOffset + code.length;
  }

  /** Puts bytes into the scratch memory at an address inside it. */
  Case poke(long address, byte... bytes) {
    pokes.add(new Poke((int) (address - SCRATCH), bytes));
    return this;
  }

  /** The fixed content of the 64-bit word at {@code index} of the scratch memory. */
  static long pattern(int index) {
    long x = index + 0x9E37_79B9_7F4A_7C15L;
    x = (x ^ x >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    x = (x ^ x >>> 27) * 0x94D0_49BB_1331_11EBL;
    return x ^ x >>> 31;
  }

  /** Writes the request that the helper process reads: {@link #REQUEST_SIZE} bytes. */
  void write(ByteBuffer out) {
    int start = out.position();
    out.putInt(codeSize).putInt(codeOffset).putInt(code.length).putInt(pokes.size());
    out.put(code).position(start + 80);
    for (long value : gpr) {
      out.putLong(value);
    }
    out.putLong(rflags).putLong(fsBase).putLong(gsBase);
    out.putInt(mxcsr);
    out.putShort((short) fpu.control()).putShort((short) fpu.status());
    out.putShort((short) fpu.tag()).putShort((short) fpu.opcode()).putInt(0);
    out.putLong(fpu.instruction()).putLong(fpu.data());
    for (int i = 0; i < 8; i++) {
      out.putLong(fpu.significand()[i]).putLong(fpu.signExponent()[i]);
    }
    for (long lane : ymm) {
      out.putLong(lane);
    }
    for (int i = 0; i < pokes.size(); i++) {
      out.position(start + 904 + i * 40);
      out.putInt(pokes.get(i).offset).putInt(pokes.get(i).bytes.length).put(pokes.get(i).bytes);
    }
    out.position(start + REQUEST_SIZE);
  }

  /** All that differs from the default state, on one line each. */
  String describe() {
    StringBuilder s = new StringBuilder();
    s.append(codeSize == 8 ? "64-bit " : "32-bit ").append(name).append(" at ");
    s.append(Long.toHexString(CODE + codeOffset)).append(": ");
    s.append(HexFormat.ofDelimiter(" ").formatHex(code));
    if (!lengths.isEmpty()) {
      s.append(" (lengths ").append(lengths).append(')');
    }
    s.append("\n  rflags=").append(Integer.toHexString(rflags));
    s.append(" mxcsr=").append(Integer.toHexString(mxcsr));
    for (int i = 0; i < 16; i++) {
      if (gpr[i] != 0) {
        s.append(' ').append(CpuSnapshot.GPR[i]).append('=').append(Long.toHexString(gpr[i]));
      }
    }
    for (int i = 0; i < 16; i++) {
      if ((ymm[4 * i] | ymm[4 * i + 1] | ymm[4 * i + 2] | ymm[4 * i + 3]) != 0) {
        s.append("\n  ymm").append(i).append('=').append(CpuSnapshot.lanes(ymm, i));
      }
    }
    if (!fpu.equals(FpuImage.initial())) {
      s.append("\n  x87 ").append(fpu.describe());
    }
    for (Poke poke : pokes) {
      s.append("\n  [").append(Long.toHexString(SCRATCH + poke.offset)).append("]=");
      s.append(HexFormat.ofDelimiter(" ").formatHex(poke.bytes));
    }
    return s.toString();
  }
}
