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
    if (s.mnemonic.startsWith("MOV DR")
        && (difference.name().equals("dr6") && changed == 1 << 16
            || difference.name().equals("dr7") && changed == 1 << 11)) {
      return "KVM has the RTM bits of DR6 and DR7 where CPUID does not announce RTM; SDM volume 3,"
          + " 18.2.3 and 18.2.4";
    }
    if (s.mnemonic.equals("WRMSR")
        && difference.name().matches("msr(17[56]|277|c0000084)")
        && !at(engine, Vector.GP)) {
      return "KVM takes values that are reserved or not canonical, and the engine on KVM leaves"
          + " Lodge's registers as they were; SDM volume 2, WRMSR: #GP(0)";
    }
    if (s.mnemonic.equals("WRMSR") && difference.name().equals("msr174") && (int) changed == 0) {
      return "KVM keeps bits 63:32 of IA32_SYSENTER_CS; SDM volume 4, table 2-2: reserved";
    }
    if (s.mnemonic.matches("(ADD|XCHG) m, r")
        && changed == 0x20
        && (difference.engine() & 0x20) == 0
        && at(engine, Vector.PF)
        && isEntry(s, difference.name())) {
      return "KVM reads before it knows that it may write; SDM volume 3, 4.8, says not which of the"
          + " two accesses of an instruction sets the flag";
    }
    if (changed == 0x20
        && (difference.kvm() & 0x20) == 0
        && at(engine, Vector.PF)
        && isEntry(s, difference.name())) {
      return "KVM sets no accessed flag when the walk ends in a fault; SDM volume 3, 4.8: whenever"
          + " an entry is used, present ones above the fault's cause included";
    }
    if (difference.name().startsWith("[")
        && at(kvm, Vector.GP)
        && at(engine, Vector.GP)
        && (s.mnemonic.startsWith("LTR") && difference.kvm() == 0 || s.mnemonic.equals("IRET"))) {
      return "KVM gives #GP(0) for LTR of an LDT selector and another one for IRET's CS; SDM volume"
          + " 2, LTR and IRET: #GP(selector)";
    }
    if (s.mnemonic.startsWith("CALL")
        && at(kvm, Vector.GP)
        && at(engine, Vector.GP)
        && difference.kvm() == 0xF4F4_F4F4L) {
      return "KVM checks the target before it pushes; silicon, compared in user mode, pushes first,"
          + " below RSP, and SDM volume 2, CALL, gives no order for what is left there";
    }
    if (s.mnemonic.matches("(CALL|JMP|RET).*")
        && difference.name().startsWith("[")
        && changed == 0x100
        && at(kvm, Vector.GP)
        && at(engine, Vector.GP)) {
      return "KVM marks a code segment accessed before it checks the offset; SDM volume 3, 3.4.5.1:"
          + " when the segment register is loaded";
    }
    boolean inner = s.mnemonic.equals("IRET") && s.mode == Mode.LONG;
    if (inner && difference.name().matches("([defg]s.*|rflags)") && kvm.end() == engine.end()) {
      return "KVM leaves inner data segments loaded at IRET to an outer level, and reserved flags;"
          + " SDM volume 2, IRET: they become null; volume 1, 3.4.3";
    }
    boolean toLong =
        s.mode == Mode.COMPATIBILITY_USER && s.mnemonic.matches("(RET|JMP|CALL|IRET).*");
    if (toLong && (changed & ~(Flags.AC | Flags.NT | Flags.IOPL)) == 0) {
      return "KVM that runs 64-bit user code directly keeps IOPL and NT to itself; SDM volume 1,"
          + " 3.4.3: they do not change";
    }
    return null;
  }

  /**
   * What KVM must not be asked: it takes the vector of INT in real mode for a signed number, and
   * what it finds below the table may spin for ever.
   */
  static boolean spins(Scenario s) {
    return s.mode == Mode.REAL
        && s.mnemonic.equals("INT")
        && Integer.parseInt(s.code.substring(s.code.length() - 2), 16) >= 0x80;
  }

  /** Whether a difference is in an entry of the probed page's translation. */
  private static boolean isEntry(Scenario s, String name) {
    for (int level = 0; level < 4; level++) {
      int entry = BoardImage.probeEntry(s.mode.paging, level);
      if (entry != 0 && name.equals("[" + Scenario.hex(entry) + "]")) {
        return true;
      }
    }
    return false;
  }

  /** Differences in what happens at all. */
  private static String wrongCourse(Scenario s, Machine.Outcome kvm, Machine.Outcome engine) {
    if (s.mnemonic.matches("MOV .*CR[1567].*|MOV .*DR[45].*")
        && at(kvm, Vector.GP)
        && at(engine, Vector.UD)) {
      return "KVM checks the privilege level before whether there is such a register; SDM volume"
          + " 3, table 6-2: invalid opcodes come before faults of the execution";
    }
    if (s.mnemonic.equals("WRMSR")
        && s.start.v[Cpu.RCX] == 0x277
        && at(engine, Vector.GP)
        && !at(kvm, Vector.GP)) {
      return "KVM takes reserved memory types into IA32_PAT; SDM volume 3, 12.12.2: #GP";
    }
    if (s.mode == Mode.REAL && s.mnemonic.startsWith("INT") && s.code.startsWith("66")) {
      return "KVM pushes 32-bit frames for INT with an operand-size prefix in real mode; SDM volume"
          + " 2, INT n, real-address-mode: FLAGS, CS and IP of 16 bits";
    }
    if (s.mnemonic.equals("IRET") && at(kvm, Vector.SS) && at(engine, Vector.GP)) {
      return "KVM looks at the presence of IRET's SS before its RPL and DPL; SDM volume 2, IRET:"
          + " #GP(selector) comes first";
    }
    if (s.mnemonic.matches("WRMSR|LGDT|LIDT") && at(engine, Vector.GP) && !at(kvm, Vector.GP)) {
      CpuState after = kvm.state();
      long value =
          switch (s.mnemonic) {
            case "WRMSR" -> s.start.v[Cpu.RDX] << 32 | s.start.v[Cpu.RAX] & 0xFFFF_FFFFL;
            case "LGDT" -> after.v[CpuState.GDT_BASE];
            default -> after.v[CpuState.IDT_BASE];
          };
      if (value << 7 >> 7 == value && value << 16 >> 16 != value) {
        return "KVM asks for 57-bit canonical addresses where the host has LA57 and CPUID does not"
            + " announce it; SDM volume 1, 3.3.7.1";
      }
    }
    if (s.mnemonic.equals("WRMSR")
        && (s.start.v[Cpu.RCX] == 0x175 || s.start.v[Cpu.RCX] == 0x176)
        && at(engine, Vector.GP)
        && !at(kvm, Vector.GP)) {
      return "KVM takes non-canonical addresses into IA32_SYSENTER_ESP and _EIP; SDM volume 2,"
          + " WRMSR: #GP(0)";
    }
    if (s.mnemonic.matches("MOV (CR0|DR[45]), r")
        && s.start.v[Cpu.RAX] >>> 32 != 0
        && at(engine, Vector.GP)
        && !at(kvm, Vector.GP)) {
      return "KVM ignores bits 63:32 of what goes into CR0, and into DR6 and DR7 by their other"
          + " names; SDM volume 2, MOV to control and to debug registers: #GP(0)";
    }
    if (s.mnemonic.equals("IRET") && at(kvm, Vector.NP) && at(engine, Vector.GP)) {
      return "KVM looks at the presence of IRET's CS before its type; SDM volume 2, IRET:"
          + " #GP(selector) comes first";
    }
    if (s.mnemonic.equals("CALL m far")
        && s.mode == Mode.LONG
        && at(kvm, Vector.GP)
        && (engine.state().v[CpuState.segment(Cpu.CS, CpuState.ACCESS)] & 0x2000) == 0) {
      return "KVM refuses 64-bit offsets into compatibility mode; SDM volume 2, CALL: they are cut"
          + " to 32 bits";
    }
    if (s.mnemonic.matches("L(TR|LDT).*") && at(engine, Vector.GP) && !at(kvm, Vector.GP)) {
      return "KVM takes 16-bit TSSs, and upper halves with a type in long mode, and in LLDT"
          + " selectors of the LDT; SDM volume 2, LTR and LLDT, volume 3, 3.5, 7.2.3";
    }
    if (s.mnemonic.equals("SYSRET")) {
      return "KVM takes SYSRET outside 64-bit mode, changes the level before it checks RCX and"
          + " keeps all of R11 in RFLAGS; SDM volume 2, SYSRET: #UD, #GP(0) at CPL 0, R11 &"
          + " 3C7FD7H";
    }
    if (s.mnemonic.equals("WRMSR")
        && (s.start.v[Cpu.RCX] & 0xFFFF_FFFFL) == 0xC000_0084L
        && s.start.v[Cpu.RDX] << 32 != 0
        && at(engine, Vector.GP)) {
      return "KVM takes bits 63:32 of IA32_FMASK; SDM volume 4, table 2-2: reserved, volume 2,"
          + " WRMSR: #GP(0)";
    }
    if ((s.start.v[CpuState.DR7] & DebugRegisters.DR7_GD) != 0
        && s.mnemonic.startsWith("MOV DR")
        && s.start.v[Cpu.RAX] >>> 32 != 0
        && at(kvm, Vector.GP)
        && at(engine, Vector.DB)) {
      return "KVM checks what goes into DR6 and DR7 before GD; SDM volume 3, 18.2.4: the debug"
          + " exception comes prior to any MOV";
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
    if (at(engine, Vector.DB)
        && (engine.state().v[CpuState.DR6] & DebugRegisters.DR6_BS) != 0
        && (kvm.state().v[CpuState.RFLAGS] & Flags.TF) != 0) {
      // A trap after HLT, which is KVM's end.
      return true;
    }
    if (s.mnemonic.equals("INT") && !s.mode.real()) {
      // Where it is not an internal error it is #GP(0), whatever the gate.
      return true;
    }
    boolean legacy = !s.mode.real() && s.mode.codeSize != 8;
    if (s.mnemonic.equals("IRET") && legacy && at(kvm, Vector.GP)) {
      return true;
    }
    boolean pages = (s.start.v[Cpu.RAX] & 1L << 31) != 0 && !s.mode.longMode();
    if (s.mnemonic.equals("MOV CR0, r") && pages && at(kvm, Vector.GP)) {
      // Paging with 32-bit entries or PAE is not to be had.
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
          "POPF",
          "PUSHF",
          "SYSCALL",
          "SYSRET",
          "MOV r, FS",
          "MOV r, GS",
          "MOV m16, FS",
          "MOV m16, GS",
          "PUSH FS",
          "PUSH GS",
          "MOV r, DS",
          "MOV r, ES",
          "MOV m16, DS",
          "MOV m16, ES",
          "MOV r, SS",
          "MOV m16, SS");

  private static boolean handled(Machine.Outcome kvm) {
    long at = kvm.state().v[CpuState.RIP] - BoardImage.HANDLERS;
    return at > 0 && at < 0x1000;
  }
}
