package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Shifts;
import lodge.cpu.x86.decode.Insn;

/** From decoded integer instructions to ops. */
final class IntegerLinker {
  private IntegerLinker() {}

  /** The op, or null when the instruction is of another family. */
  static Op link(Insn insn, CodePage page, int offset) {
    Op op = LockedOps.link(insn, offset);
    if (op == null) {
      op = linkArithmetic(insn, offset);
    }
    if (op == null) {
      op = linkMoves(insn, offset);
    }
    if (op == null) {
      op = BitManipulation.link(insn, offset);
    }
    return op != null ? op : linkControl(insn, page, offset);
  }

  private static Op linkArithmetic(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case ADD -> alu(Alu.ADD, insn, offset);
      case OR -> alu(Alu.OR, insn, offset);
      case ADC -> alu(Alu.ADC, insn, offset);
      case SBB -> alu(Alu.SBB, insn, offset);
      case AND -> alu(Alu.AND, insn, offset);
      case SUB -> alu(Alu.SUB, insn, offset);
      case XOR -> alu(Alu.XOR, insn, offset);
      case CMP -> alu(Alu.CMP, insn, offset);
      case TEST -> alu(Alu.TEST, insn, offset);
      case INC ->
          insn.hasModrm
              ? new ArithmeticOps.Inc(insn, offset)
              : new ArithmeticOps.IncDecRegister(insn, false);
      case DEC ->
          insn.hasModrm
              ? new ArithmeticOps.Dec(insn, offset)
              : new ArithmeticOps.IncDecRegister(insn, true);
      case NEG -> new ArithmeticOps.Neg(insn, offset);
      case NOT -> new ArithmeticOps.Not(insn, offset);
      case MUL -> new ArithmeticOps.Mul(insn, offset);
      case IMUL ->
          switch (insn.form.operands().length) {
            case 1 -> new ArithmeticOps.Imul(insn, offset);
            case 2 -> new ArithmeticOps.ImulReg(insn, offset);
            default -> new ArithmeticOps.ImulImm(insn, offset);
          };
      case DIV -> new ArithmeticOps.Div(insn, offset);
      case IDIV -> new ArithmeticOps.Idiv(insn, offset);
      case XADD -> new ArithmeticOps.Xadd(insn, offset);
      case CMPXCHG -> new ArithmeticOps.Cmpxchg(insn, offset);
      case CMPXCHG8B -> new ArithmeticOps.Cmpxchg8b(insn, offset);
      case CMPXCHG16B -> new ArithmeticOps.Cmpxchg16b(insn, offset);
      case ROL -> shift(Shifts.ROL, insn, offset);
      case ROR -> shift(Shifts.ROR, insn, offset);
      case RCL -> shift(Shifts.RCL, insn, offset);
      case RCR -> shift(Shifts.RCR, insn, offset);
      case SHL -> shift(Shifts.SHL, insn, offset);
      case SHR -> shift(Shifts.SHR, insn, offset);
      case SAR -> shift(Shifts.SAR, insn, offset);
      case SHLD -> new ShiftOps.DoubleShift(insn, offset, false, insn.opcode == 0xA5);
      case SHRD -> new ShiftOps.DoubleShift(insn, offset, true, insn.opcode == 0xAD);
      case BT -> bits(BitOps.BT, insn, offset);
      case BTS -> bits(BitOps.BTS, insn, offset);
      case BTR -> bits(BitOps.BTR, insn, offset);
      case BTC -> bits(BitOps.BTC, insn, offset);
      case BSF -> new BitOps.BitScan(insn, offset, false);
      case BSR -> new BitOps.BitScan(insn, offset, true);
      case LZCNT -> new BitOps.Lzcnt(insn, offset);
      case TZCNT -> new BitOps.Tzcnt(insn, offset);
      case POPCNT -> new BitOps.Popcnt(insn, offset);
      case AAA, AAS, DAA, DAS -> new FlagOps.AdjustDecimal(insn.form.mnemonic());
      case AAD, AAM -> new FlagOps.AdjustBase(insn);
      case RDRAND, RDSEED -> new FlagOps.Random(insn);
      default -> null;
    };
  }

  private static Op alu(int operation, Insn insn, int offset) {
    boolean compare = operation == Alu.CMP || operation == Alu.TEST;
    boolean whole = insn.operandSize >= 4;
    if (!insn.hasModrm) {
      return whole
          ? registerImmediate(operation, insn, Cpu.RAX)
          : new AluMemory.Accumulator(operation, insn);
    }
    String source = insn.form.operands()[1];
    if (source.charAt(0) == 'I') {
      if (whole && !insn.memory) {
        return registerImmediate(operation, insn, insn.rm);
      }
      if (operation == Alu.CMP && insn.operandSize == 1 && insn.memory) {
        return new AluMemory.CompareByteImm(insn, offset);
      }
      return compare
          ? new AluMemory.CompareImm(operation, insn, offset)
          : new AluMemory.ModifyImm(operation, insn, offset);
    }
    boolean toRegister = source.charAt(0) == 'E';
    if (whole && !insn.memory) {
      int dst = toRegister ? insn.reg : insn.rm;
      int src = toRegister ? insn.rm : insn.reg;
      return insn.operandSize == 8
          ? Alu64.registers(operation, dst, src)
          : Alu32.registers(operation, dst, src);
    }
    if (whole && (toRegister || operation == Alu.TEST)) {
      return insn.operandSize == 8
          ? Alu64.load(operation, insn, offset)
          : Alu32.load(operation, insn, offset);
    }
    if (whole && operation == Alu.CMP) {
      return new AluMemory.CompareMemory(insn, offset);
    }
    if (operation == Alu.TEST && insn.operandSize == 1 && !insn.memory && insn.rm == insn.reg) {
      return new AluMemory.TestByteSelf(Registers.code(insn, insn.rm, 1));
    }
    if (compare) {
      return new AluMemory.CompareReg(operation, toRegister, insn, offset);
    }
    return toRegister
        ? new AluMemory.RegFrom(operation, insn, offset)
        : new AluMemory.ModifyReg(operation, insn, offset);
  }

  private static Op registerImmediate(int operation, Insn insn, int register) {
    return insn.operandSize == 8
        ? Alu64.immediate(operation, register, insn.imm)
        : Alu32.immediate(operation, register, insn.imm);
  }

  private static Op shift(int operation, Insn insn, int offset) {
    // D2 and D3 take CL, C0 and C1 an immediate, D0 and D1 shift by one.
    switch (insn.opcode) {
      case 0xD2, 0xD3 -> {
        return ShiftOps.Shift.byCl(insn, offset, operation);
      }
      default -> {}
    }
    int count = insn.opcode >= 0xD0 ? 1 : (int) insn.imm & 0xFF;
    int masked = count & (insn.operandSize == 8 ? 63 : 31);
    if (!insn.memory && insn.operandSize >= 4 && masked != 0) {
      switch (operation) {
        case Shifts.SHL -> {
          return new ShiftOps.Shl(insn.rm, insn.operandSize, masked);
        }
        case Shifts.SHR -> {
          return new ShiftOps.Shr(insn.rm, insn.operandSize, masked);
        }
        case Shifts.SAR -> {
          return new ShiftOps.Sar(insn.rm, insn.operandSize, masked);
        }
        default -> {}
      }
    }
    return ShiftOps.Shift.by(insn, offset, operation, masked);
  }

  private static Op bits(int operation, Insn insn, int offset) {
    boolean immediate = insn.opcode == 0xBA;
    return insn.memory && !immediate
        ? new BitOps.BitString(insn, offset, operation)
        : new BitOps.BitTest(insn, offset, operation, immediate);
  }

  private static Op linkMoves(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case MOV -> mov(insn, offset);
      case MOVZX -> extend(insn, offset, false);
      case MOVSX -> extend(insn, offset, true);
      case MOVSXD -> movsxd(insn, offset);
      case LEA ->
          insn.operandSize == 8 ? new MoveOps.Lea64(insn, offset) : new MoveOps.Lea(insn, offset);
      case XCHG ->
          insn.hasModrm ? new MoveOps.Xchg(insn, offset) : new MoveOps.XchgAccumulator(insn);
      case CMOVCC -> new MoveOps.Cmov(insn, offset);
      case SETCC -> new MoveOps.Setcc(insn, offset);
      case BSWAP -> new MoveOps.Bswap(insn);
      case MOVBE -> new MoveOps.Movbe(insn, offset);
      case CBW -> new MoveOps.Cbw(insn);
      case CWD -> new MoveOps.Cwd(insn);
      case XLAT -> new MoveOps.Xlat(insn);
      case MOVS -> new StringOp.Movs(insn);
      case STOS -> new StringOp.Stos(insn);
      case LODS -> new StringOp.Lods(insn);
      case CMPS -> new StringOp.Cmps(insn);
      case SCAS -> new StringOp.Scas(insn);
      case PUSH -> push(insn, offset);
      case POP -> pop(insn, offset);
      case PUSHA -> new StackOps.PushAll(insn);
      case POPA -> new StackOps.PopAll(insn);
      case ENTER -> new StackOps.Enter(insn);
      case LEAVE -> new StackOps.Leave(insn);
      case LAHF -> new FlagOps.Lahf();
      case SAHF -> new FlagOps.Sahf();
      case SALC -> new FlagOps.Salc();
      case CLC, STC, CMC, CLD, STD -> new FlagOps.SetFlag(insn.form.mnemonic());
      case NOP -> new FlagOps.Nop();
      case PAUSE -> new FlagOps.Pause();
      case BOUND -> new FlagOps.Bound(insn, offset);
      default -> null;
    };
  }

  private static Op mov(Insn insn, int offset) {
    int size = insn.operandSize;
    if (!insn.hasModrm) {
      if (insn.memory) {
        return new MoveOps.MovAccumulator(insn, offset, insn.opcode >= 0xA2);
      }
      return movImmediate(insn, insn.opcodeRegister);
    }
    char source = insn.form.operands()[1].charAt(0);
    if (source == 'I') {
      if (!insn.memory) {
        return movImmediate(insn, insn.rm);
      }
      return size == 1 ? new MoveOps.StoreImm8(insn, offset) : new MoveOps.StoreImm(insn, offset);
    }
    boolean load = source == 'E';
    if (!insn.memory && size >= 4) {
      int dst = load ? insn.reg : insn.rm;
      int src = load ? insn.rm : insn.reg;
      return size == 8 ? new MoveOps.MovRr64(dst, src) : new MoveOps.MovRr32(dst, src);
    }
    if (insn.memory && load) {
      return switch (size) {
        case 8 -> new MoveOps.Load64(insn, offset);
        case 4 -> new MoveOps.Load32(insn, offset);
        default -> new MoveOps.MovFromRm(insn, offset);
      };
    }
    if (insn.memory) {
      return switch (size) {
        case 8 -> new MoveOps.Store64(insn, offset);
        case 4 -> new MoveOps.Store32(insn, offset);
        case 1 -> new MoveOps.Store8(insn, offset);
        default -> new MoveOps.MovToRm(insn, offset);
      };
    }
    return load ? new MoveOps.MovFromRm(insn, offset) : new MoveOps.MovToRm(insn, offset);
  }

  private static Op movImmediate(Insn insn, int register) {
    return switch (insn.operandSize) {
      case 8 -> new MoveOps.MovImm(register, insn.imm);
      case 4 -> new MoveOps.MovImm(register, insn.imm & 0xFFFF_FFFFL);
      default ->
          new MoveOps.MovImmSmall(
              Registers.code(insn, register, insn.operandSize), insn.operandSize, insn.imm);
    };
  }

  private static Op extend(Insn insn, int offset, boolean signed) {
    // 0F B6 and BE read bytes, B7 and BF words.
    int sourceSize = (insn.opcode & 1) == 0 ? 1 : 2;
    if (!signed && insn.operandSize >= 4) {
      if (insn.memory) {
        return sourceSize == 1
            ? new MoveOps.LoadZero8(insn, offset)
            : new MoveOps.LoadZero16(insn, offset);
      }
      if (sourceSize == 1) {
        return new MoveOps.ZeroExtend8(insn.reg, Registers.code(insn, insn.rm, 1));
      }
    }
    return new MoveOps.Extend(insn, offset, sourceSize, signed);
  }

  private static Op movsxd(Insn insn, int offset) {
    if (insn.operandSize == 8) {
      return insn.memory
          ? new MoveOps.LoadSign32(insn, offset)
          : new MoveOps.SignExtend32(insn.reg, insn.rm);
    }
    return new MoveOps.Extend(insn, offset, insn.operandSize, true);
  }

  private static Op push(Insn insn, int offset) {
    if (insn.hasModrm) {
      return new StackOps.PushMemory(insn, offset);
    }
    if (insn.form.operands()[0].charAt(0) == 'I') {
      return new StackOps.PushImm(insn);
    }
    return insn.operandSize == 8
        ? new StackOps.Push64(insn.opcodeRegister)
        : new StackOps.PushRegister(insn.opcodeRegister, insn.operandSize);
  }

  private static Op pop(Insn insn, int offset) {
    if (insn.hasModrm) {
      return new StackOps.PopMemory(insn, offset);
    }
    return insn.operandSize == 8
        ? new StackOps.Pop64(insn.opcodeRegister)
        : new StackOps.PopRegister(insn.opcodeRegister, insn.operandSize);
  }

  private static Op linkControl(Insn insn, CodePage page, int offset) {
    boolean mode64 = insn.codeSize == 8;
    return switch (insn.form.mnemonic()) {
      case JCC -> ConditionalOps.jump(insn, page, offset);
      case JMP ->
          insn.hasModrm
              ? new BranchOps.JmpIndirect(insn, page, offset)
              : new BranchOps.Jmp(insn, page, offset);
      case CALL -> {
        if (insn.hasModrm) {
          yield new BranchOps.CallIndirect(insn, page, offset);
        }
        yield mode64
            ? new BranchOps.Call64(insn, page, offset)
            : new BranchOps.Call(insn, page, offset);
      }
      case RET -> mode64 ? new BranchOps.Ret64(insn, page) : new BranchOps.Ret(insn, page);
      case LOOP, LOOPE, LOOPNE -> new BranchOps.Loop(insn, page, offset);
      case JCXZ -> new BranchOps.Jcxz(insn, page, offset);
      case UNDEFINED -> new FlagOps.Undefined();
      case TOO_LONG -> new FlagOps.TooLong();
      default -> null;
    };
  }
}
