package lodge.cpu.x86.silicon;

import java.util.Arrays;

/**
 * x87 state as FXSAVE shows it (SDM volume 1, 10.5.1).
 *
 * @param status with TOP
 * @param tag one bit a physical register, set when it is not empty
 * @param significand ST0 to ST7
 * @param signExponent ST0 to ST7, sign at bit 15
 */
record FpuImage(
    int control,
    int status,
    int tag,
    int opcode,
    long instruction,
    long data,
    long[] significand,
    int[] signExponent) {

  static FpuImage initial() {
    return new FpuImage(0x37F, 0, 0, 0, 0, 0, new long[8], new int[8]);
  }

  FpuImage copy() {
    return new FpuImage(
        control, status, tag, opcode, instruction, data, significand.clone(), signExponent.clone());
  }

  FpuImage withControl(int value) {
    return new FpuImage(value, status, tag, opcode, instruction, data, significand, signExponent);
  }

  FpuImage withStatusAndTag(int newStatus, int newTag) {
    return new FpuImage(
        control, newStatus, newTag, opcode, instruction, data, significand, signExponent);
  }

  String register(int i) {
    return String.format("%04x.%016x", signExponent[i], significand[i]);
  }

  String describe() {
    StringBuilder s = new StringBuilder();
    s.append(String.format("control=%04x status=%04x tag=%02x", control, status, tag));
    for (int i = 0; i < 8; i++) {
      if (significand[i] != 0 || signExponent[i] != 0) {
        s.append(" st").append(i).append('=').append(register(i));
      }
    }
    return s.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FpuImage o
        && control == o.control
        && status == o.status
        && tag == o.tag
        && opcode == o.opcode
        && instruction == o.instruction
        && data == o.data
        && Arrays.equals(significand, o.significand)
        && Arrays.equals(signExponent, o.signExponent);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(significand) + Arrays.hashCode(signExponent) + status;
  }
}
