package lodge.cpu.x86.kvm;

import java.util.Set;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.DebugRegisters;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;

/** Where KVM does not do what the manual says. */
final class Deviations {
  private Deviations() {}

  /** The rule that excuses a difference, with its citation, or null. */
  static String known(
      Scenario s,
      Machine.Outcome kvm,
      Machine.Outcome engine,
      KvmComparison.Difference difference) {
    String whole = wrongCourse(s, kvm, engine);
    if (whole != null) {
      return whole;
    }
    long changed = difference.kvm() ^ difference.engine();
    if (difference.name().equals("rflags")
        && changed == Flags.AC
        && (difference.kvm() & Flags.AC) == 0
        && handled(kvm)) {
      return "KVM clears AC at the delivery of an exception; SDM volume 3, 6.12.1.3 and volume 2,"
          + " INT n: only IF, TF, NT, RF and VM, AC in real mode alone";
    }
    if (s.mode.codeSize == 8
        && s.code.startsWith("48")
        && (s.mnemonic.startsWith("MOV m16")
            || s.mnemonic.equals("SLDT m16")
            || s.mnemonic.equals("SMSW m16"))
        && difference.name().startsWith("[810")) {
      return "KVM stores 8 bytes under REX.W; SDM volume 2, MOV, SLDT, SMSW: 16 bits to memory";
    }
    if ((s.start.v[CpuState.DR7] & DebugRegisters.DR7_GD) != 0
        && difference.name().startsWith("[")
        && changed == Flags.RF
        && at(kvm, Vector.DB)) {
      return "KVM pushes RF clear for general detect; SDM volume 3, 18.3.1.1: set for all faults"
          + " but instruction breakpoints";
    }
    return null;
  }

  /** Differences in what happens at all. */
  private static String wrongCourse(Scenario s, Machine.Outcome kvm, Machine.Outcome engine) {
    if (s.mnemonic.matches("MOV .*CR[1567].*|MOV .*DR[45].*")
        && at(kvm, Vector.GP)
        && at(engine, Vector.UD)) {
      return "KVM checks the privilege level before whether there is such a register; SDM volume"
          + " 3, table 6-2: invalid opcodes come before faults of the execution";
    }
    if (s.mnemonic.equals("MOV CR4, r")
        && at(engine, Vector.GP)
        && kvm.state().v[CpuState.CR4] == (s.start.v[Cpu.RAX] & 0xFFFF_FFFFL)) {
      return "KVM takes CR4 bits whose feature its CPUID does not announce; SDM volume 3, 2.5";
    }
    return null;
  }

  private static boolean at(Machine.Outcome outcome, int vector) {
    return outcome.state().v[CpuState.RIP] == BoardImage.HANDLERS + 16 * vector + 1;
  }

  /**
   * Whether KVM gave up on an instruction. In user mode it says so with #UD. And there are KVMs
   * without hardware support that run 64-bit user code directly, on the host's descriptor tables
   * and flags.
   */
  static boolean notExecuted(Scenario s, Machine.Outcome kvm, Machine.Outcome engine) {
    long undefined = BoardImage.HANDLERS + 16 * Vector.UD + 1;
    if (s.mode.cpl == 3
        && kvm.state().v[CpuState.RIP] == undefined
        && engine.state().v[CpuState.RIP] != undefined) {
      return true;
    }
    return s.mode == Mode.LONG_USER && DIRECT.contains(s.mnemonic);
  }

  private static final Set<String> DIRECT =
      Set.of(
          "LAR",
          "LSL",
          "VERR",
          "VERW",
          "MOV ES, r16",
          "MOV SS, r16",
          "MOV DS, r16",
          "MOV FS, r16",
          "MOV GS, r16",
          "POP FS",
          "POP GS",
          "LSS",
          "LFS",
          "LGS",
          "IRET",
          "RET far",
          "RET far imm16",
          "JMP m far",
          "CALL m far",
          "POPF");

  private static boolean handled(Machine.Outcome kvm) {
    long at = kvm.state().v[CpuState.RIP] - BoardImage.HANDLERS;
    return at > 0 && at < 0x1000;
  }
}
