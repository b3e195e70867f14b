package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import lodge.core.GuestMemory;
import org.junit.jupiter.api.Test;

class SmbiosTest {
  private static final UUID IDENTITY = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

  private final List<String> structures = new ArrayList<>();
  private final List<Integer> starts = new ArrayList<>();
  private ByteBuffer tables;
  private ByteBuffer anchor;

  private void describe(int cpus, long size) {
    try (GuestMemory memory = GuestMemory.allocate(size)) {
      Smbios.Files files = Smbios.of(cpus, memory, IDENTITY);
      tables = ByteBuffer.wrap(files.tables()).order(ByteOrder.LITTLE_ENDIAN);
      anchor = ByteBuffer.wrap(files.anchor()).order(ByteOrder.LITTLE_ENDIAN);
    }
    for (int at = 0; at < tables.capacity(); ) {
      structures.add((tables.get(at) & 0xFF) + ":" + tables.get(at + 1));
      starts.add(at);
      at += tables.get(at + 1);
      while (tables.getShort(at) != 0) {
        at++;
      }
      at += 2;
    }
  }

  @Test
  void everyStructureHasTheLengthOfItsVersion() {
    describe(2, 64 << 20);
    assertThat(structures)
        .containsExactly(
            "0:24", "1:27", "3:22", "4:42", "4:42", "16:23", "17:40", "19:31", "32:11", "127:4");
  }

  @Test
  void theEntryPointCountsTheStructures() {
    describe(1, 64 << 20);
    assertThat(anchor.capacity()).isEqualTo(31);
    assertThat(anchor.getInt(0)).isEqualTo(0x5F4D_535F);
    assertThat(anchor.get(5)).isEqualTo((byte) 31);
    assertThat(anchor.getShort(22)).isEqualTo((short) tables.capacity());
    assertThat(anchor.getShort(28)).isEqualTo((short) structures.size());
  }

  @Test
  void theSystemHasItsUuidInTheOrderOfVersion2Point6() {
    describe(1, 64 << 20);
    int uuid = starts.get(1) + 8;
    assertThat(tables.getInt(uuid)).isEqualTo(0x0011_2233);
    assertThat(tables.getShort(uuid + 4)).isEqualTo((short) 0x4455);
    assertThat(tables.getShort(uuid + 6)).isEqualTo((short) 0x6677);
    assertThat(tables.order(ByteOrder.BIG_ENDIAN).getLong(uuid + 8))
        .isEqualTo(0x8899_AABB_CCDD_EEFFL);
  }

  @Test
  void memoryAbove4GiBIsARangeOfItsOwn() {
    describe(1, 5L << 30);
    assertThat(structures.subList(4, 8)).containsExactly("16:23", "17:40", "19:31", "19:31");
    assertThat(tables.getShort(starts.get(5) + 12)).as("MiB").isEqualTo((short) 5120);
    int low = starts.get(6);
    int high = starts.get(7);
    assertThat(tables.getInt(low + 8)).as("last KiB").isEqualTo((3 << 20) - 1);
    assertThat(tables.getInt(high + 4)).isEqualTo(4 << 20);
    assertThat(tables.getInt(high + 8)).isEqualTo((6 << 20) - 1);
  }
}
