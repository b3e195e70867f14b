package lodge.devices.ide;

/** A command descriptor block: 12 bytes, numbers with the high byte first. */
record Cdb(byte[] bytes) {
  int operation() {
    return at(0);
  }

  int at(int index) {
    return bytes[index] & 0xFF;
  }

  int int16(int index) {
    return at(index) << 8 | at(index + 1);
  }

  int int32(int index) {
    return int16(index) << 16 | int16(index + 2);
  }
}
