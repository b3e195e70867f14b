package lodge.cpu.x86.silicon;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lodge.cpu.x86.Vector;

/**
 * Everything a case can have changed, and the exception that ended it.
 *
 * @param vector exception vector, or one of the constants below
 * @param error error code, 0 where the exception has none
 * @param cr2 only meaningful after a page fault
 * @param selectors ES CS SS DS FS GS
 * @param changes words of scratch memory that differ from the case's, by offset
 * @param failure what an engine said that broke; else empty
 */
record CpuSnapshot(
    int vector,
    int error,
    long cr2,
    long rip,
    long[] gpr,
    long rflags,
    long fsBase,
    long gsBase,
    int mxcsr,
    FpuImage fpu,
    long[] ymm,
    int[] selectors,
    Map<Integer, Long> changes,
    String failure) {

  /** The case did not end by itself. */
  static final int TIMEOUT = 254;

  /** The engine shut down, failed, or threw an exception of the host. */
  static final int BROKEN = 253;

  static final String[] GPR = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
  };
  private static final String[] SEGMENT = {"es", "cs", "ss", "ds", "fs", "gs"};

  /**
   * What a comparison leaves out.
   *
   * @param rflags bits of RFLAGS
   * @param status bits of the x87 status word
   * @param lastPlace whether an x87 result may differ by one in the last place of its significand
   */
  record Mask(int rflags, int status, boolean lastPlace) {
    static final Mask NONE = new Mask(0, 0, false);
  }

  /**
   * Bytes of the fixed part of the helper's response, and where in it the number of changed words
   * stands.
   */
  static final int RESPONSE_SIZE = 864;

  static final int CHANGE_COUNT = 188;

  /** Reads the helper's response: its fixed part and the changed words behind it. */
  static CpuSnapshot read(ByteBuffer in) {
    int vector = in.getInt();
    int error = in.getInt();
    long cr2 = in.getLong();
    long rip = in.getLong();
    long[] gpr = new long[16];
    for (int i = 0; i < 16; i++) {
      gpr[i] = in.getLong();
    }
    long rflags = in.getLong();
    long fsBase = in.getLong();
    long gsBase = in.getLong();
    int mxcsr = in.getInt();
    int control = in.getShort() & 0xFFFF;
    int status = in.getShort() & 0xFFFF;
    int tag = in.getShort() & 0xFFFF;
    int opcode = in.getShort() & 0xFFFF;
    int count = in.getInt();
    long instruction = in.getLong();
    long data = in.getLong();
    long[] significand = new long[8];
    int[] signExponent = new int[8];
    for (int i = 0; i < 8; i++) {
      significand[i] = in.getLong();
      signExponent[i] = (int) in.getLong() & 0xFFFF;
    }
    long[] ymm = new long[64];
    for (int i = 0; i < 64; i++) {
      ymm[i] = in.getLong();
    }
    int[] selectors = new int[6];
    for (int i = 0; i < 6; i++) {
      selectors[i] = in.getShort() & 0xFFFF;
    }
    in.getInt();
    Map<Integer, Long> changes = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      changes.put((int) in.getLong(), in.getLong());
    }
    return new CpuSnapshot(
        vector,
        error,
        cr2,
        rip,
        gpr,
        rflags,
        fsBase,
        gsBase,
        mxcsr,
        new FpuImage(control, status, tag, opcode, instruction, data, significand, signExponent),
        ymm,
        selectors,
        changes,
        "");
  }

  /** What differs, one text a field: "name expected actual"; empty when nothing does. */
  List<String> differences(CpuSnapshot actual, Mask mask) {
    List<String> found = new ArrayList<>();
    if (vector != actual.vector) {
      found.add(
          "vector "
              + vector
              + " "
              + actual.vector
              + (actual.failure.isEmpty() ? "" : ": " + actual.failure));
    }
    compare(found, "rip", rip, actual.rip);
    if (vector == actual.vector && hasErrorCode(vector)) {
      // Linux reports every user access to a kernel address as a protection violation, and the
      // helper's own stack and libraries are mapped at the end of the lower half.
      boolean hosts = cr2 < 0 || cr2 >>> 36 == 0x7FF;
      int ignored = vector == Vector.PF && hosts ? 1 : 0;
      compare(found, "error", error & ~ignored, actual.error & ~ignored);
    }
    if (vector == Vector.PF && actual.vector == Vector.PF) {
      compare(found, "cr2", cr2, actual.cr2);
    }
    for (int i = 0; i < 16; i++) {
      compare(found, GPR[i], gpr[i], actual.gpr[i]);
    }
    compare(found, "rflags", rflags & ~mask.rflags, actual.rflags & ~mask.rflags);
    for (int i = 0; i < 6; i++) {
      // A null selector's RPL is gone when the kernel returns to the helper's handler.
      compare(
          found,
          SEGMENT[i],
          selectors[i] < 4 ? 0 : selectors[i],
          actual.selectors[i] < 4 ? 0 : actual.selectors[i]);
    }
    compare(found, "fsbase", fsBase, actual.fsBase);
    compare(found, "gsbase", gsBase, actual.gsBase);
    compare(found, "mxcsr", mxcsr, actual.mxcsr);
    compareVectors(found, actual);
    compareFpu(found, actual.fpu, mask);
    if (!changes.equals(actual.changes)) {
      found.add("memory " + memory() + " " + actual.memory());
    }
    return found;
  }

  private void compareVectors(List<String> found, CpuSnapshot actual) {
    for (int i = 0; i < 16; i++) {
      for (int lane = 0; lane < 4; lane++) {
        if (ymm[4 * i + lane] != actual.ymm[4 * i + lane]) {
          found.add("ymm" + i + " " + lanes(ymm, i) + " " + lanes(actual.ymm, i));
          break;
        }
      }
    }
  }

  private void compareFpu(List<String> found, FpuImage actual, Mask mask) {
    compare(found, "fcw", fpu.control(), actual.control());
    compare(found, "fsw", fpu.status() & ~mask.status, actual.status() & ~mask.status);
    compare(found, "ftw", fpu.tag(), actual.tag());
    for (int i = 0; i < 8; i++) {
      long distance = Math.abs(fpu.significand()[i] - actual.significand()[i]);
      if (distance > (mask.lastPlace ? 1 : 0)
          || fpu.signExponent()[i] != actual.signExponent()[i]) {
        found.add("st" + i + " " + fpu.register(i) + " " + actual.register(i));
      }
    }
    compare(found, "fop", fpu.opcode(), actual.opcode());
    compare(found, "fip", fpu.instruction(), actual.instruction());
    compare(found, "fdp", fpu.data(), actual.data());
  }

  private static void compare(List<String> found, String name, long expected, long actual) {
    if (expected != actual) {
      found.add(name + " " + Long.toHexString(expected) + " " + Long.toHexString(actual));
    }
  }

  /** Exceptions that push an error code (SDM volume 3, table 6-1). */
  static boolean hasErrorCode(int vector) {
    return vector == Vector.DF || vector >= Vector.TS && vector <= Vector.PF || vector == Vector.AC;
  }

  static String lanes(long[] ymm, int register) {
    return String.format(
        "%016x_%016x_%016x_%016x",
        ymm[4 * register + 3], ymm[4 * register + 2], ymm[4 * register + 1], ymm[4 * register]);
  }

  private String memory() {
    StringBuilder s = new StringBuilder("{");
    changes.entrySet().stream()
        .limit(4)
        .forEach(
            word ->
                s.append(
                    String.format(
                        "%s%x:%016x",
                        s.length() > 1 ? "," : "", Case.SCRATCH + word.getKey(), word.getValue())));
    return s.append(changes.size() > 4 ? ",...}" : "}").toString();
  }

  /** Whether the run went straight through the case's code. */
  boolean endsAt(Case c) {
    return vector == Vector.BP && rip == c.end() + 1;
  }
}
