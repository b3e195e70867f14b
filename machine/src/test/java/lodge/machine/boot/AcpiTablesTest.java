package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lodge.core.GuestMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcpiTablesTest {
  private static final AcpiTables.Board BOARD =
      new AcpiTables.Board(
          2,
          0,
          0x600,
          false,
          0xB2,
          0xF1,
          0xF0,
          5,
          0xAFE0,
          0xAE00,
          -1 << 4,
          0x505,
          0x2000_0000L,
          List.of(10, 10, 11, 11));

  private final GuestMemory memory = GuestMemory.allocate(32 << 20);

  @BeforeEach
  void write() {
    AcpiTables.write(memory, BOARD);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private int sum(long gpa, int length) {
    int sum = 0;
    for (int i = 0; i < length; i++) {
      sum += memory.getByte(gpa + i);
    }
    return sum & 0xFF;
  }

  private String signature(long table) {
    byte[] bytes = new byte[4];
    memory.get(table, bytes, 0, 4);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  /** The table, after a check of its name, place and checksum. */
  private long checked(String signature, long table) {
    assertThat(table).isBetween(0xE0000L, 0xFFFFFL);
    assertThat(signature(table)).isEqualTo(signature);
    assertThat(sum(table, memory.getInt(table + 4))).as(signature + " checksum").isZero();
    return table;
  }

  private long xsdt() {
    return checked("XSDT", memory.getLong(AcpiTables.RSDP + 24));
  }

  private long fadt() {
    return checked("FACP", memory.getLong(xsdt() + 36));
  }

  private long madt() {
    return checked("APIC", memory.getLong(xsdt() + 44));
  }

  private long hpet() {
    return checked("HPET", memory.getLong(xsdt() + 52));
  }

  private long dsdt() {
    return checked("DSDT", memory.getLong(fadt() + 140));
  }

  @Test
  void theRootPointerIsFoundByItsSignatureAndChecksums() {
    byte[] signature = new byte[8];
    memory.get(AcpiTables.RSDP, signature, 0, 8);
    assertThat(new String(signature, StandardCharsets.US_ASCII)).isEqualTo("RSD PTR ");
    assertThat(AcpiTables.RSDP % 16).isZero();
    assertThat(sum(AcpiTables.RSDP, 20)).isZero();
    assertThat(sum(AcpiTables.RSDP, 36)).isZero();
  }

  @Test
  void theOldAndTheNewRootTableNameTheSameTables() {
    long rsdt = checked("RSDT", memory.getInt(AcpiTables.RSDP + 16));
    assertThat(memory.getInt(rsdt + 36)).isEqualTo((int) fadt());
    assertThat(memory.getInt(rsdt + 40)).isEqualTo((int) madt());
    assertThat(memory.getInt(rsdt + 44)).isEqualTo((int) hpet());
    assertThat(memory.getInt(fadt() + 40)).isEqualTo((int) dsdt());
  }

  @Test
  void theFadtTellsPowerManagementPortsAndReset() {
    long fadt = fadt();
    assertThat(memory.getInt(fadt + 4)).isEqualTo(268);
    assertThat(memory.getShort(fadt + 46)).isEqualTo((short) 9);
    assertThat(memory.getInt(fadt + 56)).isEqualTo(0x600);
    assertThat(memory.getInt(fadt + 64)).isEqualTo(0x604);
    assertThat(memory.getInt(fadt + 76)).isEqualTo(0x608);
    assertThat(memory.getLong(fadt + 116 + 4)).isEqualTo(0xCF9);
    assertThat(memory.getByte(fadt + 128)).isEqualTo((byte) 6);
    assertThat(memory.getInt(fadt + 112) & 1 << 10).isNotZero();
    assertThat(memory.getLong(fadt + 208 + 4)).isEqualTo(0x608);
    assertThat(memory.getInt(fadt + 80)).as("general-purpose events").isEqualTo(0xAFE0);
    assertThat(memory.getByte(fadt + 92)).isEqualTo((byte) 4);
    assertThat(memory.getLong(fadt + 220 + 4)).isEqualTo(0xAFE0);
    long facs = memory.getInt(fadt + 36);
    assertThat(signature(facs)).isEqualTo("FACS");
    assertThat(facs % 64).isZero();
  }

  @Test
  void theMadtTellsProcessorsIoApicAndOverrides() {
    long madt = madt();
    assertThat(memory.getInt(madt + 36)).isEqualTo(0xFEE0_0000);
    StringBuilder entries = new StringBuilder();
    int length = memory.getInt(madt + 4);
    for (int at = 44; at < length; at += memory.getByte(madt + at + 1)) {
      entries.append(memory.getByte(madt + at)).append(' ');
      if (memory.getByte(madt + at) == 2) {
        entries
            .append(memory.getByte(madt + at + 3))
            .append("->")
            .append(memory.getInt(madt + at + 4))
            .append(':')
            .append(memory.getShort(madt + at + 8))
            .append(' ');
      }
    }
    assertThat(entries.toString()).isEqualTo("0 0 1 2 0->2:0 2 9->9:13 4 ");
  }

  @Test
  void theHpetTableTellsWhatTheChipItselfDoesAndWhereItIs() {
    long hpet = hpet();
    assertThat(memory.getInt(hpet + 4)).isEqualTo(56);
    assertThat(memory.getInt(hpet + 36)).isEqualTo(0x8086_A201);
    assertThat(memory.getByte(hpet + 40)).as("in memory").isZero();
    assertThat(memory.getLong(hpet + 44)).isEqualTo(0xFED0_0000L);
  }

  @Test
  void theIntelCompilerDisassemblesAndCompilesTheDsdtWithoutComplaint(@TempDir Path folder)
      throws Exception {
    byte[] table = new byte[memory.getInt(dsdt() + 4)];
    memory.get(dsdt(), table, 0, table.length);
    Files.write(folder.resolve("dsdt.aml"), table);
    String listing = iasl(folder, "-d", "dsdt.aml");
    assertThat(listing).doesNotContain("Error").contains("ASL Output");
    String source = Files.readString(folder.resolve("dsdt.dsl"));
    assertThat(source)
        .contains(
            "Device (PCI0)",
            "EisaId (\"PNP0A03\")",
            "EisaId (\"PNP0501\")",
            "EisaId (\"PNP0103\")",
            "0xFED00000,         // Address Base",
            "Name (\\_S5,",
            "QEMU0001")
        .contains("0x20000000,         // Range Minimum");
    // Slot 1's INTA# is PIRQA#, slot 2's PIRQB#; slot 31's INTD# is PIRQB# again.
    assertThat(source.replaceAll("\\s+", ""))
        .contains("Package(0x04){0x0001FFFF,Zero,Zero,0x0A}")
        .contains("Package(0x04){0x0001FFFF,0x03,Zero,0x0B}")
        .contains("Package(0x04){0x0002FFFF,One,Zero,0x0B}")
        .contains("Package(0x04){0x001FFFFF,0x03,Zero,0x0A}")
        .contains("OperationRegion(PCST,SystemIO,0xAE00,0x08)")
        .contains("Field(PCST,DWordAcc,NoLock,WriteAsZeros){PCIU,32,PCID,32}")
        .contains("Device(S20){Name(_SUN,0x04)//_SUN:SlotUserNumberName(_ADR,0x00040000)")
        .contains("Device(SF8){")
        .doesNotContain("Device(S18)")
        .contains("If((Arg0&0x80000000)){Notify(SF8,Arg1)}")
        .contains("Scope(\\_GPE){Method(_E01,0,NotSerialized)");
    Files.move(folder.resolve("dsdt.aml"), folder.resolve("original"));
    assertThat(iasl(folder, "-oa", "dsdt.dsl")).contains("0 Errors, 0 Warnings, 0 Remarks");
    byte[] again = Files.readAllBytes(folder.resolve("dsdt.aml"));
    // From the code on the bytes are the same: what was written is what ASL means.
    assertThat(again).hasSameSizeAs(table);
    assertThat(Arrays.copyOfRange(again, 36, again.length))
        .isEqualTo(Arrays.copyOfRange(table, 36, table.length));
  }

  private static String iasl(Path folder, String... arguments)
      throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = System.getProperty("lodge.iasl", "iasl");
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process;
    try {
      process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    } catch (IOException e) {
      System.out.println("skipped: iasl (package acpica-tools) is not installed");
      return abort("iasl is not installed");
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }
}
