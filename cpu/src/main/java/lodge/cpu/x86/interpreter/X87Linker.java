package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/** Links x87 instructions, by their place in the escape opcode map (SDM volume 2, appendix A.5). */
final class X87Linker {
  private X87Linker() {}

  /**
   * @return null when the instruction is no x87 instruction
   */
  static Op link(Insn insn, int offset) {
    Mnemonic mnemonic = insn.form.mnemonic();
    if (mnemonic == Mnemonic.FWAIT) {
      return new X87Control.Wait();
    }
    boolean named = mnemonic.name().charAt(0) == 'F' || insn.form.feature().equals("X87");
    if ((insn.opcode & 0xF8) != 0xD8 || !named) {
      return null; // D8 to DF are other instructions in other maps
    }
    return insn.mod == 3 ? register(insn) : memory(insn, offset);
  }

  private static Op memory(Insn insn, int offset) {
    int reg = insn.reg & 7;
    return switch (insn.opcode & 7) {
      case 0 -> new X87Arithmetic.Memory(insn, offset, X87Operand.SINGLE);
      case 2 -> new X87Arithmetic.Memory(insn, offset, X87Operand.INT32);
      case 4 -> new X87Arithmetic.Memory(insn, offset, X87Operand.DOUBLE);
      case 6 -> new X87Arithmetic.Memory(insn, offset, X87Operand.INT16);
      case 1 ->
          switch (reg) {
            case 0 -> new X87Transfer.Load(insn, offset, X87Operand.SINGLE);
            case 2, 3 -> new X87Transfer.StoreReal(insn, offset, 4, reg == 3);
            case 4, 5, 6, 7 -> new X87Control.Memory(insn, offset);
            default -> null;
          };
      case 3 ->
          switch (reg) {
            case 0 -> new X87Transfer.Load(insn, offset, X87Operand.INT32);
            case 1, 2, 3 -> new X87Transfer.StoreInteger(insn, offset, 4);
            case 5 -> new X87Transfer.LoadExtended(insn, offset);
            case 7 -> new X87Transfer.StoreTenBytes(insn, offset, false);
            default -> null;
          };
      case 5 ->
          switch (reg) {
            case 0 -> new X87Transfer.Load(insn, offset, X87Operand.DOUBLE);
            case 1 -> new X87Transfer.StoreInteger(insn, offset, 8);
            case 2, 3 -> new X87Transfer.StoreReal(insn, offset, 8, reg == 3);
            case 4, 6, 7 -> new X87Control.Memory(insn, offset);
            default -> null;
          };
      default ->
          switch (reg) {
            case 0 -> new X87Transfer.Load(insn, offset, X87Operand.INT16);
            case 1, 2, 3 -> new X87Transfer.StoreInteger(insn, offset, 2);
            case 4 -> new X87Transfer.Load(insn, offset, X87Operand.BCD);
            case 5 -> new X87Transfer.Load(insn, offset, X87Operand.INT64);
            case 6 -> new X87Transfer.StoreTenBytes(insn, offset, true);
            default -> new X87Transfer.StoreInteger(insn, offset, 8);
          };
    };
  }

  private static Op register(Insn insn) {
    int reg = insn.reg & 7;
    boolean compares = (reg & 6) == 2;
    return switch (insn.opcode & 7) {
      case 0 ->
          compares ? new X87Register(insn, X87Register.COMPARE, reg - 2) : arithmetic(insn, false);
      case 1 ->
          switch (reg) {
            case 0 -> new X87Register(insn, X87Register.LOAD, 0);
            case 1 -> new X87Register(insn, X87Register.EXCHANGE, 0);
            case 2 -> new X87Register(insn, X87Register.NOTHING, 0);
            case 3 -> new X87Register(insn, X87Register.STORE_UNCHECKED, 1);
            default -> new X87Function(insn);
          };
      case 2 ->
          reg == 5
              ? new X87Register(insn, X87Register.COMPARE_QUIET, 2)
              : new X87Flags.Move(insn, reg, true);
      case 3 ->
          switch (reg) {
            case 4 -> new X87Control.Register(insn);
            case 5, 6 -> new X87Flags.Compare(insn, reg == 5, false);
            default -> new X87Flags.Move(insn, reg, false);
          };
      case 4 ->
          compares ? new X87Register(insn, X87Register.COMPARE, reg - 2) : arithmetic(insn, false);
      case 5 ->
          switch (reg) {
            case 0 -> new X87Register(insn, X87Register.FREE, 0);
            case 1 -> new X87Register(insn, X87Register.EXCHANGE, 0);
            case 2, 3 -> new X87Register(insn, X87Register.STORE, reg - 2);
            default -> new X87Register(insn, X87Register.COMPARE_QUIET, reg - 4);
          };
      case 6 ->
          compares
              ? new X87Register(insn, X87Register.COMPARE, reg == 3 ? 2 : 1)
              : arithmetic(insn, true);
      default ->
          switch (reg) {
            case 0 -> new X87Register(insn, X87Register.FREE, 1);
            case 1 -> new X87Register(insn, X87Register.EXCHANGE, 0);
            case 2, 3 -> new X87Register(insn, X87Register.STORE, 1);
            case 4 -> new X87Control.Register(insn);
            default -> new X87Flags.Compare(insn, reg == 5, true);
          };
    };
  }

  private static Op arithmetic(Insn insn, boolean pop) {
    boolean toTop = (insn.opcode & 7) == 0;
    return new X87Arithmetic.Register(insn, toTop, pop);
  }
}
