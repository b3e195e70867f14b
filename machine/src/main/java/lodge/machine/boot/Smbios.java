package lodge.machine.boot;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import lodge.core.GuestMemory;

/**
 * The machine as management software sees it: SMBIOS 2.8 structures (DMTF DSP0134, chapter 7) and
 * their entry point, which firmware completes with the structures' address.
 */
final class Smbios {
  private static final int BIOS = 0;
  private static final int SYSTEM = 1;
  private static final int CHASSIS = 3;
  private static final int PROCESSOR = 4;
  private static final int MEMORY_ARRAY = 16;
  private static final int MEMORY_DEVICE = 17;
  private static final int MAPPED_MEMORY = 19;
  private static final int BOOT_STATUS = 32;
  private static final int END = 127;

  /** Handles are a type and a number. */
  private static final int HANDLE_SHIFT = 8;

  private static final int MEMORY_ARRAY_HANDLE = MEMORY_ARRAY << HANDLE_SHIFT;

  private static final String MAKER = "Lodge";
  private static final String PRODUCT = "PC (i440FX, PIIX3)";

  private static final int NO_HANDLE = 0xFFFF;
  private static final int NO_ERROR_INFORMATION = 0xFFFE;
  private static final int UNKNOWN_WIDTH = 0xFFFF;

  // What does not fit into an old field is in a newer one.
  private static final int SIZE_IN_EXTENDED = 0x7FFF;
  private static final int CAPACITY_IN_EXTENDED = 0x8000_0000;
  private static final long KIB = 1 << 10;
  private static final long MIB = 1 << 20;

  private static final int ENTRY_POINT_LENGTH = 31;
  private static final int LARGEST_STRUCTURE = 0x100;

  private final ByteArrayOutputStream tables = new ByteArrayOutputStream();
  private int structures;

  private Smbios() {}

  /** Structures and entry point. */
  record Files(byte[] tables, byte[] anchor) {}

  static Files of(int cpus, GuestMemory memory, UUID uuid) {
    Smbios smbios = new Smbios();
    smbios.describe(cpus, memory, uuid);
    return new Files(smbios.tables.toByteArray(), smbios.anchor());
  }

  private void describe(int cpus, GuestMemory memory, UUID uuid) {
    add(BIOS, 0, bios(), MAKER, "1", "01/01/2026");
    add(SYSTEM, 0, system(uuid), MAKER, PRODUCT);
    add(CHASSIS, 0, chassis(), MAKER);
    for (int cpu = 0; cpu < cpus; cpu++) {
      add(PROCESSOR, cpu, processor(), "CPU " + cpu, MAKER);
    }
    add(MEMORY_ARRAY, 0, memoryArray(memory.size()));
    add(MEMORY_DEVICE, 0, memoryDevice(memory.size()), "DIMM 0", MAKER);
    add(MAPPED_MEMORY, 0, mapped(0, memory.lowRamEnd()));
    if (memory.end() > GuestMemory.HIGH_RAM_START) {
      add(MAPPED_MEMORY, 1, mapped(GuestMemory.HIGH_RAM_START, memory.end()));
    }
    add(BOOT_STATUS, 0, body(7));
    add(END, 0, body(0));
  }

  /** A structure's formatted area is followed by its strings, which it counts from 1. */
  private void add(int type, int number, ByteBuffer body, String... strings) {
    int length = 4 + body.capacity();
    int handle = type << HANDLE_SHIFT | number;
    ByteBuffer header = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    header.put((byte) type).put((byte) length).putShort((short) handle);
    tables.writeBytes(header.array());
    tables.writeBytes(body.array());
    for (String string : strings) {
      tables.writeBytes((string + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    tables.writeBytes(new byte[strings.length == 0 ? 2 : 1]);
    structures++;
  }

  private static ByteBuffer body(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer bytes(ByteBuffer buffer, int... values) {
    for (int value : values) {
      buffer.put((byte) value);
    }
    return buffer;
  }

  /** 7.1: at segment 0xE800; tells no characteristics but that it is for a virtual machine. */
  private static ByteBuffer bios() {
    ByteBuffer b = bytes(body(20), 1, 2).putShort((short) 0xE800);
    return bytes(bytes(b, 3, 0).putLong(1 << 3), 0, 0x14, 0, 0, 0xFF, 0xFF);
  }

  /** 7.2: woken up by the power switch. The first three parts of the UUID are little-endian. */
  private static ByteBuffer system(UUID uuid) {
    long high = uuid.getMostSignificantBits();
    ByteBuffer b = bytes(body(23), 1, 2, 0, 0);
    b.putInt((int) (high >>> 32)).putShort((short) (high >>> 16)).putShort((short) high);
    b.putLong(Long.reverseBytes(uuid.getLeastSignificantBits()));
    return bytes(b, 6, 0, 0);
  }

  /** 7.4: of another kind than those listed, in a safe state. */
  private static ByteBuffer chassis() {
    return bytes(body(18), 1, 1, 0, 0, 0, 3, 3, 3, 2);
  }

  /** 7.5: a central processor of one core, in use. */
  private static ByteBuffer processor() {
    ByteBuffer b = bytes(body(38), 1, 3, 1, 2).putLong(0);
    bytes(b, 0, 0).putShort((short) 0).putShort((short) 0).putShort((short) 0);
    bytes(b, 0x41, 1);
    for (int cache = 0; cache < 3; cache++) {
      b.putShort((short) NO_HANDLE);
    }
    return bytes(b, 0, 0, 0, 1, 1, 1).putShort((short) 2).putShort((short) 1);
  }

  /** 7.17: system memory with error correction. */
  private static ByteBuffer memoryArray(long size) {
    ByteBuffer b = bytes(body(19), 1, 3, 6);
    boolean fits = size / KIB < Integer.MAX_VALUE;
    b.putInt(fits ? (int) (size / KIB) : CAPACITY_IN_EXTENDED);
    return b.putShort((short) NO_ERROR_INFORMATION).putShort((short) 1).putLong(fits ? 0 : size);
  }

  /** 7.18: one DIMM with all of it. */
  private static ByteBuffer memoryDevice(long size) {
    ByteBuffer b = body(36).putShort((short) MEMORY_ARRAY_HANDLE);
    b.putShort((short) NO_ERROR_INFORMATION);
    b.putShort((short) UNKNOWN_WIDTH).putShort((short) UNKNOWN_WIDTH);
    boolean fits = size / MIB < SIZE_IN_EXTENDED;
    b.putShort((short) (fits ? size / MIB : SIZE_IN_EXTENDED));
    bytes(b, 9, 0, 1, 0, 7).putShort((short) 2).putShort((short) 0);
    return bytes(b, 2, 0, 0, 0, 0).putInt(fits ? 0 : (int) (size / MIB));
  }

  /** 7.20 */
  private static ByteBuffer mapped(long start, long end) {
    boolean fits = end / KIB - 1 < 0xFFFF_FFFFL;
    ByteBuffer b = body(27);
    b.putInt(fits ? (int) (start / KIB) : -1).putInt(fits ? (int) (end / KIB - 1) : -1);
    b.putShort((short) MEMORY_ARRAY_HANDLE).put((byte) 1);
    return b.putLong(fits ? 0 : start).putLong(fits ? 0 : end - 1);
  }

  /** 5.2.1; checksums and address are firmware's. */
  private byte[] anchor() {
    ByteBuffer anchor = body(ENTRY_POINT_LENGTH);
    anchor.put("_SM_".getBytes(StandardCharsets.US_ASCII));
    bytes(anchor, 0, ENTRY_POINT_LENGTH, 2, 8).putShort((short) LARGEST_STRUCTURE);
    anchor.position(16).put("_DMI_".getBytes(StandardCharsets.US_ASCII));
    bytes(anchor, 0).putShort((short) tables.size()).putInt(0).putShort((short) structures);
    return bytes(anchor, 0x28).array();
  }
}
