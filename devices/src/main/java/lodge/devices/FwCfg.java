package lodge.devices;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.Stateful;

/**
 * QEMU's firmware configuration device (QEMU docs/specs/fw_cfg.rst): numbered items, and named
 * files that a directory lists. Two ports, the first at 0x510: a 16-bit write there selects an item
 * and goes back to its start; byte reads, by custom from the second port, give one byte after the
 * other, and zeros behind the end. The {@linkplain #dma DMA interface} reads many at once. The data
 * cannot be written.
 *
 * <p>Items are added before the machine starts.
 */
public final class FwCfg implements BusDevice, Stateful<FwCfg.State> {
  public static final int PORT = 0x510;
  public static final int LENGTH = 2;

  /** First of the ports of {@link #dma}. */
  public static final int DMA_PORT = 0x514;

  public static final int DMA_LENGTH = 8;

  /** Four letters, QEMU. */
  public static final int SIGNATURE = 0x00;

  /** Which interfaces there are, 32 bits: ports and DMA. */
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
  private static final int PORTS_AND_DMA = 3;
  private static final int NAME_LENGTH = 56;
  private static final int ENTRY_LENGTH = 8 + NAME_LENGTH;
  private static final byte[] NOTHING = {};

  private static final long DMA_SIGNATURE = 0x51454D5520434647L;

  // What a guest wants of DMA, and the answer when that cannot be.
  private static final int DMA_ERROR = 1;
  private static final int DMA_READ = 1 << 1;
  private static final int DMA_SKIP = 1 << 2;
  private static final int DMA_SELECT = 1 << 3;
  private static final int DMA_WRITE = 1 << 4;
  private static final int DMA_SELECTOR_SHIFT = 16;

  private static final int DMA_COMMAND_LENGTH = 16;
  private static final int DMA_COMMAND_BYTES = 4;
  private static final int DMA_COMMAND_ADDRESS = 8;

  private final GuestMemory memory;
  private final Map<Integer, byte[]> items = new HashMap<>();
  private final SortedMap<String, byte[]> files = new TreeMap<>();
  private int selector;
  private int position;
  private int dmaAddressHigh;

  /**
   * @param selector the item, 0 to 0xFFFF
   * @param position of the next byte in it
   * @param dmaAddressHigh upper half of the address of the next DMA command
   */
  public record State(int selector, int position, int dmaAddressHigh) {}

  /**
   * @param memory for DMA
   */
  public FwCfg(GuestMemory memory) {
    this.memory = memory;
    items.put(SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
    add32(ID, PORTS_AND_DMA);
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
      select((int) value & 0xFFFF);
    }
  }

  /**
   * Eight ports, the first at 0x514, 4 bytes wide, big-endian: they read as a signature, and are
   * written with the guest-physical address of a command. The lower half, which comes last, has it
   * carried out.
   */
  public BusDevice dma() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        if (offset < 0 || offset + size > DMA_LENGTH) {
          return -1;
        }
        // Little-endian towards the bus, so that the bytes at the ports are in big-endian order.
        return Long.reverseBytes(DMA_SIGNATURE) >>> 8 * offset;
      }

      @Override
      public void write(long offset, int size, long value) {
        int half = Integer.reverseBytes((int) value);
        if (size == 4 && offset == 0) {
          setDmaAddressHigh(half);
        } else if (size == 4 && offset == 4) {
          execute(half & 0xFFFF_FFFFL);
        }
      }
    };
  }

  private synchronized void setDmaAddressHigh(int value) {
    dmaAddressHigh = value;
  }

  private synchronized void execute(long low) {
    long command = (long) dmaAddressHigh << 32 | low;
    dmaAddressHigh = 0;
    if (!memory.isRam(command, DMA_COMMAND_LENGTH)) {
      return;
    }
    int control = Integer.reverseBytes(memory.getInt(command));
    long bytes = Integer.reverseBytes(memory.getInt(command + DMA_COMMAND_BYTES)) & 0xFFFF_FFFFL;
    long target = Long.reverseBytes(memory.getLong(command + DMA_COMMAND_ADDRESS));
    if ((control & DMA_SELECT) != 0) {
      select(control >>> DMA_SELECTOR_SHIFT);
    }
    boolean good = true;
    if ((control & DMA_READ) != 0) {
      good = copy(target, bytes);
    } else if ((control & DMA_WRITE) != 0) {
      good = false;
    } else if ((control & DMA_SKIP) != 0) {
      position = (int) Math.min(position + bytes, Integer.MAX_VALUE);
    }
    memory.putInt(command, good ? 0 : Integer.reverseBytes(DMA_ERROR));
    memory.codeWatch().written(command, Integer.BYTES);
  }

  /** False when this is not all RAM. Behind the item's end are zeros. */
  private boolean copy(long target, long bytes) {
    if (!memory.isRam(target, bytes)) {
      return false;
    }
    byte[] item = items.getOrDefault(selector, NOTHING);
    int from = Math.min(position, item.length);
    int length = (int) Math.min(bytes, item.length - from);
    memory.put(target, item, from, length);
    memory.fill(target + length, bytes - length, (byte) 0);
    memory.codeWatch().written(target, bytes);
    position = (int) Math.min(position + bytes, Integer.MAX_VALUE);
    return true;
  }

  private void select(int key) {
    selector = key;
    position = 0;
  }

  @Override
  public synchronized State state() {
    return new State(selector, position, dmaAddressHigh);
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.selector & ~0xFFFF) != 0 || state.position < 0) {
      throw new IllegalArgumentException("not the state of a configuration device: " + state);
    }
    selector = state.selector;
    position = state.position;
    dmaAddressHigh = state.dmaAddressHigh;
  }

  @Override
  public synchronized void reset() {
    select(0);
    dmaAddressHigh = 0;
  }
}
