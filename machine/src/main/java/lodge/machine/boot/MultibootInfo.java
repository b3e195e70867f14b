package lodge.machine.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import lodge.core.GuestMemory;

/**
 * What a Multiboot kernel is told (Multiboot specification 0.6.96, 3.3): one structure, followed by
 * the memory map, the module's entry and the strings that it points to.
 */
final class MultibootInfo {
  // Which fields are valid
  private static final int MEMORY = 1;
  private static final int CMDLINE = 1 << 2;
  private static final int MODULES = 1 << 3;
  private static final int MMAP = 1 << 6;
  private static final int BOOT_LOADER_NAME = 1 << 9;

  // Offsets of the fields
  private static final int MEM_LOWER = 4;
  private static final int MEM_UPPER = 8;
  private static final int CMDLINE_AT = 16;
  private static final int MODS_COUNT = 20;
  private static final int MODS_ADDR = 24;
  private static final int MMAP_LENGTH = 44;
  private static final int MMAP_ADDR = 48;
  private static final int LOADER_NAME_AT = 64;

  /** All fields that the specification has, those of the frame buffer included. */
  private static final int STRUCTURE = 120;

  /** An entry's own size does not count the field that tells it. */
  private static final int MMAP_ENTRY = 24;

  private static final int MODULE = 16;

  private static final byte[] LOADER_NAME = "lodge".getBytes(StandardCharsets.US_ASCII);

  private final MemoryMap map;
  private final byte[] commandLine;
  private final long moduleLength;

  /**
   * @param moduleLength bytes; 0 when there is no module
   */
  MultibootInfo(MemoryMap map, byte[] commandLine, long moduleLength) {
    this.map = map;
    this.commandLine = commandLine;
    this.moduleLength = moduleLength;
  }

  private int mapLength() {
    return MMAP_ENTRY * map.entries().size();
  }

  /** Bytes in all. */
  int length() {
    // Three strings with their final zeros; the module's is empty.
    return STRUCTURE + mapLength() + MODULE + commandLine.length + 1 + LOADER_NAME.length + 1 + 1;
  }

  /**
   * @param address guest-physical, of the structure
   * @param module guest-physical, of the module if there is one
   */
  void write(GuestMemory memory, long address, long module) {
    ByteBuffer info = ByteBuffer.allocate(length()).order(ByteOrder.LITTLE_ENDIAN);
    int base = (int) address;
    int entries = STRUCTURE;
    int modules = entries + mapLength();
    int line = modules + MODULE;
    int loader = line + commandLine.length + 1;
    int moduleString = loader + LOADER_NAME.length + 1;
    info.putInt(0, MEMORY | CMDLINE | MODULES | MMAP | BOOT_LOADER_NAME);
    info.putInt(MEM_LOWER, (int) (MemoryMap.LOW_END >> 10));
    info.putInt(MEM_UPPER, (int) (map.lowRamEnd() - MemoryMap.HIGH_START >> 10));
    info.putInt(CMDLINE_AT, base + line);
    info.putInt(MMAP_LENGTH, mapLength()).putInt(MMAP_ADDR, base + entries);
    info.putInt(LOADER_NAME_AT, base + loader);
    info.position(entries);
    for (MemoryMap.Entry range : map.entries()) {
      info.putInt(MMAP_ENTRY - 4).putLong(range.start()).putLong(range.length());
      info.putInt(range.type().code());
    }
    info.putInt(MODS_ADDR, base + modules);
    if (moduleLength > 0) {
      info.putInt(MODS_COUNT, 1);
      info.putInt(modules, (int) module).putInt(modules + 4, (int) (module + moduleLength));
      info.putInt(modules + 8, base + moduleString);
    }
    info.put(line, commandLine).put(loader, LOADER_NAME);
    memory.put(address, info.array(), 0, info.capacity());
  }
}
