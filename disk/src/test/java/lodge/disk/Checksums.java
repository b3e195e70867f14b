package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Makes an image's checksums right, so that what is behind them is reached. */
final class Checksums {
  private static final int FOOTER = 512;
  private static final int DYNAMIC_HEADER = 1024;
  private static final int SECTOR = 4096;
  private static final long[] VHDX_HEADERS = {64 << 10, 128 << 10};
  private static final long[] VHDX_REGION_TABLES = {192 << 10, 256 << 10};
  private static final int VHDX_TABLE = 64 << 10;

  /** An entry of a VHDX file's log. */
  private static final int LOGE = 0x6567_6F6C;

  /** How many sectors of a log are looked at. */
  private static final int MAX_SECTORS = 32;

  private static final int MAX_ENTRY = 64 << 10;

  private Checksums() {}

  static void correct(ImageFormat format, Path path) throws IOException {
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      switch (format) {
        case VPC -> vhd(file);
        case VHDX -> vhdx(file);
        default -> {}
      }
    }
  }

  private static ByteBuffer read(FileChannel file, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    if (at >= 0 && at < file.size()) {
      file.read(bytes, at);
    }
    return bytes.clear();
  }

  /** Parts of the file alone: it does not become longer. */
  private static void write(FileChannel file, long at, ByteBuffer bytes) throws IOException {
    if (at >= 0 && at <= file.size() - bytes.remaining()) {
      file.write(bytes, at);
    }
  }

  private static void vhd(FileChannel file) throws IOException {
    sum(file, file.size() - FOOTER, FOOTER, 64);
    if (read(file, 0, FOOTER).getLong(0) == VhdLayout.COOKIE) {
      sum(file, 0, FOOTER, 64);
      sum(file, read(file, 0, FOOTER).getLong(16), DYNAMIC_HEADER, 36);
    }
  }

  private static void sum(FileChannel file, long at, int length, int field) throws IOException {
    ByteBuffer bytes = read(file, at, length).putInt(field, 0);
    int sum = 0;
    for (int i = 0; i < length; i++) {
      sum += bytes.get(i) & 0xFF;
    }
    write(file, at, bytes.putInt(field, ~sum));
  }

  private static void vhdx(FileChannel file) throws IOException {
    for (long at : VHDX_REGION_TABLES) {
      crc(file, at, VHDX_TABLE);
    }
    for (long at : VHDX_HEADERS) {
      crc(file, at, SECTOR);
      ByteBuffer header = read(file, at, SECTOR).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < MAX_SECTORS; i++) {
        long entryAt = header.getLong(72) + i * SECTOR;
        ByteBuffer entry = read(file, entryAt, SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        if (entry.getInt(0) == LOGE && entry.getInt(8) > 0) {
          crc(file, entryAt, Math.clamp(entry.getInt(8), SECTOR, MAX_ENTRY));
        }
      }
    }
  }

  private static void crc(FileChannel file, long at, int length) throws IOException {
    ByteBuffer bytes = read(file, at, length).order(ByteOrder.LITTLE_ENDIAN).putInt(4, 0);
    CRC32C crc = new CRC32C();
    crc.update(bytes.array(), 0, length);
    write(file, at, bytes.putInt(4, (int) crc.getValue()));
  }
}
