package lodge.cpu.x86;

/** Segment registers: loading, limits and access rights (SDM volume 3, chapters 3 and 5). */
public final class Segmentation {
  private Segmentation() {}

  /** Checks a data read in a segment outside 64-bit mode; #GP(0), or #SS(0) for SS. */
  public static void checkRead(Cpu c, int segment, long offset, int size) {
    int access = c.segAccess[segment];
    if ((access & Descriptor.PRESENT) == 0
        || (access & (Descriptor.CODE | Descriptor.WRITABLE)) == Descriptor.CODE
        || !withinLimit(c, segment, offset, size)) {
      throw c.fault(segment == Cpu.SS ? Vector.SS : Vector.GP, 0);
    }
  }

  /** Checks a data write in a segment outside 64-bit mode; #GP(0), or #SS(0) for SS. */
  public static void checkWrite(Cpu c, int segment, long offset, int size) {
    int access = c.segAccess[segment];
    if ((access & Descriptor.PRESENT) == 0
        || (access & (Descriptor.CODE | Descriptor.WRITABLE)) != Descriptor.WRITABLE && c.protectedMode()
        || !withinLimit(c, segment, offset, size)) {
      throw c.fault(segment == Cpu.SS ? Vector.SS : Vector.GP, 0);
    }
  }

  private static boolean withinLimit(Cpu c, int segment, long offset, int size) {
    int access = c.segAccess[segment];
    long limit = c.segLimit[segment];
    long last = offset + size - 1;
    if ((access & (Descriptor.CODE | Descriptor.EXPAND_DOWN)) == Descriptor.EXPAND_DOWN) {
      long top = (access & Descriptor.DEFAULT_32) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
      return offset > limit && last <= top;
    }
    return last <= limit;
  }
}
