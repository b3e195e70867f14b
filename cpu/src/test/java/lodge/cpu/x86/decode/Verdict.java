package lodge.cpu.x86.decode;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Whether objdump and the decoder mean the same, given what is known of objdump. */
final class Verdict {
  /** What objdump calls otherwise. */
  private static final Map<String, String> SYNONYMS =
      Map.ofEntries(
          Map.entry("movabs", "mov"),
          Map.entry("cwde", "cbw"),
          Map.entry("cdqe", "cbw"),
          Map.entry("cdq", "cwd"),
          Map.entry("cqo", "cwd"),
          Map.entry("jecxz", "jcxz"),
          Map.entry("jrcxz", "jcxz"),
          Map.entry("endbr32", "nop"),
          Map.entry("endbr64", "nop"),
          Map.entry("rdsspd", "nop"),
          Map.entry("rdsspq", "nop"),
          Map.entry("cldemote", "nop"),
          Map.entry("prefetch", "nop"),
          Map.entry("prefetchwt1", "nop"),
          Map.entry("prefetchit0", "nop"),
          Map.entry("prefetchit1", "nop"),
          Map.entry("wbnoinvd", "wbinvd"),
          Map.entry("bndcl", "nop"),
          Map.entry("bndcn", "nop"),
          Map.entry("bndcu", "nop"),
          Map.entry("bndldx", "nop"),
          Map.entry("bndmk", "nop"),
          Map.entry("bndmov", "nop"),
          Map.entry("bndstx", "nop"),
          Map.entry("fneni(8087", "nop"),
          Map.entry("fndisi(8087", "nop"),
          Map.entry("fnsetpm(287", "nop"));

  /** Where a size may be part of objdump's name. */
  private static final Set<String> SIZED =
      Set.of(
          "enter",
          "leave",
          "push",
          "pop",
          "pushf",
          "popf",
          "pusha",
          "popa",
          "ret",
          "retf",
          "iret",
          "call",
          "jmp",
          "fldenv",
          "fnstenv",
          "fnsave",
          "frstor",
          "sysret",
          "sysexit",
          "fxsave",
          "fxrstor",
          "xsave",
          "xsavec",
          "xsaves",
          "xsaveopt",
          "xrstor",
          "xrstors",
          "pcmpestri",
          "pcmpestrm",
          "vpcmpestri",
          "vpcmpestrm",
          "sgdt",
          "sidt",
          "lgdt",
          "lidt",
          "loop",
          "loope",
          "loopne",
          "jcxz");

  private static final Set<String> SIZES = Set.of("w", "d", "q", "64");

  /**
   * LOCK is valid with these and a memory destination (SDM volume 2, LOCK); objdump takes it with
   * all.
   */
  private static final Set<String> LOCKABLE =
      Set.of(
          "add",
          "adc",
          "and",
          "btc",
          "btr",
          "bts",
          "cmpxchg",
          "cmpxchg8b",
          "cmpxchg16b",
          "dec",
          "inc",
          "neg",
          "not",
          "or",
          "sbb",
          "sub",
          "xor",
          "xadd",
          "xchg");

  private Verdict() {}

  /**
   * @param address what objdump took for that of the instruction
   * @return null if they agree, otherwise how they differ
   */
  static String compare(Insn insn, byte[] code, long address, Objdump.Line line) {
    if (line == null) {
      return "out of step: " + insn.form.mnemonic();
    }
    boolean undefined = insn.form == Form.UNDEFINED || insn.form == Form.TOO_LONG;
    String theirs = line.mnemonic();
    boolean bad = line.mnemonic().equals("(bad)") || line.operands().contains("(bad)");
    if (undefined
        && (bad
            || insn.lock && !lockable(line)
            || ObjdumpLimits.notModelled(theirs)
            || ObjdumpLimits.tooLenient(insn, code, line))) {
      return null;
    }
    if (undefined) {
      return "undefined, but " + theirs;
    }
    if (ObjdumpLimits.tooStrict(insn)) {
      return null;
    }
    if (bad) {
      return insn.form.mnemonic() + ", but (bad)";
    }
    if (!same(ours(insn.form.mnemonic()), theirs, line.operands())) {
      return insn.form.mnemonic() + ", but " + theirs;
    }
    if (ObjdumpLimits.voidRex(insn, code)) {
      return null;
    }
    if (insn.length != line.length()) {
      return insn.form.mnemonic() + " has length " + insn.length + ", but " + line.length();
    }
    return OperandVerdict.compare(insn, address, line);
  }

  private static boolean lockable(Objdump.Line line) {
    String destination = line.operands().split(",")[0];
    return LOCKABLE.contains(line.mnemonic())
        && (destination.contains("[") || destination.contains("ds:"));
  }

  private static String ours(Mnemonic mnemonic) {
    String name = mnemonic.name().toLowerCase(Locale.ROOT);
    int bar = name.indexOf('_');
    return name.equals("ret_far") ? "retf" : bar < 0 ? name : name.substring(0, bar);
  }

  private static boolean same(String ours, String theirs, String operands) {
    if (theirs.equals(ours) || ours.equals(SYNONYMS.get(theirs))) {
      return true;
    }
    if (SIZED.contains(ours)
        && theirs.startsWith(ours)
        && SIZES.contains(theirs.substring(ours.length()))) {
      return true;
    }
    return switch (ours) {
      case "setcc" -> theirs.startsWith("set");
      case "cmovcc" -> theirs.startsWith("cmov");
      case "jcc" -> theirs.startsWith("j") && !theirs.startsWith("jmp") && !theirs.endsWith("cxz");
      case "nop" ->
          theirs.equals("xchg") && operands.matches("(.ax|ax),\\1") || theirs.equals("prefetchw");
      // The predicate is an immediate; objdump has names for them.
      case "cmpps", "cmppd", "cmpss", "cmpsd", "vcmpps", "vcmppd", "vcmpss", "vcmpsd" ->
          theirs.startsWith(ours.substring(0, ours.length() - 2))
              && theirs.endsWith(ours.substring(ours.length() - 2));
      case "pclmulqdq", "vpclmulqdq" ->
          theirs.startsWith(ours.substring(0, ours.length() - 3))
              || theirs.startsWith(ours.replace("qdq", ""));
      default -> false;
    };
  }
}
