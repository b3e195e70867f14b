package lodge.machine.boot;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes ACPI Machine Language (ACPI 6.5, chapter 20): each method gives the bytes of one term, and
 * terms nest as calls do, so that a table in Java reads like its source in ASL.
 */
final class Aml {
  private static final int NAME = 0x08;
  private static final int BYTE_PREFIX = 0x0A;
  private static final int WORD_PREFIX = 0x0B;
  private static final int DWORD_PREFIX = 0x0C;
  private static final int STRING_PREFIX = 0x0D;
  private static final int QWORD_PREFIX = 0x0E;
  private static final int SCOPE = 0x10;
  private static final int BUFFER = 0x11;
  private static final int PACKAGE = 0x12;
  private static final int DUAL_NAME = 0x2E;
  private static final int MULTI_NAME = 0x2F;
  private static final int EXTENDED = 0x5B;
  private static final int DEVICE = 0x82;
  private static final int MUTEX = 0x01;
  private static final int METHOD = 0x14;
  private static final int ARGUMENT = 0x68;
  private static final int STORE = 0x70;
  private static final int SHIFT_LEFT = 0x79;
  private static final int AND = 0x7B;
  private static final int NOTIFY = 0x86;
  private static final int IF = 0xA0;
  private static final int ACQUIRE = 0x23;
  private static final int RELEASE = 0x27;
  private static final int OPERATION_REGION = 0x80;
  private static final int FIELD = 0x81;
  private static final int SYSTEM_IO = 1;

  /** Fields of 32 bits, accessed as a whole; bits beside them are written as zeroes. */
  private static final int DWORD_WRITE_AS_ZEROS = 0x43;

  private static final int FOREVER = 0xFFFF;

  private static final int PORTS = 0x47;
  private static final int INTERRUPT_NO_FLAGS = 0x22;
  private static final int END_TAG = 0x79;
  private static final int FIXED_MEMORY = 0x86;
  private static final int DWORD_RANGE = 0x87;
  private static final int WORD_RANGE = 0x88;
  private static final int MEMORY_RANGE = 0;
  private static final int PORT_RANGE = 1;
  private static final int BUS_RANGE = 2;

  /** Range flags: produced for child devices, minimum and maximum fixed. */
  private static final int FIXED_WINDOW = 0x0C;

  private static final int ENTIRE_PORT_RANGE = 3;
  private static final int READ_WRITE_UNCACHED = 1;

  private Aml() {}

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  /** Name(path, object). */
  static byte[] name(String path, byte[] object) {
    return join(bytes(NAME), path(path), object);
  }

  static byte[] scope(String path, byte[]... terms) {
    return join(bytes(SCOPE), withLength(join(path(path), join(terms))));
  }

  static byte[] device(String path, byte[]... terms) {
    return join(bytes(EXTENDED, DEVICE), withLength(join(path(path), join(terms))));
  }

  /** Method(path, arguments, NotSerialized). */
  static byte[] method(String path, int arguments, byte[]... terms) {
    return join(bytes(METHOD), withLength(join(path(path), bytes(arguments), join(terms))));
  }

  /** Mutex(path, 0). */
  static byte[] mutex(String path) {
    return join(bytes(EXTENDED, MUTEX), path(path), bytes(0));
  }

  /** Acquire(path, 0xFFFF). */
  static byte[] acquire(String path) {
    return join(bytes(EXTENDED, ACQUIRE), path(path), little(FOREVER, 2));
  }

  static byte[] release(String path) {
    return join(bytes(EXTENDED, RELEASE), path(path));
  }

  /** OperationRegion(path, SystemIO, base, length). */
  static byte[] portRegion(String path, int base, int length) {
    return join(
        bytes(EXTENDED, OPERATION_REGION),
        path(path),
        bytes(SYSTEM_IO),
        integer(base),
        integer(length));
  }

  /** Field(region, DWordAcc, NoLock, WriteAsZeros): names for the region's words of 32 bits. */
  static byte[] words(String region, String... names) {
    byte[] fields = new byte[0];
    for (String name : names) {
      fields = join(fields, path(name), bytes(Integer.SIZE));
    }
    return join(
        bytes(EXTENDED, FIELD),
        withLength(join(path(region), bytes(DWORD_WRITE_AS_ZEROS), fields)));
  }

  /** The value of a name, or a call of a method with these arguments. */
  static byte[] value(String path, byte[]... arguments) {
    return join(path(path), join(arguments));
  }

  /** Arg0 to Arg6. */
  static byte[] argument(int number) {
    return bytes(ARGUMENT + number);
  }

  static byte[] store(byte[] value, String path) {
    return join(bytes(STORE), value, path(path));
  }

  static byte[] shiftLeft(byte[] value, byte[] count, String into) {
    return join(bytes(SHIFT_LEFT), value, count, path(into));
  }

  /** The result is stored nowhere. */
  static byte[] and(byte[] one, byte[] other) {
    return join(bytes(AND), one, other, bytes(0));
  }

  static byte[] ifTrue(byte[] predicate, byte[]... terms) {
    return join(bytes(IF), withLength(join(predicate, join(terms))));
  }

  static byte[] notify(String path, byte[] value) {
    return join(bytes(NOTIFY), path(path), value);
  }

  static byte[] packageOf(byte[]... elements) {
    return join(bytes(PACKAGE), withLength(join(bytes(elements.length), join(elements))));
  }

  static byte[] buffer(byte[] content) {
    return join(bytes(BUFFER), withLength(join(integer(content.length), content)));
  }

  static byte[] string(String ascii) {
    return join(bytes(STRING_PREFIX), ascii.getBytes(StandardCharsets.US_ASCII), bytes(0));
  }

  /** The shortest form of an unsigned 64-bit number. */
  static byte[] integer(long value) {
    if (value == 0 || value == 1) {
      return bytes((int) value);
    }
    if (value >>> 8 == 0) {
      return join(bytes(BYTE_PREFIX), little(value, 1));
    }
    if (value >>> 16 == 0) {
      return join(bytes(WORD_PREFIX), little(value, 2));
    }
    if (value >>> 32 == 0) {
      return join(bytes(DWORD_PREFIX), little(value, 4));
    }
    return join(bytes(QWORD_PREFIX), little(value, 8));
  }

  /**
   * EISAID: three letters in 5 bits each, then four hexadecimal digits, most significant byte
   * first.
   */
  static byte[] eisaId(String id) {
    int letters = (id.charAt(0) - '@') << 10 | (id.charAt(1) - '@') << 5 | id.charAt(2) - '@';
    int digits = Integer.parseInt(id.substring(3), 16);
    return integer(Integer.reverseBytes(letters << 16 | digits) & 0xFFFF_FFFFL);
  }

  /**
   * ResourceTemplate: a buffer of resource descriptors and the end tag, whose checksum of 0 means
   * none.
   */
  static byte[] resources(byte[]... descriptors) {
    return buffer(join(join(descriptors), bytes(END_TAG, 0)));
  }

  /** IO(Decode16, ...): ports that the device itself answers on. */
  static byte[] ports(int base, int length) {
    return join(bytes(PORTS, 1), little(base, 2), little(base, 2), bytes(1, length));
  }

  /** Memory32Fixed(ReadWrite, ...): addresses that the device itself answers on. */
  static byte[] memory(long base, int length) {
    return join(bytes(FIXED_MEMORY, 9, 0, 1), little(base, 4), little(length, 4));
  }

  /** IRQNoFlags: an edge-triggered, active-high ISA interrupt. */
  static byte[] interrupt(int irq) {
    return join(bytes(INTERRUPT_NO_FLAGS), little(1L << irq, 2));
  }

  /** WordBusNumber: the buses below a bridge, both ends included. */
  static byte[] busWindow(int first, int last) {
    return wordWindow(BUS_RANGE, 0, first, last);
  }

  /** WordIO: ports that a bridge passes on, both ends included. */
  static byte[] portWindow(int first, int last) {
    return wordWindow(PORT_RANGE, ENTIRE_PORT_RANGE, first, last);
  }

  private static byte[] wordWindow(int type, int typeFlags, int first, int last) {
    return join(
        bytes(WORD_RANGE, 13, 0, type, FIXED_WINDOW, typeFlags),
        little(0, 2),
        little(first, 2),
        little(last, 2),
        little(0, 2),
        little(last - first + 1L, 2));
  }

  /** DWordMemory: uncached addresses that a bridge passes on, both ends included. */
  static byte[] memoryWindow(long first, long last) {
    return join(
        bytes(DWORD_RANGE, 23, 0, MEMORY_RANGE, FIXED_WINDOW, READ_WRITE_UNCACHED),
        little(0, 4),
        little(first, 4),
        little(last, 4),
        little(0, 4),
        little(last - first + 1, 4));
  }

  /**
   * A path such as {@code \_SB.PCI0}; segments are filled up to four characters with underscores.
   */
  private static byte[] path(String path) {
    boolean root = path.startsWith("\\");
    String relative = root ? path.substring(1) : path;
    String[] segments = relative.isEmpty() ? new String[0] : relative.split("\\.");
    byte[] prefix =
        switch (segments.length) {
          case 0 -> bytes(0);
          case 1 -> new byte[0];
          case 2 -> bytes(DUAL_NAME);
          default -> bytes(MULTI_NAME, segments.length);
        };
    byte[] all = root ? join(bytes('\\'), prefix) : prefix;
    for (String segment : segments) {
      all = join(all, (segment + "___").substring(0, 4).getBytes(StandardCharsets.US_ASCII));
    }
    return all;
  }

  /**
   * PkgLength and content. The length counts itself: one byte up to 63, else a lead byte with the
   * low 4 bits and the number of bytes that follow.
   */
  private static byte[] withLength(byte[] content) {
    int length = content.length + 1;
    if (length < 0x40) {
      return join(bytes(length), content);
    }
    int more = 1;
    while (content.length + 1 + more >>> 4 + 8 * more != 0) {
      more++;
    }
    length = content.length + 1 + more;
    return join(bytes(more << 6 | length & 0xF), little(length >>> 4, more), content);
  }

  private static byte[] bytes(int... values) {
    byte[] result = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (byte) values[i];
    }
    return result;
  }

  private static byte[] little(long value, int size) {
    byte[] result = new byte[size];
    for (int i = 0; i < size; i++) {
      result[i] = (byte) (value >>> 8 * i);
    }
    return result;
  }
}
