package lodge.cli.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The program {@code lodge-exit N} of a guest: it waits until its standard output is drained and
 * writes N to the debug-exit port, which ends the machine with that status. Debian's cloud kernel
 * has no {@code /dev/port}, so this takes a program, and a guest is put together without a
 * compiler, so it is here as machine code.
 *
 * <p>A static ELF64 file of one segment (System V ABI, AMD64 supplement, chapters 3.4 and 5.1).
 * Where there is no debug-exit port it exits with N.
 */
final class StatusTool {
  /** Where Lodge's machines have the debug-exit port. */
  static final int PORT = 0xF4;

  private static final long LOAD_ADDRESS = 0x40_0000;
  private static final int HEADERS = 64 + 56;

  private static final int[] CODE = {
    0x31, 0xDB, //                         xor ebx, ebx            the status
    0x48, 0x8B, 0x74, 0x24, 0x10, //       mov rsi, [rsp+16]       argv[1]
    0x48, 0x85, 0xF6, //                   test rsi, rsi
    0x74, 0x15, //                         jz drain
    0x0F, 0xB6, 0x06, //            digit: movzx eax, byte [rsi]
    0x48, 0xFF, 0xC6, //                   inc rsi
    0x83, 0xE8, 0x30, //                   sub eax, '0'
    0x83, 0xF8, 0x09, //                   cmp eax, 9
    0x77, 0x07, //                         ja drain
    0x6B, 0xDB, 0x0A, //                   imul ebx, ebx, 10
    0x01, 0xC3, //                         add ebx, eax
    0xEB, 0xEB, //                         jmp digit
    0xB8, 0x10, 0, 0, 0, //         drain: mov eax, 16             ioctl
    0xBF, 0x01, 0, 0, 0, //                mov edi, 1              standard output
    0xBE, 0x09, 0x54, 0, 0, //             mov esi, 0x5409         TCSBRK, with 1: tcdrain
    0xBA, 0x01, 0, 0, 0, //                mov edx, 1
    0x0F, 0x05, //                         syscall
    0xB8, 0xAD, 0, 0, 0, //                mov eax, 173            ioperm
    0xBF, PORT, 0, 0, 0, //                mov edi, PORT
    0xBE, 0x01, 0, 0, 0, //                mov esi, 1
    0xBA, 0x01, 0, 0, 0, //                mov edx, 1
    0x0F, 0x05, //                         syscall
    0x85, 0xC0, //                         test eax, eax
    0x75, 0x04, //                         jnz exit
    0x89, 0xD8, //                         mov eax, ebx
    0xE6, PORT, //                         out PORT, al
    0xB8, 0x3C, 0, 0, 0, //          exit: mov eax, 60             exit
    0x89, 0xDF, //                         mov edi, ebx
    0x0F, 0x05, //                         syscall
  };

  private StatusTool() {}

  static byte[] elf() {
    int size = HEADERS + CODE.length;
    ByteBuffer elf = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
    elf.putShort((short) 2).putShort((short) 62).putInt(1); // ET_EXEC, EM_X86_64, EV_CURRENT
    elf.putLong(LOAD_ADDRESS + HEADERS); // entry
    elf.putLong(64).putLong(0).putInt(0); // program headers, section headers, flags
    elf.putShort((short) 64).putShort((short) 56).putShort((short) 1); // header sizes, one segment
    elf.putShort((short) 64).putShort((short) 0).putShort((short) 0); // no sections
    elf.putInt(1).putInt(5); // PT_LOAD, readable and executable
    elf.putLong(0).putLong(LOAD_ADDRESS).putLong(LOAD_ADDRESS);
    elf.putLong(size).putLong(size).putLong(0x1000);
    for (int b : CODE) {
      elf.put((byte) b);
    }
    return elf.array();
  }
}
