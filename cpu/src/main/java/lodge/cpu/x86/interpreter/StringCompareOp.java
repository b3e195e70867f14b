package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.StringCompare;

/** PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM. Their memory operand need not be aligned. */
final class StringCompareOp extends SimdOp {
  private final boolean explicit;
  private final boolean index;
  private final boolean wideLengths;
  private final int control;

  StringCompareOp(Insn insn, int offset) {
    super(insn, offset);
    Mnemonic m = VexLinker.operation(insn);
    explicit = m == Mnemonic.PCMPESTRI || m == Mnemonic.PCMPESTRM;
    index = m == Mnemonic.PCMPESTRI || m == Mnemonic.PCMPISTRI;
    wideLengths = insn.rexW;
    control = immediate(insn);
  }

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM -> new StringCompareOp(insn, offset);
      default -> null;
    };
  }

  @Override
  public Op exec(Cpu c) {
    checkEncoding(c);
    long aLow = c.xmm[reg];
    long aHigh = c.xmm[reg + 1];
    long bLow;
    long bHigh;
    if (rm >= 0) {
      bLow = c.xmm[rm];
      bHigh = c.xmm[rm + 1];
    } else {
      long gva = readAddress(c, 16);
      bLow = c.mmu.readLane(gva);
      bHigh = c.mmu.readLane(gva + 8);
    }
    int aLength =
        explicit
            ? StringCompare.explicitLength(length(c, Cpu.RAX), control)
            : StringCompare.implicitLength(aLow, aHigh, control);
    int bLength =
        explicit
            ? StringCompare.explicitLength(length(c, Cpu.RDX), control)
            : StringCompare.implicitLength(bLow, bHigh, control);
    int result = StringCompare.compare(aLow, aHigh, aLength, bLow, bHigh, bLength, control);
    if (index) {
      c.r[Cpu.RCX] = StringCompare.index(result, control);
    } else {
      c.xmm[0] = StringCompare.mask(result, control, 0);
      c.xmm[1] = StringCompare.mask(result, control, 1);
      if (vex) {
        c.xmm[2] = 0;
        c.xmm[3] = 0;
      }
    }
    Flags.setArithmetic(c, StringCompare.flags(result, aLength, bLength, control));
    return next;
  }

  private long length(Cpu c, int register) {
    return wideLengths ? c.r[register] : (int) c.r[register];
  }
}
