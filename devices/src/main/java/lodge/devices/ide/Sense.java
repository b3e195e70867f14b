package lodge.devices.ide;

/** Why a packet command failed: sense key, additional sense code and qualifier (MMC-6, annex F). */
public enum Sense {
  NONE(0, 0, 0),
  MEDIUM_NOT_PRESENT(2, 0x3A, 1),
  TRAY_OPEN(2, 0x3A, 2),
  UNRECOVERED_READ_ERROR(3, 0x11, 0),
  INVALID_COMMAND(5, 0x20, 0),
  ADDRESS_OUT_OF_RANGE(5, 0x21, 0),
  INVALID_FIELD(5, 0x24, 0),
  SAVING_NOT_SUPPORTED(5, 0x39, 0),
  REMOVAL_PREVENTED(5, 0x53, 2),
  MEDIUM_CHANGED(6, 0x28, 0),
  POWERED_ON(6, 0x29, 0);

  final int key;
  final int code;
  final int qualifier;

  Sense(int key, int code, int qualifier) {
    this.key = key;
    this.code = code;
    this.qualifier = qualifier;
  }

  /** As REQUEST SENSE returns it: fixed format, current error. */
  byte[] bytes() {
    byte[] bytes = new byte[18];
    bytes[0] = 0x70;
    bytes[2] = (byte) key;
    bytes[7] = 10;
    bytes[12] = (byte) code;
    bytes[13] = (byte) qualifier;
    return bytes;
  }
}
