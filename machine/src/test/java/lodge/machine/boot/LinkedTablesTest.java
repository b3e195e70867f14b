package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lodge.core.GuestMemory;
import org.junit.jupiter.api.Test;

class LinkedTablesTest {
  private final LinkedTables tables = new LinkedTables();

  LinkedTablesTest() {
    tables.file("one", new byte[] {5, 9, 0, 0, 0, 0, 0, 0}, 16, LinkedTables.Zone.F_SEGMENT);
    tables.file("two", new byte[] {0x20, 0, 0, 0, 0, 0, 0, 0}, 64, LinkedTables.Zone.HIGH);
    tables.pointer("one", 4, 4, "two");
    tables.pointer("two", 0, 8, "one");
    tables.checksum("one", 1, 0, 8);
  }

  @Test
  void placedTheyPointToEachOtherAndAddUpToZero() {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      tables.place(memory, Map.of("one", 0x1230L, "two", 0x4500L));
      assertThat(memory.getInt(0x1234)).isEqualTo(0x4500);
      assertThat(memory.getLong(0x4500)).isEqualTo(0x1250);
      assertThat(memory.getByte(0x1231)).isEqualTo((byte) -(5 + 0x45));
    }
  }

  @Test
  void theScriptSaysTheSameToFirmware() {
    ByteBuffer script = ByteBuffer.wrap(tables.script()).order(ByteOrder.LITTLE_ENDIAN);
    List<String> commands = new ArrayList<>();
    for (int at = 0; at < script.capacity(); at += 128) {
      String first = name(script, at + 4);
      commands.add(
          switch (script.getInt(at)) {
            case 1 ->
                "allocate %s %d %d".formatted(first, script.getInt(at + 60), script.get(at + 64));
            case 2 ->
                "pointer %s %s %d %d"
                    .formatted(
                        first,
                        name(script, at + 60),
                        script.getInt(at + 116),
                        script.get(at + 120));
            case 3 ->
                "checksum %s %d %d %d"
                    .formatted(
                        first,
                        script.getInt(at + 60),
                        script.getInt(at + 64),
                        script.getInt(at + 68));
            default -> "?";
          });
    }
    assertThat(commands)
        .containsExactly(
            "allocate one 16 2",
            "allocate two 64 1",
            "pointer one two 4 4",
            "pointer two one 0 8",
            "checksum one 1 0 8");
  }

  private static String name(ByteBuffer script, int at) {
    byte[] name = new byte[56];
    script.get(at, name);
    return new String(name, StandardCharsets.US_ASCII).trim();
  }
}
