package lodge.cpu.x86.interpreter;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * This computer's own x87, as an oracle: single instructions, framed by FRSTOR and FNSAVE, in a
 * page of memory that is writable and executable.
 */
final class HardwareX87 {
  /** Layout of a case: FNSAVE image (108 bytes), RFLAGS, RAX and the memory operand. */
  static final int FLAGS = 112;

  static final int RAX = 120;
  static final int OPERAND = 128;
  static final int SIZE = 240;

  private static final int CODE_SIZE = 1 << 18;
  private static final int READ_WRITE_EXECUTE = 7;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  private static final AddressLayout ADDRESS = ValueLayout.ADDRESS;

  private final MemorySegment code;
  private final Map<Integer, MethodHandle> stubs = new HashMap<>();
  private final Map<Integer, Integer> instructionAddresses = new HashMap<>();
  private final MemorySegment block = Arena.global().allocate(SIZE, 64);
  private int used;

  private HardwareX87(MemorySegment code) {
    this.code = code;
  }

  /** Empty, after a line that says why, where this computer or its system does not allow it. */
  static Optional<HardwareX87> open() {
    String arch = System.getProperty("os.arch");
    String os = System.getProperty("os.name");
    if (!arch.equals("amd64") || !os.equals("Linux")) {
      System.out.println("no x87 hardware to compare with on " + os + " " + arch);
      return Optional.empty();
    }
    Linker linker = Linker.nativeLinker();
    MethodHandle mmap =
        linker.downcallHandle(
            linker.defaultLookup().find("mmap").orElseThrow(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
    try {
      long address =
          (long)
              mmap.invokeExact(0L, (long) CODE_SIZE, READ_WRITE_EXECUTE, PRIVATE_ANONYMOUS, -1, 0L);
      if (address == -1) {
        System.out.println("no x87 hardware to compare with: no executable memory");
        return Optional.empty();
      }
      return Optional.of(new HardwareX87(MemorySegment.ofAddress(address).reinterpret(CODE_SIZE)));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** The low half of the address at which {@link #run} executes an instruction: its FIP. */
  int address(int instruction) {
    return instructionAddresses.get(instruction);
  }

  /**
   * Executes one instruction on a case, in place.
   *
   * @param instruction its two bytes, the ModRM byte last: a register form, or a memory form with
   *     mod 0 and rm 6 (RSI); above them 0x66 for an operand-size prefix
   */
  void run(int instruction, byte[] image) {
    MethodHandle stub = stubs.computeIfAbsent(instruction, this::assemble);
    MemorySegment bytes = MemorySegment.ofArray(image);
    block.copyFrom(bytes);
    try {
      stub.invokeExact(block, block.asSlice(OPERAND));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    bytes.copyFrom(block);
  }

  private MethodHandle assemble(int instruction) {
    int start = used;
    emit(0x31, 0xC0); // xor eax, eax
    emit(0xFF, 0xB7, FLAGS, 0, 0, 0, 0x9D); // push qword [rdi + FLAGS]; popfq
    emit(0xDD, 0x27); // frstor [rdi]
    instructionAddresses.put(instruction, (int) (code.address() + used));
    if (instruction >> 16 != 0) {
      emit(instruction >> 16);
    }
    emit(instruction >> 8 & 0xFF, instruction & 0xFF);
    emit(0x9C, 0x59); // pushfq; pop rcx
    emit(0xDD, 0x37); // fnsave [rdi]
    emit(0x48, 0x89, 0x8F, FLAGS, 0, 0, 0); // mov [rdi + FLAGS], rcx
    emit(0x48, 0x89, 0x87, RAX, 0, 0, 0); // mov [rdi + RAX], rax
    emit(0xC3);
    used = used + 15 & ~15;
    return Linker.nativeLinker()
        .downcallHandle(code.asSlice(start), FunctionDescriptor.ofVoid(ADDRESS, ADDRESS));
  }

  private void emit(int... bytes) {
    for (int b : bytes) {
      code.set(ValueLayout.JAVA_BYTE, used++, (byte) b);
    }
  }
}
