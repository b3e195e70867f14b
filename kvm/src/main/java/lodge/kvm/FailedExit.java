package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.InsnText;

/** An exit that ends all, as the run area had it: the next KVM_RUN writes over that. */
final class FailedExit {
  private static final long EXIT_REASON = Structs.RUN.offset("exit_reason");
  private static final long ENTRY_FAILURE =
      Structs.RUN.offset("fail_entry.hardware_entry_failure_reason");
  private static final long SUBERROR = Structs.RUN.offset("internal.suberror");
  private static final long DATA = Structs.RUN.offset("emulation_failure.ndata");
  private static final long FLAGS = Structs.RUN.offset("emulation_failure.flags");
  private static final long LENGTH = Structs.RUN.offset("emulation_failure.insn_size");
  private static final long BYTES = Structs.RUN.offset("emulation_failure.insn_bytes");
  private static final long END = Structs.RUN.offset("kvm_valid_regs");

  private static final int EMULATION = 1;
  private static final int HAS_BYTES = 1;
  private static final int MAX_BYTES = 15;

  private final MemorySegment run = Arena.ofAuto().allocate(END, 8);

  FailedExit(MemorySegment run) {
    this.run.copyFrom(run.asSlice(0, END));
  }

  /**
   * An instruction that KVM would have to emulate is not known to it: the guest stands before it.
   */
  boolean isEmulation() {
    return ExitReason.of(run.get(JAVA_INT, EXIT_REASON)) == ExitReason.INTERNAL_ERROR
        && run.get(JAVA_INT, SUBERROR) == EMULATION;
  }

  /** Why KVM does not go on, in words; with the processor's state, which has been saved. */
  String text(Cpu cpu) {
    int number = run.get(JAVA_INT, EXIT_REASON);
    return switch (ExitReason.of(number)) {
      case FAIL_ENTRY ->
          "the processor refuses the guest's state, reason 0x"
              + Long.toHexString(run.get(JAVA_LONG, ENTRY_FAILURE));
      case INTERNAL_ERROR ->
          isEmulation()
              ? "its instruction emulator does not know the instruction" + instruction(cpu)
              : "internal error " + run.get(JAVA_INT, SUBERROR);
      default -> "exit " + number + " is for nobody here";
    };
  }

  /** The bytes that KVM has fetched, if it says so. */
  private String instruction(Cpu cpu) {
    boolean told = run.get(JAVA_INT, DATA) > 0 && (run.get(JAVA_LONG, FLAGS) & HAS_BYTES) != 0;
    if (!told) {
      return "";
    }
    int length = Math.clamp(run.get(JAVA_BYTE, LENGTH), 0, MAX_BYTES);
    byte[] bytes = run.asSlice(BYTES, MAX_BYTES).toArray(JAVA_BYTE);
    Insn known = new Decoder().decode(bytes, 0, length, cpu.codeSize);
    if (known == null || known.form == Form.UNDEFINED || known.form == Form.TOO_LONG) {
      return " " + HexFormat.ofDelimiter(" ").formatHex(bytes, 0, length);
    }
    return " %s (%s) at 0x%x"
        .formatted(
            InsnText.of(known, cpu.rip),
            HexFormat.ofDelimiter(" ").formatHex(bytes, 0, known.length),
            cpu.rip);
  }
}
