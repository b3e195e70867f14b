package lodge.machine.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lodge.core.GuestMemory;

/**
 * Tables that know each other's addresses, but not yet their own: files, and what has to be done to
 * them once they have a place. Either this class does it, or firmware, by QEMU's linker/loader
 * script (QEMU hw/acpi/bios-linker-loader.c).
 *
 * <p>A pointer holds the offset in the file it points into, until that file's address is added.
 */
public final class LinkedTables {
  /** Where firmware is to put a file. */
  public enum Zone {
    HIGH(1),
    /** In the last 64 KiB below 1 MiB, where operating systems look for signatures. */
    F_SEGMENT(2);

    private final int code;

    Zone(int code) {
      this.code = code;
    }
  }

  private record File(byte[] content, int alignment, Zone zone) {}

  private record Pointer(String in, int at, int size, String to) {}

  private record Checksum(String in, int at, int start, int length) {}

  private static final int NAME_LENGTH = 56;
  private static final int COMMAND_LENGTH = 128;
  private static final int ALLOCATE = 1;
  private static final int ADD_POINTER = 2;
  private static final int ADD_CHECKSUM = 3;

  private final Map<String, File> files = new LinkedHashMap<>();
  private final List<Pointer> pointers = new ArrayList<>();
  private final List<Checksum> checksums = new ArrayList<>();

  /** Adds a file. */
  public void file(String name, byte[] content, int alignment, Zone zone) {
    files.put(name, new File(content.clone(), alignment, zone));
  }

  /** There is an address of {@code size} bytes in a file that points into another file. */
  public void pointer(String in, int at, int size, String to) {
    pointers.add(new Pointer(in, at, size, to));
  }

  /** The byte at {@code at} makes a range of the file add up to 0, after all pointers are set. */
  public void checksum(String in, int at, int start, int length) {
    checksums.add(new Checksum(in, at, start, length));
  }

  public byte[] content(String name) {
    return files.get(name).content.clone();
  }

  /**
   * Puts the files into memory.
   *
   * @param addresses of each file
   */
  public void place(GuestMemory memory, Map<String, Long> addresses) {
    Map<String, ByteBuffer> placed = new LinkedHashMap<>();
    files.forEach(
        (name, file) ->
            placed.put(name, ByteBuffer.wrap(file.content.clone()).order(ByteOrder.LITTLE_ENDIAN)));
    for (Pointer pointer : pointers) {
      ByteBuffer file = placed.get(pointer.in);
      long address = addresses.get(pointer.to);
      if (pointer.size == 8) {
        file.putLong(pointer.at, file.getLong(pointer.at) + address);
      } else {
        file.putInt(pointer.at, file.getInt(pointer.at) + (int) address);
      }
    }
    for (Checksum checksum : checksums) {
      byte[] file = placed.get(checksum.in).array();
      int sum = 0;
      for (int i = 0; i < checksum.length; i++) {
        sum += file[checksum.start + i];
      }
      file[checksum.at] -= (byte) sum;
    }
    placed.forEach(
        (name, file) -> memory.put(addresses.get(name), file.array(), 0, file.capacity()));
  }

  /** The commands with which firmware does the same. */
  public byte[] script() {
    int commands = files.size() + pointers.size() + checksums.size();
    ByteBuffer script =
        ByteBuffer.allocate(COMMAND_LENGTH * commands).order(ByteOrder.LITTLE_ENDIAN);
    files.forEach(
        (name, file) -> {
          int next = begin(script, ALLOCATE, name);
          script.putInt(file.alignment).put((byte) file.zone.code).position(next);
        });
    for (Pointer pointer : pointers) {
      int next = begin(script, ADD_POINTER, pointer.in);
      script.put(name(pointer.to)).putInt(pointer.at).put((byte) pointer.size).position(next);
    }
    for (Checksum checksum : checksums) {
      int next = begin(script, ADD_CHECKSUM, checksum.in);
      script.putInt(checksum.at).putInt(checksum.start).putInt(checksum.length).position(next);
    }
    return script.array();
  }

  /** Returns where the next command begins. */
  private static int begin(ByteBuffer script, int command, String file) {
    int start = script.position();
    script.putInt(command).put(name(file));
    return start + COMMAND_LENGTH;
  }

  private static byte[] name(String name) {
    return Arrays.copyOf(name.getBytes(StandardCharsets.US_ASCII), NAME_LENGTH);
  }
}
