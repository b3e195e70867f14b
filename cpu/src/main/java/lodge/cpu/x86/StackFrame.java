package lodge.cpu.x86;

/**
 * The stack as instructions use it that push or pop several words: RSP moves only once all of them
 * went well, so offsets are relative to the RSP that they started with.
 */
public final class StackFrame {
  private StackFrame() {}

  /** The part of RSP that counts: 16 bits, 32 bits, or all in 64-bit mode. */
  public static long mask(Cpu c) {
    if (c.codeSize == 8) {
      return -1L;
    }
    return (c.segAccess[Cpu.SS] & Descriptor.DEFAULT_32) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
  }

  /** The value {@code offset} bytes above RSP. */
  public static long peek(Cpu c, int offset, int size) {
    return peekAt(c, c.r[Cpu.RSP] + offset, size);
  }

  /** The value at an offset in SS, which is cut to the stack's address size. */
  public static long peekAt(Cpu c, long pointer, int size) {
    if (c.codeSize == 8) {
      if (!c.canonical(pointer) || !c.canonical(pointer + size - 1)) {
        throw c.fault(Vector.SS, 0);
      }
      return c.mmu.read(pointer, size);
    }
    long at = pointer & mask(c);
    Segmentation.checkRead(c, Cpu.SS, at, size);
    return c.mmu.read(c.linear(c.segBase[Cpu.SS] + at), size);
  }

  /** Writes below RSP ({@code offset} is negative); RSP stays. */
  public static void poke(Cpu c, int offset, int size, long value) {
    long pointer = c.r[Cpu.RSP] + offset;
    if (c.codeSize == 8) {
      if (!c.canonical(pointer) || !c.canonical(pointer + size - 1)) {
        throw c.fault(Vector.SS, 0);
      }
      c.mmu.write(pointer, size, value);
      return;
    }
    long at = pointer & mask(c);
    Segmentation.checkWrite(c, Cpu.SS, at, size);
    c.mmu.write(c.linear(c.segBase[Cpu.SS] + at), size, value);
  }

  /** Moves RSP by {@code bytes}. */
  public static void move(Cpu c, long bytes) {
    set(c, mask(c), c.r[Cpu.RSP] + bytes);
  }

  /** Sets as much of RSP as {@code mask} names; writing 32 bits clears the upper half. */
  public static void set(Cpu c, long mask, long value) {
    c.r[Cpu.RSP] = mask == 0xFFFF ? c.r[Cpu.RSP] & ~0xFFFFL | value & 0xFFFF : value & mask;
  }

  /** What {@link #mask} will be with a stack-segment descriptor outside 64-bit mode. */
  static long maskOf(long stackDescriptor) {
    return Descriptor.isDefault32(stackDescriptor) ? 0xFFFF_FFFFL : 0xFFFF;
  }

  /**
   * Checks that an inner stack has room below its pointer.
   *
   * @param pointer unsigned 32-bit
   * @param bytes how much will be pushed
   */
  static void checkRoom(Cpu c, long descriptor, int selector, long pointer, int bytes) {
    long mask = maskOf(descriptor);
    long lowest = pointer - bytes & mask;
    // What wraps around does so at the stack's own width: then both ends have to be valid.
    boolean wraps = lowest + bytes > mask + 1;
    int access = Descriptor.access(descriptor);
    long limit = Descriptor.limit(descriptor);
    boolean ok =
        wraps
            ? Segmentation.withinLimit(access, limit, lowest, mask + 1 - lowest)
                && Segmentation.withinLimit(access, limit, 0, lowest + bytes - mask - 1)
            : Segmentation.withinLimit(access, limit, lowest, bytes);
    if (!ok) {
      throw c.fault(Vector.SS, DescriptorTables.errorCode(selector));
    }
  }

  /**
   * Pushes on an inner stack (outside long mode) that is not in SS yet.
   *
   * @return the new pointer
   */
  static long pushInner(Cpu c, long descriptor, long pointer, int size, long value) {
    long at = pointer - size & maskOf(descriptor);
    c.mmu.writeSystem(c.linear(Descriptor.base(descriptor) + at), size, value);
    return at;
  }
}
