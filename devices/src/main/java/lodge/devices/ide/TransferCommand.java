package lodge.devices.ide;

/**
 * A command that reads or writes sectors (ATA/ATAPI-6, 8; ATA8-ACS for FUA).
 *
 * @param extended whether it has a 48-bit address
 * @param durable whether what was written has to be durable at its end (FUA)
 */
record TransferCommand(boolean write, boolean extended, Mode mode, boolean durable) {
  /** How the data goes. */
  enum Mode {
    /** PIO, a sector at a time. */
    SECTOR,
    /** PIO, as many sectors as SET MULTIPLE MODE says. */
    MULTIPLE,
    DMA
  }

  /** The command of this code, or null. */
  static TransferCommand of(int code) {
    return switch (code) {
      case 0x20, 0x21 -> read(false, Mode.SECTOR);
      case 0x24 -> read(true, Mode.SECTOR);
      case 0x25 -> read(true, Mode.DMA);
      case 0x29 -> read(true, Mode.MULTIPLE);
      case 0xC4 -> read(false, Mode.MULTIPLE);
      case 0xC8, 0xC9 -> read(false, Mode.DMA);
      case 0x30, 0x31 -> write(false, Mode.SECTOR);
      case 0x34 -> write(true, Mode.SECTOR);
      case 0x35 -> write(true, Mode.DMA);
      case 0x39 -> write(true, Mode.MULTIPLE);
      case 0xC5 -> write(false, Mode.MULTIPLE);
      case 0xCA, 0xCB -> write(false, Mode.DMA);
      case 0x3D -> new TransferCommand(true, true, Mode.DMA, true);
      case 0xCE -> new TransferCommand(true, true, Mode.MULTIPLE, true);
      default -> null;
    };
  }

  private static TransferCommand read(boolean extended, Mode mode) {
    return new TransferCommand(false, extended, mode, false);
  }

  private static TransferCommand write(boolean extended, Mode mode) {
    return new TransferCommand(true, extended, mode, false);
  }
}
