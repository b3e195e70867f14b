package lodge.machine.gdb;

import lodge.cpu.x86.Cpu;

/**
 * One register as the debugger sees it.
 *
 * @param bytes 4, 8, 10 or 16
 * @param type as the target description names it
 */
record Register(String name, int bytes, String type, Reader reader, Writer writer) {
  /** Its value. */
  interface Reader {
    /**
     * @param high bits 127:64 instead of the low 64
     */
    long get(Cpu c, boolean high);
  }

  /** Its change. */
  interface Writer {
    void set(Cpu c, long low, long high);
  }

  /** One that the debugger cannot change. */
  static Register fixed(String name, int bytes, String type, Reader reader) {
    return new Register(name, bytes, type, reader, null);
  }

  boolean writable() {
    return writer != null;
  }

  /** Puts the value, least significant byte first. */
  void get(Cpu c, byte[] into, int at) {
    long low = reader.get(c, false);
    long high = bytes > 8 ? reader.get(c, true) : 0;
    for (int i = 0; i < bytes; i++) {
      into[at + i] = (byte) (i < 8 ? low >>> 8 * i : high >>> 8 * i);
    }
  }

  void set(Cpu c, byte[] from, int at) {
    long low = 0;
    long high = 0;
    for (int i = 0; i < bytes; i++) {
      long value = from[at + i] & 0xFFL;
      if (i < 8) {
        low |= value << 8 * i;
      } else {
        high |= value << 8 * i;
      }
    }
    writer.set(c, low, high);
  }
}
