package lodge.cpu.x86.fuzz;

/** The modes a guest can be in. */
enum GuestMode {
  REAL(2),
  UNREAL(2),
  PROTECTED_16(2),
  PROTECTED_32(4),
  VIRTUAL_8086(2),
  COMPATIBILITY_16(2),
  COMPATIBILITY_32(4),
  LONG(8);

  /** Operand size that the code segment implies. */
  final int codeSize;

  GuestMode(int codeSize) {
    this.codeSize = codeSize;
  }

  boolean protectedMode() {
    return this != REAL && this != UNREAL;
  }

  boolean longMode() {
    return ordinal() >= COMPATIBILITY_16.ordinal();
  }
}
