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
  public static final int MULTIBOOT_ADDRESS = 0x30_0000;
  public static final int MULTIBOOT_CODE = 0x80;

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

  /**
   * A 32-bit ELF file with a Multiboot header, one segment at {@link #MULTIBOOT_ADDRESS} and its
   * entry at the segment's byte {@link #MULTIBOOT_CODE}.
   */
  public static byte[] multiboot(int flags, byte[] code) {
    ByteBuffer file = ByteBuffer.allocate(0x100 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0, 0x464C_457F).put(4, (byte) 1).put(5, (byte) 1).put(6, (byte) 1);
    file.putShort(16, (short) 2).putShort(18, (short) 3);
    file.putInt(24, MULTIBOOT_ADDRESS + MULTIBOOT_CODE);
    file.putInt(28, 52).putShort(42, (short) 32).putShort(44, (short) 1);
    file.putInt(52, 1).putInt(56, 0x80).putInt(60, MULTIBOOT_ADDRESS);
    file.putInt(64, MULTIBOOT_ADDRESS).putInt(68, 0x80 + code.length).putInt(72, 0x2000);
    multibootHeader(file, 0x80, flags);
    file.put(0x80 + MULTIBOOT_CODE, code);
    return file.array();
  }

  /** The same as class 64: its program header is at 64, its segment from 0x80 on. */
  public static byte[] multiboot64(byte[] code) {
    ByteBuffer file = ByteBuffer.allocate(0x100 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0, 0x464C_457F).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    file.putShort(16, (short) 2).putShort(18, (short) 62);
    long virtual = 0xFFFF_FFFF_8000_0000L;
    file.putLong(24, virtual + MULTIBOOT_CODE);
    file.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 1);
    programHeader(file, 64, 1, 0x80, MULTIBOOT_ADDRESS, 0x80 + code.length, 0x2000);
    file.putLong(64 + 16, virtual);
    multibootHeader(file, 0x80, 0);
    file.put(0x80 + MULTIBOOT_CODE, code);
    return file.array();
  }

  /**
   * No ELF file: the header, 16 bytes into the file, says that from the file's byte 8 on it is
   * loaded to {@link #MULTIBOOT_ADDRESS}; its entry is {@link #MULTIBOOT_CODE} bytes after that.
   */
  public static byte[] multibootWithAddresses(byte[] code) {
    ByteBuffer file = ByteBuffer.allocate(0x100 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    multibootHeader(file, 16, 1 << 16);
    file.putInt(16 + 12, MULTIBOOT_ADDRESS + 8).putInt(16 + 16, MULTIBOOT_ADDRESS);
    file.putInt(16 + 20, MULTIBOOT_ADDRESS + MULTIBOOT_CODE + code.length);
    file.putInt(16 + 24, MULTIBOOT_ADDRESS + 0x2000);
    file.putInt(16 + 28, MULTIBOOT_ADDRESS + MULTIBOOT_CODE);
    file.put(8 + MULTIBOOT_CODE, code);
    return file.array();
  }

  private static void multibootHeader(ByteBuffer file, int at, int flags) {
    file.putInt(at, 0x1BAD_B002).putInt(at + 4, flags).putInt(at + 8, -0x1BAD_B002 - flags);
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
