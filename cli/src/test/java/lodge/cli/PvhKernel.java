package lodge.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A kernel of a few instructions: an ELF file whose PVH note (Xen's x86/HVM direct boot ABI) names
 * its first byte as the entry, in 32-bit protected mode without paging.
 */
final class PvhKernel {
  /** Where the code is loaded and entered. */
  static final int ADDRESS = 0x10_0000;

  private static final int CODE_OFFSET = 0x1000;
  private static final int NOTE_OFFSET = 64 + 2 * 56;
  private static final int NOTE_SIZE = 20;

  private PvhKernel() {}

  static Path write(Path file, int... code) throws IOException {
    ByteBuffer elf = ByteBuffer.allocate(CODE_OFFSET + code.length).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
    elf.putShort((short) 2).putShort((short) 62).putInt(1).putLong(ADDRESS);
    elf.putLong(64).putLong(0).putInt(0);
    elf.putShort((short) 64).putShort((short) 56).putShort((short) 2);
    elf.putShort((short) 64).putShort((short) 0).putShort((short) 0);
    segment(elf, 1, CODE_OFFSET, ADDRESS, code.length);
    segment(elf, 4, NOTE_OFFSET, 0, NOTE_SIZE);
    elf.putInt(4).putInt(4).putInt(18).put("Xen\0".getBytes(StandardCharsets.US_ASCII));
    elf.putInt(ADDRESS);
    elf.position(CODE_OFFSET);
    for (int b : code) {
      elf.put((byte) b);
    }
    return Files.write(file, elf.array());
  }

  private static void segment(ByteBuffer elf, int type, int offset, int address, int size) {
    elf.putInt(type).putInt(5).putLong(offset).putLong(address).putLong(address);
    elf.putLong(size).putLong(size).putLong(type == 1 ? 0x1000 : 4);
  }
}
