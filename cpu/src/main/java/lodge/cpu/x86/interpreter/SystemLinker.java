package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Interrupts.Source;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;

/** From decoded system instructions, far transfers, segment and port instructions to ops. */
final class SystemLinker {
  private SystemLinker() {}

  /** The op, or null when the instruction is of another family. */
  static Op link(Insn insn, int offset) {
    Op op = linkSegments(insn, offset);
    if (op == null) {
      op = linkTransfers(insn, offset);
    }
    if (op == null) {
      op = linkControl(insn, offset);
    }
    return op != null ? op : linkProcessor(insn, offset);
  }

  private static Op linkSegments(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case MOV_SREG ->
          insn.form.operands()[0].equals("Sw")
              ? new SegmentOps.MovToSegment(insn, offset)
              : new SegmentOps.MovFromSegment(insn, offset);
      case PUSH_SREG -> new SegmentOps.PushSegment(insn, segment(insn));
      case POP_SREG -> new SegmentOps.PopSegment(insn, segment(insn));
      case LES -> new SegmentOps.LoadFarPointer(insn, offset, Cpu.ES);
      case LDS -> new SegmentOps.LoadFarPointer(insn, offset, Cpu.DS);
      case LSS -> new SegmentOps.LoadFarPointer(insn, offset, Cpu.SS);
      case LFS -> new SegmentOps.LoadFarPointer(insn, offset, Cpu.FS);
      case LGS -> new SegmentOps.LoadFarPointer(insn, offset, Cpu.GS);
      case ARPL -> new SegmentOps.Arpl(insn, offset);
      case LAR -> new SegmentOps.Query(insn, offset, true);
      case LSL -> new SegmentOps.Query(insn, offset, false);
      case VERR -> new SegmentOps.Verify(insn, offset, false);
      case VERW -> new SegmentOps.Verify(insn, offset, true);
      case SGDT -> new TableOps.StoreTable(insn, offset, false);
      case SIDT -> new TableOps.StoreTable(insn, offset, true);
      case LGDT -> new TableOps.LoadTable(insn, offset, false);
      case LIDT -> new TableOps.LoadTable(insn, offset, true);
      case SLDT -> new TableOps.StoreSelector(insn, offset, Cpu.LDTR);
      case STR -> new TableOps.StoreSelector(insn, offset, Cpu.TR);
      case LLDT -> new TableOps.LoadSelector(insn, offset, Cpu.LDTR);
      case LTR -> new TableOps.LoadSelector(insn, offset, Cpu.TR);
      case SMSW -> new TableOps.Smsw(insn, offset);
      case LMSW -> new TableOps.Lmsw(insn, offset);
      default -> null;
    };
  }

  private static int segment(Insn insn) {
    return switch (insn.form.operands()[0]) {
      case "ES" -> Cpu.ES;
      case "CS" -> Cpu.CS;
      case "SS" -> Cpu.SS;
      case "DS" -> Cpu.DS;
      case "FS" -> Cpu.FS;
      default -> Cpu.GS;
    };
  }

  private static Op linkTransfers(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case IRET -> new TransferOps.Iret(insn);
      case JMP_FAR ->
          insn.memory
              ? new TransferOps.FarIndirect(insn, offset, false)
              : new TransferOps.FarDirect(insn, false);
      case CALL_FAR ->
          insn.memory
              ? new TransferOps.FarIndirect(insn, offset, true)
              : new TransferOps.FarDirect(insn, true);
      case RET_FAR -> new TransferOps.RetFar(insn);
      case INT -> new TransferOps.Int((int) insn.imm & 0xFF, Source.SOFTWARE);
      case INT3 -> new TransferOps.Int(Vector.BP, Source.SOFTWARE_EXCEPTION);
      case INTO -> new TransferOps.Into();
      case INT1 -> new TransferOps.Int(Vector.DB, Source.PRIVILEGED);
      case SYSCALL -> new TransferOps.Syscall();
      case SYSRET -> new TransferOps.Sysret(insn.operandSize == 8);
      case SYSENTER -> new TransferOps.Sysenter();
      case SYSEXIT -> new TransferOps.Sysexit(insn.operandSize == 8);
      case UD0, UD1, UD2 -> new FlagOps.Undefined();
      default -> null;
    };
  }

  private static Op linkControl(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case CLI -> new InterruptFlagOps.Cli();
      case STI -> new InterruptFlagOps.Sti();
      case PUSHF ->
          insn.operandSize == 8
              ? new InterruptFlagOps.Pushf64()
              : new InterruptFlagOps.Pushf(insn.operandSize);
      case POPF ->
          insn.operandSize == 8
              ? new InterruptFlagOps.Popf64()
              : new InterruptFlagOps.Popf(insn.operandSize);
      case CLAC -> new InterruptFlagOps.AlignmentFlag(false);
      case STAC -> new InterruptFlagOps.AlignmentFlag(true);
      case HLT -> new ControlOps.Hlt();
      case MOV_CR ->
          insn.opcode == 0x20 ? new ControlOps.ReadCr(insn) : new ControlOps.WriteCr(insn);
      case MOV_DR ->
          insn.opcode == 0x21 ? new ControlOps.ReadDr(insn) : new ControlOps.WriteDr(insn);
      case CLTS -> new ControlOps.Clts();
      case INVLPG -> new ControlOps.Invlpg(insn, offset);
      case INVPCID -> new ControlOps.Invpcid(insn, offset);
      case XGETBV -> new ControlOps.Xgetbv();
      case XSETBV -> new ControlOps.Xsetbv();
      case WBINVD, INVD -> new ControlOps.InvalidateCaches();
      case IN -> new PortOps.In(insn);
      case OUT -> new PortOps.Out(insn);
      case INS -> new PortOps.Ins(insn);
      case OUTS -> new PortOps.Outs(insn);
      default -> null;
    };
  }

  private static Op linkProcessor(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case SWAPGS -> new ProcessorOps.Swapgs();
      case RDMSR -> new ProcessorOps.Rdmsr();
      case WRMSR -> new ProcessorOps.Wrmsr();
      case CPUID -> new ProcessorOps.CpuidOp();
      case RDTSC -> new ProcessorOps.Rdtsc(false);
      case RDTSCP -> new ProcessorOps.Rdtsc(true);
      case RDPMC -> new ProcessorOps.Rdpmc();
      case RDPID -> new ProcessorOps.Rdpid(insn);
      case RDFSBASE -> new ProcessorOps.ReadBase(insn, Cpu.FS);
      case RDGSBASE -> new ProcessorOps.ReadBase(insn, Cpu.GS);
      case WRFSBASE -> new ProcessorOps.WriteBase(insn, Cpu.FS);
      case WRGSBASE -> new ProcessorOps.WriteBase(insn, Cpu.GS);
      case RDPKRU -> new ProcessorOps.Rdpkru();
      case WRPKRU -> new ProcessorOps.Wrpkru();
      case MONITOR -> new ProcessorOps.Monitor(insn);
      case MWAIT -> new ProcessorOps.Mwait();
      case CLFLUSH, CLFLUSHOPT, CLWB -> new ProcessorOps.FlushLine(insn, offset);
      case VMCALL, VMMCALL -> new ProcessorOps.Vmcall();
      case SERIALIZE -> new ProcessorOps.Serialize();
      case LFENCE -> new ProcessorOps.Lfence();
      case SFENCE -> new ProcessorOps.Sfence();
      case MFENCE -> new ProcessorOps.Mfence();
      case PREFETCHNTA, PREFETCHT0, PREFETCHT1, PREFETCHT2, PREFETCHW -> new FlagOps.Nop();
      default -> null;
    };
  }
}
