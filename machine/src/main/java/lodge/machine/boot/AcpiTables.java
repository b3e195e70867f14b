package lodge.machine.boot;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import lodge.core.GuestMemory;
import lodge.devices.AcpiGpe;
import lodge.devices.Hpet;
import lodge.devices.PciHotplug;

/**
 * The ACPI tables (ACPI 6.5, chapter 5): root pointer, RSDT and XSDT, FADT with FACS and DSDT,
 * MADT, HPET. A kernel that is booted directly finds them in the firmware area below 1 MiB;
 * firmware gets them as files, and places them itself.
 */
public final class AcpiTables {
  /** Guest-physical address of the root pointer in directly booted machines. */
  public static final long RSDP = MemoryMap.FIRMWARE_START;

  /** Name of the file with all tables but the root pointer. */
  public static final String TABLES_FILE = "etc/acpi/tables";

  /** Name of the file with the root pointer. */
  public static final String RSDP_FILE = "etc/acpi/rsdp";

  private static final int RSDP_RSDT = 16;
  private static final int RSDP_XSDT = 24;
  private static final int CHECKSUM = 9;
  private static final int FACS_ALIGNMENT = 64;
  private static final int TABLE_ALIGNMENT = 16;

  private static final int RSDP_LENGTH = 36;
  private static final int HEADER_LENGTH = 36;
  private static final int FADT_LENGTH = 268;
  private static final int FACS_LENGTH = 64;

  // FADT fields.
  private static final int FADT_FACS = 36;
  private static final int FADT_DSDT = 40;
  private static final int FADT_SCI = 46;
  private static final int FADT_SMI_COMMAND = 48;
  private static final int FADT_ACPI_ENABLE = 52;
  private static final int FADT_ACPI_DISABLE = 53;
  private static final int FADT_PM1A_EVENT = 56;
  private static final int FADT_PM1A_CONTROL = 64;
  private static final int FADT_PM_TIMER = 76;
  private static final int FADT_GPE0 = 80;
  private static final int FADT_PM1_EVENT_LENGTH = 88;
  private static final int FADT_PM1_CONTROL_LENGTH = 89;
  private static final int FADT_PM_TIMER_LENGTH = 91;
  private static final int FADT_GPE0_LENGTH = 92;
  private static final int FADT_C2_LATENCY = 96;
  private static final int FADT_C3_LATENCY = 98;
  private static final int FADT_CENTURY = 108;
  private static final int FADT_BOOT_ARCHITECTURE = 109;
  private static final int FADT_FLAGS = 112;
  private static final int FADT_RESET_REGISTER = 116;
  private static final int FADT_RESET_VALUE = 128;
  private static final int FADT_X_DSDT = 140;
  private static final int FADT_X_PM1A_EVENT = 148;
  private static final int FADT_X_PM1A_CONTROL = 172;
  private static final int FADT_X_PM_TIMER = 208;
  private static final int FADT_X_GPE0 = 220;

  /** C2 and C3 do not exist when their latencies, in microseconds, are above 100 and 1000. */
  private static final int NO_C2 = 101;

  private static final int NO_C3 = 1001;
  private static final int RTC_CENTURY = 0x32;

  // IAPC_BOOT_ARCH: there are ISA devices, and no VGA. Without the 8042 bit no guest looks for a
  // keyboard.
  private static final int LEGACY_DEVICES = 1;
  private static final int VGA_NOT_PRESENT = 1 << 2;

  // FADT flags.
  private static final int WBINVD = 1;
  private static final int PROC_C1 = 1 << 2;
  private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;
  private static final int RESET_REG_SUP = 1 << 10;

  private static final int RESET_PORT = 0xCF9;
  private static final int RESET_CPU_HARD = 0x06;

  private static final int SCI = 9;
  private static final long LOCAL_APIC = 0xFEE0_0000L;
  private static final long IO_APIC = 0xFEC0_0000L;
  static final long HPET = 0xFED0_0000L;
  private static final int PCAT_COMPAT = 1;
  private static final int ACTIVE_HIGH_LEVEL = 0xD;

  /**
   * What of the board the tables tell.
   *
   * @param cpus how many; their APIC ids are 0, 1, 2...
   * @param ioApicId of the one I/O APIC
   * @param pmBase first port of the power-management block; its PM1a event, control and timer
   *     registers are at offsets 0, 4 and 8
   * @param timerIs32Bit whether the power-management timer counts 32 bits, not 24
   * @param smiCommand port that takes {@code acpiEnable} and {@code acpiDisable}
   * @param softOffType SLP_TYP of S5
   * @param gpeBase first port of general-purpose events
   * @param hotplugBase first port of {@link PciHotplug}
   * @param hotplugSlots a bit for each slot whose devices come and go
   * @param panicPort of the panic device
   * @param pciMemoryStart first address below 4 GiB that the PCI bus has
   * @param pirqIrqs to which interrupts firmware has routed PIRQA# to PIRQD#
   */
  public record Board(
      int cpus,
      int ioApicId,
      int pmBase,
      boolean timerIs32Bit,
      int smiCommand,
      int acpiEnable,
      int acpiDisable,
      int softOffType,
      int gpeBase,
      int hotplugBase,
      int hotplugSlots,
      int panicPort,
      long pciMemoryStart,
      List<Integer> pirqIrqs) {}

  private final Board board;
  private final LinkedTables linked = new LinkedTables();
  private final ByteArrayOutputStream tables = new ByteArrayOutputStream();

  private AcpiTables(Board board) {
    this.board = board;
  }

  /** The files {@link #TABLES_FILE} and {@link #RSDP_FILE}. */
  public static LinkedTables of(Board board) {
    return new AcpiTables(board).build();
  }

  /** Writes all tables to where a kernel looks for them. */
  public static void write(GuestMemory memory, Board board) {
    LinkedTables linked = of(board);
    long start = RSDP + FACS_ALIGNMENT;
    if (start + linked.content(TABLES_FILE).length > Placement.MULTIBOOT_GDT) {
      throw new IllegalStateException("ACPI tables do not fit below 1 MiB");
    }
    linked.place(memory, Map.of(RSDP_FILE, RSDP, TABLES_FILE, start));
  }

  private LinkedTables build() {
    int facs = place(facs(), FACS_ALIGNMENT);
    int dsdt = placeTable(table("DSDT", 2, Dsdt.code(board)));
    int fadt = placeTable(fadt(facs, dsdt));
    pointer(fadt + FADT_FACS, 4);
    pointer(fadt + FADT_DSDT, 4);
    pointer(fadt + FADT_X_DSDT, 8);
    int madt = placeTable(table("APIC", 4, madt()));
    int hpet = placeTable(table("HPET", 1, hpet()));
    List<Integer> listed = List.of(fadt, madt, hpet);
    ByteBuffer pointers32 = buffer(4 * listed.size());
    ByteBuffer pointers64 = buffer(8 * listed.size());
    listed.forEach(pointers32::putInt);
    listed.forEach(pointers64::putLong);
    int rsdt = placeTable(table("RSDT", 1, pointers32.array()));
    int xsdt = placeTable(table("XSDT", 1, pointers64.array()));
    for (int i = 0; i < listed.size(); i++) {
      pointer(rsdt + HEADER_LENGTH + 4 * i, 4);
      pointer(xsdt + HEADER_LENGTH + 8 * i, 8);
    }
    linked.file(TABLES_FILE, tables.toByteArray(), FACS_ALIGNMENT, LinkedTables.Zone.HIGH);
    linked.file(RSDP_FILE, rsdp(rsdt, xsdt), TABLE_ALIGNMENT, LinkedTables.Zone.F_SEGMENT);
    linked.pointer(RSDP_FILE, RSDP_RSDT, 4, TABLES_FILE);
    linked.pointer(RSDP_FILE, RSDP_XSDT, 8, TABLES_FILE);
    // The first checksum covers what ACPI 1.0 defined.
    linked.checksum(RSDP_FILE, 8, 0, 20);
    linked.checksum(RSDP_FILE, 32, 0, RSDP_LENGTH);
    return linked;
  }

  private void pointer(int at, int size) {
    linked.pointer(TABLES_FILE, at, size, TABLES_FILE);
  }

  /** Appends a table; returns its offset in the file. */
  private int placeTable(byte[] table) {
    int at = place(table, TABLE_ALIGNMENT);
    linked.checksum(TABLES_FILE, at + CHECKSUM, at, table.length);
    return at;
  }

  private int place(byte[] table, int alignment) {
    tables.writeBytes(new byte[-tables.size() & alignment - 1]);
    int at = tables.size();
    tables.writeBytes(table);
    return at;
  }

  /** A table with the common header. */
  private static byte[] table(String signature, int revision, byte[] body) {
    ByteBuffer table = buffer(HEADER_LENGTH + body.length);
    table.put(ascii(signature)).putInt(table.capacity()).put((byte) revision).put((byte) 0);
    table.put(ascii("LODGE ")).put(ascii("LODGEPC ")).putInt(1).put(ascii("LODG")).putInt(1);
    table.put(body);
    return table.array();
  }

  private static byte[] rsdp(int rsdt, int xsdt) {
    ByteBuffer root = buffer(RSDP_LENGTH);
    root.put(ascii("RSD PTR ")).put((byte) 0).put(ascii("LODGE ")).put((byte) 2);
    return root.putInt(rsdt).putInt(RSDP_LENGTH).putLong(xsdt).array();
  }

  private static byte[] facs() {
    return buffer(FACS_LENGTH).put(ascii("FACS")).putInt(FACS_LENGTH).put(32, (byte) 2).array();
  }

  private byte[] fadt(int facs, int dsdt) {
    ByteBuffer fadt = ByteBuffer.wrap(table("FACP", 5, new byte[FADT_LENGTH - HEADER_LENGTH]));
    fadt.order(ByteOrder.LITTLE_ENDIAN);
    fadt.putInt(FADT_FACS, facs).putInt(FADT_DSDT, dsdt).putLong(FADT_X_DSDT, dsdt);
    fadt.putShort(FADT_SCI, (short) SCI);
    fadt.putInt(FADT_SMI_COMMAND, board.smiCommand);
    fadt.put(FADT_ACPI_ENABLE, (byte) board.acpiEnable)
        .put(FADT_ACPI_DISABLE, (byte) board.acpiDisable);
    fadt.putInt(FADT_PM1A_EVENT, board.pmBase).put(FADT_PM1_EVENT_LENGTH, (byte) 4);
    fadt.putInt(FADT_PM1A_CONTROL, board.pmBase + 4).put(FADT_PM1_CONTROL_LENGTH, (byte) 2);
    fadt.putInt(FADT_PM_TIMER, board.pmBase + 8).put(FADT_PM_TIMER_LENGTH, (byte) 4);
    fadt.putInt(FADT_GPE0, board.gpeBase).put(FADT_GPE0_LENGTH, (byte) AcpiGpe.LENGTH);
    fadt.putShort(FADT_C2_LATENCY, (short) NO_C2).putShort(FADT_C3_LATENCY, (short) NO_C3);
    fadt.put(FADT_CENTURY, (byte) RTC_CENTURY);
    fadt.putShort(FADT_BOOT_ARCHITECTURE, (short) (LEGACY_DEVICES | VGA_NOT_PRESENT));
    int timer = board.timerIs32Bit ? 1 << 8 : 0;
    fadt.putInt(FADT_FLAGS, WBINVD | PROC_C1 | NO_FIXED_SLEEP_BUTTON | RESET_REG_SUP | timer);
    port(fadt, FADT_RESET_REGISTER, RESET_PORT, 8);
    fadt.put(FADT_RESET_VALUE, (byte) RESET_CPU_HARD);
    port(fadt, FADT_X_PM1A_EVENT, board.pmBase, 32);
    port(fadt, FADT_X_PM1A_CONTROL, board.pmBase + 4, 16);
    port(fadt, FADT_X_PM_TIMER, board.pmBase + 8, 32);
    port(fadt, FADT_X_GPE0, board.gpeBase, 8 * AcpiGpe.LENGTH);
    return fadt.array();
  }

  /** A generic address structure for ports. */
  private static void port(ByteBuffer table, int at, int port, int bits) {
    int accessSize = bits == 8 ? 1 : bits == 16 ? 2 : 3;
    table
        .put(at, (byte) 1)
        .put(at + 1, (byte) bits)
        .put(at + 2, (byte) 0)
        .put(at + 3, (byte) accessSize);
    table.putLong(at + 4, port);
  }

  /** Local APICs, the I/O APIC, where ISA interrupts differ from their pins, and what LINT1 is. */
  private byte[] madt() {
    ByteBuffer madt = buffer(8 + 8 * board.cpus + 12 + 10 + 10 + 6);
    madt.putInt((int) LOCAL_APIC).putInt(PCAT_COMPAT);
    for (int cpu = 0; cpu < board.cpus; cpu++) {
      madt.put((byte) 0).put((byte) 8).put((byte) cpu).put((byte) cpu).putInt(1);
    }
    madt.put((byte) 1)
        .put((byte) 12)
        .put((byte) board.ioApicId)
        .put((byte) 0)
        .putInt((int) IO_APIC)
        .putInt(0);
    interruptOverride(madt, 0, 2, 0);
    interruptOverride(madt, SCI, SCI, ACTIVE_HIGH_LEVEL);
    madt.put((byte) 4).put((byte) 6).put((byte) 0xFF).putShort((short) 0).put((byte) 1);
    return madt.array();
  }

  /**
   * The event timer block: what it is, where in memory, its number, no limit to its ticks, nothing
   * else on its page to protect (IA-PC HPET specification 1.0a, 3.2.4).
   */
  private static byte[] hpet() {
    return buffer(20).putInt(Hpet.ID).putInt(0).putLong(HPET).array();
  }

  private static void interruptOverride(ByteBuffer madt, int irq, int gsi, int flags) {
    madt.put((byte) 2)
        .put((byte) 10)
        .put((byte) 0)
        .put((byte) irq)
        .putInt(gsi)
        .putShort((short) flags);
  }

  private static ByteBuffer buffer(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
