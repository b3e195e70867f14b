package lodge.cli.guest;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes a cpio archive in the "newc" format, the one that Linux unpacks as an initramfs (kernel
 * documentation, {@code driver-api/early-userspace/buffer-format}). Archives may follow one
 * another: each is padded to 512 bytes.
 *
 * <p>Paths are relative to the root, without a leading slash; a directory has to be added before
 * what it holds.
 */
public final class CpioWriter {
  private static final int TYPE_CHARACTER_DEVICE = 0020000;
  private static final int TYPE_DIRECTORY = 0040000;
  private static final int TYPE_FILE = 0100000;
  private static final int TYPE_SYMLINK = 0120000;
  private static final int ARCHIVE_ALIGNMENT = 512;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int inode;

  public CpioWriter directory(String path, int permissions) {
    return entry(path, TYPE_DIRECTORY | permissions, new byte[0], 0, 0);
  }

  public CpioWriter file(String path, int permissions, byte[] content) {
    return entry(path, TYPE_FILE | permissions, content, 0, 0);
  }

  public CpioWriter file(String path, int permissions, String content) {
    return file(path, permissions, content.getBytes(StandardCharsets.UTF_8));
  }

  public CpioWriter symlink(String path, String target) {
    return entry(path, TYPE_SYMLINK | 0777, target.getBytes(StandardCharsets.UTF_8), 0, 0);
  }

  public CpioWriter characterDevice(String path, int permissions, int major, int minor) {
    return entry(path, TYPE_CHARACTER_DEVICE | permissions, new byte[0], major, minor);
  }

  /** Ends the archive and returns all of it. */
  public byte[] finish() {
    inode = -1;
    entry("TRAILER!!!", 0, new byte[0], 0, 0);
    pad(ARCHIVE_ALIGNMENT);
    return out.toByteArray();
  }

  private CpioWriter entry(String path, int mode, byte[] content, int major, int minor) {
    if (path.startsWith("/")) {
      throw new IllegalArgumentException("a path in a cpio archive is relative: " + path);
    }
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    out.writeBytes("070701".getBytes(StandardCharsets.US_ASCII));
    field(++inode);
    field(mode);
    field(0); // user
    field(0); // group
    field((mode & TYPE_DIRECTORY) == TYPE_DIRECTORY ? 2 : 1); // links
    field(0); // modification time: the same input gives the same archive
    field(content.length);
    field(0); // device that holds the file, major and minor
    field(0);
    field(major);
    field(minor);
    field(name.length + 1);
    field(0); // checksum, unused by this format
    out.writeBytes(name);
    out.write(0);
    pad(4);
    out.writeBytes(content);
    pad(4);
    return this;
  }

  private void field(int value) {
    out.writeBytes("%08X".formatted(value).getBytes(StandardCharsets.US_ASCII));
  }

  private void pad(int alignment) {
    while (out.size() % alignment != 0) {
      out.write(0);
    }
  }
}
