package lodge.machine.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Small files that look like kernels. */
public final class TestKernels {
  public static final int BZIMAGE_KERNEL_SIZE = 0x1000;
  public static final long PREFERRED_ADDRESS = 0x20_0000;
  public static final int INIT_SIZE = 0x8_0000;
  public static final int COMMAND_LINE_SIZE = 255;
  public static final int SETUP_SECTS = 2;
  public static final long PVH_ADDRESS = 0x40_0000;
  public static final int PVH_ENTRY = 0x40_0010;

  private TestKernels() {}

  /** A bzImage of protocol 2.15; byte {@code i} of the 64-bit kernel is {@code i * 7}. */
  public static byte[] bzImage() {
    int setup = (SETUP_SECTS + 1) * 512;
    ByteBuffer file =
        ByteBuffer.allocate(setup + BZIMAGE_KERNEL_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    file.put(0x1F1, (byte) SETUP_SECTS);
    file.putInt(0x1F4, BZIMAGE_KERNEL_SIZE / 16);
    file.putShort(0x1FE, (short) 0xAA55);
    file.put(0x200, (byte) 0xEB).put(0x201, (byte) 0x6A);
    file.putInt(0x202, 0x5372_6448);
    file.putShort(0x206, (short) 0x020F);
    file.put(0x211, (byte) 1);
    file.putInt(0x214, 0x10_0000);
    file.putInt(0x22C, 0x7FFF_FFFF);
    file.putInt(0x230, 0x20_0000);
    file.put(0x234, (byte) 1);
    file.putShort(0x236, (short) 1);
    file.putInt(0x238, COMMAND_LINE_SIZE);
    file.putLong(0x258, PREFERRED_ADDRESS);
    file.putInt(0x260, INIT_SIZE);
    for (int i = 0; i < BZIMAGE_KERNEL_SIZE; i++) {
      file.put(setup + i, (byte) (i * 7));
    }
    return file.array();
  }

  /**
   * An ELF file with one segment of 0x20 bytes in the file and 0x3000 in memory, and a Xen note
   * behind another one.
   */
  public static byte[] vmlinux() {
    ByteBuffer file = ByteBuffer.allocate(0x200).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0, 0x464C_457F).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    file.putShort(16, (short) 2).putShort(18, (short) 62);
    file.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 2);
    programHeader(file, 64, 1, 0x1E0, PVH_ADDRESS, 0x20, 0x3000);
    programHeader(file, 120, 4, 0x100, 0, 0x28 + 4, 0x28 + 4);
    note(file, 0x100, "GNU", 3, 1234);
    note(file, 0x100 + 20, "Xen", 18, PVH_ENTRY);
    for (int i = 0; i < 0x20; i++) {
      file.put(0x1E0 + i, (byte) (i + 1));
    }
    return file.array();
  }

  private static void programHeader(
      ByteBuffer file, int at, int type, long offset, long address, long filesz, long memsz) {
    file.putInt(at, type).putLong(at + 8, offset).putLong(at + 24, address);
    file.putLong(at + 32, filesz).putLong(at + 40, memsz);
  }

  private static void note(ByteBuffer file, int at, String name, int type, int value) {
    file.putInt(at, name.length() + 1).putInt(at + 4, 4).putInt(at + 8, type);
    file.put(at + 12, (name + "\0").getBytes(StandardCharsets.US_ASCII)).putInt(at + 16, value);
  }
}
