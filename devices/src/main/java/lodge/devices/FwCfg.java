package lodge.devices;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * QEMU's firmware configuration device (QEMU docs/specs/fw_cfg.rst): numbered items, and named
 * files that a directory lists. Two ports, the first at 0x510: a 16-bit write there selects an item
 * and goes back to its start; byte reads, by custom from the second port, give one byte after the
 * other, and zeros behind the end. Its data cannot be written; there is no DMA.
 *
 * <p>Items are added before the machine starts.
 */
public final class FwCfg implements BusDevice, Stateful<FwCfg.State> {
  public static final int PORT = 0x510;
  public static final int LENGTH = 2;

  /** Four letters, QEMU. */
  public static final int SIGNATURE = 0x00;

  /** Which interfaces there are, 32 bits: only the ports. */
  public static final int ID = 0x01;

  /** Bytes of RAM, 64 bits. */
  public static final int RAM_SIZE = 0x03;

  /** Processors that are there, 16 bits. */
  public static final int NB_CPUS = 0x05;

  /** One more than the highest APIC id that a processor may have, 16 bits. */
  public static final int MAX_CPUS = 0x0F;

  /** The directory of files. */
  public static final int FILE_DIR = 0x19;

  private static final int FILE_FIRST = 0x20;
  private static final int FILE_LAST = 0x3FFF;
  private static final int PORTS_ONLY = 1;
  private static final int NAME_LENGTH = 56;
  private static final int ENTRY_LENGTH = 8 + NAME_LENGTH;
  private static final byte[] NOTHING = {};

  private final Map<Integer, byte[]> items = new HashMap<>();
  private final SortedMap<String, byte[]> files = new TreeMap<>();
  private int selector;
  private int position;

  /**
   * @param selector the item, 0 to 0xFFFF
   * @param position of the next byte in it
   */
  public record State(int selector, int position) {}

  public FwCfg() {
    items.put(SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
    add32(ID, PORTS_ONLY);
    arrangeFiles();
  }

  /**
   * Gives an item its content, instead of what it had.
   *
   * @param key 0 to 0xFFFF
   */
  public void add(int key, byte[] content) {
    if (key < 0 || key > 0xFFFF) {
      throw new IllegalArgumentException("no item " + key);
    }
    items.put(key, content.clone());
  }

  /** An item of 16 bits. */
  public void add16(int key, int value) {
    add(key, little(2).putShort((short) value).array());
  }

  /** An item of 32 bits. */
  public void add32(int key, int value) {
    add(key, little(4).putInt(value).array());
  }

  /** An item of 64 bits. */
  public void add64(int key, long value) {
    add(key, little(8).putLong(value).array());
  }

  /**
   * Adds a file, which the directory then lists.
   *
   * @param name at most 55 ASCII characters, such as {@code etc/e820}
   */
  public void addFile(String name, byte[] content) {
    if (name.isEmpty() || name.length() >= NAME_LENGTH) {
      throw new IllegalArgumentException("no name for a file: " + name);
    }
    if (files.put(name, content.clone()) != null || files.size() > FILE_LAST - FILE_FIRST + 1) {
      throw new IllegalArgumentException("one file too many: " + name);
    }
    arrangeFiles();
  }

  /** Files have numbers in the order of their names; the directory is big-endian. */
  private void arrangeFiles() {
    ByteBuffer directory = ByteBuffer.allocate(4 + ENTRY_LENGTH * files.size());
    directory.putInt(files.size());
    int key = FILE_FIRST;
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      byte[] name = file.getKey().getBytes(StandardCharsets.US_ASCII);
      directory.putInt(file.getValue().length).putShort((short) key).putShort((short) 0);
      directory.put(name).put(new byte[NAME_LENGTH - name.length]);
      items.put(key++, file.getValue());
    }
    items.put(FILE_DIR, directory.array());
  }

  private static ByteBuffer little(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The next byte of the selected item, from either port. */
  @Override
  public synchronized long read(long offset, int size) {
    if (offset < 0 || offset >= LENGTH || size != 1) {
      return -1;
    }
    byte[] item = items.getOrDefault(selector, NOTHING);
    return position < item.length ? item[position++] & 0xFF : 0;
  }

  @Override
  public synchronized void write(long offset, int size, long value) {
    if (offset == 0 && size == 2) {
      selector = (int) value & 0xFFFF;
      position = 0;
    }
  }

  @Override
  public synchronized State state() {
    return new State(selector, position);
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.selector & ~0xFFFF) != 0 || state.position < 0) {
      throw new IllegalArgumentException("not the state of a configuration device: " + state);
    }
    selector = state.selector;
    position = state.position;
  }

  @Override
  public synchronized void reset() {
    selector = 0;
    position = 0;
  }
}
