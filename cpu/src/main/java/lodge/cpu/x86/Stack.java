package lodge.cpu.x86;

/**
 * The stack in any mode: SS:(R|E)SP with the width that the mode and SS.B give (SDM volume 1, 6.2).
 * The pointer only moves once the access has succeeded.
 */
public final class Stack {
  private Stack() {}

  /** What counts of RSP. */
  public static long mask(Cpu c) {
    if (c.codeSize == 8) {
      return -1;
    }
    return (c.segAccess[Cpu.SS] & Descriptor.DEFAULT_32) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
  }

  /** Sets the part of RSP that counts. */
  public static void setPointer(Cpu c, long value) {
    long mask = mask(c);
    // A 32-bit write clears the upper half, as to any register; a 16-bit one leaves the rest.
    c.r[Cpu.RSP] = mask == 0xFFFF ? c.r[Cpu.RSP] & ~0xFFFFL | value & 0xFFFF : value & mask;
  }

  /**
   * Linear address of {@code size} bytes at {@code offset} past the pointer, checked for reading.
   */
  public static long readAddress(Cpu c, long offset, int size) {
    long pointer = c.r[Cpu.RSP] + offset & mask(c);
    if (c.codeSize == 8) {
      return checked(c, pointer, size);
    }
    Segmentation.checkRead(c, Cpu.SS, pointer, size);
    return c.segBase[Cpu.SS] + pointer & 0xFFFF_FFFFL;
  }

  /**
   * Linear address of {@code size} bytes at {@code offset} past the pointer, checked for writing.
   */
  public static long writeAddress(Cpu c, long offset, int size) {
    long pointer = c.r[Cpu.RSP] + offset & mask(c);
    if (c.codeSize == 8) {
      return checked(c, pointer, size);
    }
    Segmentation.checkWrite(c, Cpu.SS, pointer, size);
    return c.segBase[Cpu.SS] + pointer & 0xFFFF_FFFFL;
  }

  /** #SS(0) for the stack, whatever segment the instruction's memory operand is in. */
  private static long checked(Cpu c, long pointer, int size) {
    if (!c.canonical(pointer) || !c.canonical(pointer + size - 1)) {
      throw c.fault(Vector.SS, 0);
    }
    return pointer;
  }

  /**
   * @param size 2, 4 or 8 bytes
   */
  public static void push(Cpu c, int size, long value) {
    c.mmu.write(writeAddress(c, -size, size), size, value);
    setPointer(c, c.r[Cpu.RSP] - size);
  }

  /** The top of the stack, zero-extended, without moving the pointer. */
  public static long peek(Cpu c, int size) {
    return c.mmu.read(readAddress(c, 0, size), size);
  }

  public static long pop(Cpu c, int size) {
    long value = peek(c, size);
    setPointer(c, c.r[Cpu.RSP] + size);
    return value;
  }
}
