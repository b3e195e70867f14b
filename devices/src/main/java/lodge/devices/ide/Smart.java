package lodge.devices.ide;

/**
 * What SMART tells of a drive that does not wear out (ATA/ATAPI-6, 8.55; the attributes' layout is
 * every vendor's own and the same everywhere).
 */
final class Smart {
  // Subcommands, in the features register
  static final int READ_DATA = 0xD0;
  static final int READ_THRESHOLDS = 0xD1;
  static final int AUTOSAVE = 0xD2;
  static final int EXECUTE_OFFLINE = 0xD4;
  static final int READ_LOG = 0xD5;
  static final int ENABLE = 0xD8;
  static final int DISABLE = 0xD9;
  static final int RETURN_STATUS = 0xDA;

  /** What the cylinder registers hold with every subcommand. */
  static final int KEY = 0xC24F;

  // Logs
  static final int DIRECTORY = 0;
  static final int ERROR_LOG = 1;
  static final int SELF_TEST_LOG = 6;

  private static final int SECTOR = 512;
  private static final int STRUCTURE_VERSION = 0x10;
  private static final int ATTRIBUTE_BYTES = 12;
  private static final int CAPABILITY = 368;
  private static final int ERROR_LOGGING = 370;

  private enum Attribute {
    RAW_READ_ERROR_RATE(1, 0x03, 0x06),
    SPIN_UP_TIME(3, 0x03, 0x00),
    REALLOCATED_SECTORS(5, 0x03, 0x24),
    POWER_ON_HOURS(9, 0x03, 0x00),
    POWER_CYCLES(12, 0x03, 0x00);

    private static final int NORMAL = 100;

    private final int id;
    private final int flags;
    private final int threshold;

    Attribute(int id, int flags, int threshold) {
      this.id = id;
      this.flags = flags;
      this.threshold = threshold;
    }
  }

  private Smart() {}

  static byte[] data() {
    byte[] sector = new byte[SECTOR];
    sector[0] = STRUCTURE_VERSION;
    for (Attribute attribute : Attribute.values()) {
      int at = 2 + ATTRIBUTE_BYTES * attribute.ordinal();
      sector[at] = (byte) attribute.id;
      sector[at + 1] = (byte) attribute.flags;
      sector[at + 3] = Attribute.NORMAL;
      sector[at + 4] = Attribute.NORMAL;
    }
    // Attributes are saved before a power mode changes, and by AUTOSAVE.
    sector[CAPABILITY] = 3;
    sector[ERROR_LOGGING] = 1;
    return summed(sector);
  }

  static byte[] thresholds() {
    byte[] sector = new byte[SECTOR];
    sector[0] = STRUCTURE_VERSION;
    for (Attribute attribute : Attribute.values()) {
      int at = 2 + ATTRIBUTE_BYTES * attribute.ordinal();
      sector[at] = (byte) attribute.id;
      sector[at + 1] = (byte) attribute.threshold;
    }
    return summed(sector);
  }

  /** An empty log, or null when there is no such log. */
  static byte[] log(int address) {
    byte[] sector = new byte[SECTOR];
    switch (address) {
      case DIRECTORY -> {
        sector[0] = 1;
        sector[2 * ERROR_LOG] = 1;
        sector[2 * SELF_TEST_LOG] = 1;
        return sector;
      }
      case ERROR_LOG -> sector[0] = 1;
      case SELF_TEST_LOG -> sector[0] = 1;
      default -> {
        return null;
      }
    }
    return summed(sector);
  }

  /** All bytes add up to 0. */
  private static byte[] summed(byte[] sector) {
    int sum = 0;
    for (byte b : sector) {
      sum += b;
    }
    sector[SECTOR - 1] = (byte) -sum;
    return sector;
  }
}
