package lodge.devices;

/**
 * The configuration space of the PIIX4's power management function (82371AB data sheet, 7), by
 * which firmware finds the ACPI registers and the timer that it waits by. They are {@link
 * AcpiPm}'s, and have a fixed place here.
 */
public final class Piix4PowerManagement {
  private static final int IO_SPACE = 1;

  private Piix4PowerManagement() {}

  /**
   * @param base port of the power-management block
   */
  public static PciConfigSpace at(int base) {
    return new PciConfigSpace()
        .define(0x00, 4, 0x7113_8086, 0)
        .define(0x04, 4, 0x0280_0000, 0x0001)
        .define(0x08, 4, 0x0680_0003, 0)
        .define(0x3C, 1, 0, 0xFF)
        .define(0x40, 4, base | IO_SPACE, 0)
        // There is no system management mode; it looks as if that had been set up before.
        .define(0x58, 4, 1 << 25, 0)
        .define(0x80, 1, 1, 1);
  }
}
