package lodge.cli.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import lodge.core.BlockBackend;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;

/**
 * A disk with a master boot record, GRUB behind it and one partition, as fdisk and grub-install lay
 * it out. GRUB's images come as they have to be: {@code boot.img} loads the sector behind it, where
 * grub-mkimage has noted how many follow.
 */
final class BootDisk {
  /** Where the partition begins, in bytes. */
  static final long PARTITION = 1 << 20;

  private static final int SECTOR = 512;

  /** What the boot record's code may fill; then come a signature of the disk and the partitions. */
  private static final int BOOT_CODE = 440;

  private static final int ENTRY = 446;
  private static final int SIGNATURE = 510;
  private static final byte ACTIVE = (byte) 0x80;
  private static final byte LINUX = (byte) 0x83;

  /** For what addresses by cylinder, head and sector cannot reach. */
  private static final byte[] NO_CHS = {(byte) 0xFE, (byte) 0xFF, (byte) 0xFF};

  private static final int CLUSTER = 1 << 16;
  private static final ByteBuffer ZEROES = ByteBuffer.allocate(CLUSTER);

  private BootDisk() {}

  /**
   * Writes a qcow2 image.
   *
   * @param size of the disk in bytes
   * @param boot GRUB's {@code boot.img}
   * @param core GRUB's {@code core.img}
   * @param root the partition's content
   */
  static void write(Path image, long size, Path boot, Path core, Path root) throws IOException {
    byte[] loader = Files.readAllBytes(core);
    if (loader.length > PARTITION - SECTOR) {
      throw new IOException("GRUB does not fit before the partition: " + loader.length + " bytes");
    }
    Qcow2Image.create(image, Qcow2Options.ofSize(size));
    try (BlockBackend disk = Qcow2Image.open(image, false)) {
      disk.write(0, ByteBuffer.wrap(record(Files.readAllBytes(boot), size)));
      disk.write(SECTOR, ByteBuffer.wrap(loader));
      copy(root, disk);
      disk.flush();
    }
  }

  private static byte[] record(byte[] boot, long size) {
    ByteBuffer record = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN);
    record.put(boot, 0, BOOT_CODE).putInt(ThreadLocalRandom.current().nextInt());
    record.position(ENTRY).put(ACTIVE).put(NO_CHS).put(LINUX).put(NO_CHS);
    record.putInt((int) (PARTITION / SECTOR)).putInt((int) ((size - PARTITION) / SECTOR));
    record.putShort(SIGNATURE, (short) 0xAA55);
    return record.array();
  }

  /** Without the zeroes, which are most of it. */
  private static void copy(Path root, BlockBackend disk) throws IOException {
    try (FileChannel from = FileChannel.open(root)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(16 * CLUSTER);
      long size = from.size();
      for (long at = 0; at < size; at += buffer.limit()) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), size - at));
        while (buffer.hasRemaining() && from.read(buffer, at + buffer.position()) >= 0) {}
        buffer.flip();
        for (int part = 0; part < buffer.limit(); part += CLUSTER) {
          ByteBuffer piece = buffer.slice(part, Math.min(CLUSTER, buffer.limit() - part));
          if (!piece.equals(ZEROES.slice(0, piece.remaining()))) {
            disk.write(PARTITION + at + part, piece);
          }
        }
      }
    }
  }
}
