package lodge.cpu.x86.decode;

import java.util.Set;

/**
 * Where objdump (binutils 2.40) is known to differ from the manual, or knows what this processor
 * does not have. What is said here of 64-bit mode was tried on a Xeon.
 */
final class ObjdumpLimits {
  /** Instructions of features that are not in the opcode table. */
  private static final Set<String> NOT_MODELLED =
      Set.of(
          """
          aadd aand aor axor aesdec128kl aesdec256kl aesdecwide128kl aesdecwide256kl
          aesenc128kl aesenc256kl aesencwide128kl aesencwide256kl clgi clrssbsy clui
          clzero encls enclu enclv encodekey128 encodekey256 enqcmd enqcmds extrq femms
          frstpm(287 getsec gf2p8affineinvqb gf2p8affineqb gf2p8mulb incsspd incsspq
          insertq invept invlpga invlpgb invvpid ldtilecfg loadiwkey mcommit monitorx
          movdir64b movdiri movntsd movntss mwaitx pavgusb pconfig psmash pswapd ptwrite
          pvalidate rdmsrlist rdpru rmpadjust rmpquery rmpupdate rsm rstorssp
          saveprevssp seamcall seamops seamret senduipi setssbsy skinit stgi sttilecfg
          stui tdcall testui tileloadd tileloaddt1 tilerelease tilestored tilezero
          tlbsync tpause uiret umonitor umwait vmclear vmfunc vmgexit vmlaunch
          vmload vmmcall vmptrld vmptrst vmread vmresume vmrun vmsave vmwrite vmxoff
          vmxon wrmsrlist wrmsrns wrssd wrssq wrussd wrussq xabort xbegin xbegind
          xbeginw xend xresldtrk xsusldtrk xtest hreset pf2id pf2iw pfacc pfadd pfcmpeq
          pfcmpge pfcmpgt pfmax pfmin pfmul pfnacc pfpnacc pfrcp pfrcpit1 pfrcpit2
          pfrsqit1 pfrsqrt pfsub pfsubr pi2fd pi2fw pmulhrw vfmaddpd vfmaddps vfmaddsd
          vfmaddss vfmaddsubpd vfmaddsubps vfmsubaddpd vfmsubaddps vfmsubpd vfmsubps
          vfmsubsd vfmsubss vfnmaddpd vfnmaddps vfnmaddsd vfnmaddss vfnmsubpd vfnmsubps
          vfnmsubsd vfnmsubss vpermil2pd vpermil2ps
          """
              .split("\\s+"));

  /**
   * CMPccXADD, AMX, mask registers, VNNI and its kin, GFNI, VIA PadLock; "{vex}" marks what has an
   * EVEX form too.
   */
  private static final String[] NOT_MODELLED_FAMILIES = {
    "tdp", "k", "vpdp", "vbcstn", "vcvtne", "vgf2", "{vex}", "xcrypt", "xsha", "xstore", "montmul"
  };

  /** Prefix column NP in the manual, but objdump takes 66, F2 and F3 too. */
  private static final Set<String> NO_PREFIX =
      Set.of(
          "clac",
          "stac",
          "monitor",
          "mwait",
          "xgetbv",
          "xsetbv",
          "fxsave",
          "fxsave64",
          "fxrstor",
          "fxrstor64",
          "ldmxcsr",
          "stmxcsr",
          "sfence",
          "lfence",
          "mfence",
          "xsavec",
          "xsavec64",
          "xsaves",
          "xsaves64",
          "xrstors",
          "xrstors64",
          "pmovmskb",
          "serialize",
          "rdpkru",
          "wrpkru");

  /**
   * 64-bit mode only; SYSCALL and SYSRET on Intel (SDM volume 2, their tables), RDFSBASE and its
   * kin, SWAPGS.
   */
  private static final Set<String> ONLY_64 =
      Set.of("syscall", "sysret", "swapgs", "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase");

  private ObjdumpLimits() {}

  static boolean notModelled(String mnemonic) {
    if (NOT_MODELLED.contains(mnemonic)
        || mnemonic.startsWith("cmp") && mnemonic.endsWith("xadd")) {
      return true;
    }
    for (String family : NOT_MODELLED_FAMILIES) {
      if (mnemonic.startsWith(family)) {
        return true;
      }
    }
    return false;
  }

  /** Whether an encoding that objdump takes is #UD by the manual. */
  static boolean tooLenient(Insn insn, byte[] code, Objdump.Line line) {
    String name = line.mnemonic();
    boolean prefix = insn.repeat != Insn.NONE || insn.operandSizePrefix;
    if (prefix && NO_PREFIX.contains(name) || insn.codeSize != 8 && ONLY_64.contains(name)) {
      return true;
    }
    return switch (name) {
      // VEX.pp has to be 0 (SDM volume 2, VZEROALL, VZEROUPPER).
      case "vzeroall", "vzeroupper" -> (code[code[0] == (byte) 0xC4 ? 2 : 1] & 3) != 0;
      // Segment registers 6 and 7, loading CS (MOV), control and debug registers that there are
      // not, test registers of the 386.
      case "mov" ->
          line.operands().startsWith("cs,")
              || line.operands().contains("?")
              || line.operands()
                  .matches(".*\\bcr([15679]|1\\d)\\b.*|.*\\bdr([89]|1\\d)\\b.*|.*\\btr\\d.*");
      // 66, F2, F3, LOCK or REX before VEX (SDM volume 2, 2.3.2, 2.3.3).
      default ->
          name.startsWith("v")
              && (prefix || insn.lock || insn.codeSize == 8 && (code[0] & 0xF0) == 0x40);
    };
  }

  /** Whether objdump calls bad what the manual or the processor accepts. */
  static boolean tooStrict(Insn insn) {
    return switch (insn.form.mnemonic()) {
      // F2 does not select another instruction here: it is ignored.
      case BSF, BSR -> insn.repeat == Insn.REPNE;
      // 66 and F2 are ignored.
      case WBINVD -> insn.operandSizePrefix || insn.repeat == Insn.REPNE;
      // ModRM.rm is not looked at (SDM volume 2, MFENCE, SFENCE).
      case LFENCE, MFENCE, SFENCE -> true;
      // Aliases that the manual does not list.
      case FCOM, FCOMP, FXCH, FSTP -> insn.mod == 3;
      case SALC -> true;
      // Reserved hints: objdump has MPX and 3DNow! there.
      case NOP ->
          insn.hasModrm && (insn.opcode == 0x0D || insn.opcode == 0x1A || insn.opcode == 0x1B);
      // objdump joins WAIT with an x87 instruction that follows.
      case FWAIT -> true;
      default -> false;
    };
  }

  /**
   * Whether there is a REX prefix that another prefix follows. It is void (SDM volume 2, 2.2.1),
   * but objdump shows it on a line of its own together with the prefixes before it, which it then
   * forgets.
   */
  static boolean voidRex(Insn insn, byte[] code) {
    if (insn.codeSize == 8) {
      for (int i = 0; i < insn.length - 1; i++) {
        int b = code[i] & 0xFF;
        if ((b & 0xF0) == 0x40 && prefix(code[i + 1] & 0xFF)) {
          return true;
        }
        if (!prefix(b)) {
          return false;
        }
      }
    }
    return false;
  }

  private static boolean prefix(int b) {
    return switch (b) {
      case 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3 -> true;
      default -> (b & 0xF0) == 0x40;
    };
  }
}
