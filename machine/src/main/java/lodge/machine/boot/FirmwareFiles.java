package lodge.machine.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import lodge.core.GuestMemory;
import lodge.devices.FwCfg;

/**
 * What firmware asks the configuration device for, besides numbers: files by QEMU's names (QEMU
 * docs/specs/fw_cfg.rst; SeaBIOS docs/Runtime_config.md).
 */
public final class FirmwareFiles {
  private static final int E820_ENTRY = 20;
  private static final int COM1 = 0x3F8;

  /** Milliseconds until firmware that has found nothing to boot tries again: it does not. */
  private static final int NO_RETRY = -1;

  private FirmwareFiles() {}

  /**
   * Adds the files.
   *
   * @param uuid the machine's
   * @param bootOrder paths of the drives to boot from
   */
  public static void add(
      FwCfg configuration,
      GuestMemory memory,
      AcpiTables.Board board,
      UUID uuid,
      List<String> bootOrder) {
    LinkedTables acpi = AcpiTables.of(board);
    configuration.addFile(AcpiTables.TABLES_FILE, acpi.content(AcpiTables.TABLES_FILE));
    configuration.addFile(AcpiTables.RSDP_FILE, acpi.content(AcpiTables.RSDP_FILE));
    configuration.addFile("etc/table-loader", acpi.script());
    configuration.addFile("etc/e820", ram(memory));
    Smbios.Files smbios = Smbios.of(board.cpus(), memory, uuid);
    configuration.addFile("etc/smbios/smbios-tables", smbios.tables());
    configuration.addFile("etc/smbios/smbios-anchor", smbios.anchor());
    configuration.addFile("bootorder", lines(bootOrder));
    configuration.addFile("etc/sercon-port", little(2).putShort((short) COM1).array());
    configuration.addFile("etc/boot-fail-wait", little(4).putInt(NO_RETRY).array());
  }

  /** All RAM; what of it is reserved, firmware knows best. */
  private static byte[] ram(GuestMemory memory) {
    boolean high = memory.end() > GuestMemory.HIGH_RAM_START;
    ByteBuffer map = little(high ? 2 * E820_ENTRY : E820_ENTRY);
    map.putLong(0).putLong(memory.lowRamEnd()).putInt(MemoryMap.Type.USABLE.code());
    if (high) {
      map.putLong(GuestMemory.HIGH_RAM_START)
          .putLong(memory.end() - GuestMemory.HIGH_RAM_START)
          .putInt(MemoryMap.Type.USABLE.code());
    }
    return map.array();
  }

  /** With a 0 behind the last one. */
  private static byte[] lines(List<String> texts) {
    return (String.join("\n", texts) + '\0').getBytes(StandardCharsets.US_ASCII);
  }

  private static ByteBuffer little(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
