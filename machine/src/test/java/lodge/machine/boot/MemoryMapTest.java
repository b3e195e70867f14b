package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import lodge.core.GuestMemory;
import lodge.machine.boot.MemoryMap.Entry;
import lodge.machine.boot.MemoryMap.Type;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryMapTest {
  private static final long MIB = 1 << 20;

  @Test
  void aSmallMachineHasLowMemoryFirmwareAndTheRest() {
    assertThat(MemoryMap.of(16 * MIB).entries())
        .containsExactly(
            new Entry(0, 0x9FC00, Type.USABLE),
            new Entry(0x9FC00, 0x400, Type.RESERVED),
            new Entry(0xE0000, 0x20000, Type.RESERVED),
            new Entry(MIB, 15 * MIB, Type.USABLE));
  }

  @Test
  void whatDoesNotFitBelowThePciHoleStartsAtFourGib() {
    List<Entry> entries = MemoryMap.of(8192 * MIB).entries();
    assertThat(entries.get(3)).isEqualTo(new Entry(MIB, 3071 * MIB, Type.USABLE));
    assertThat(entries.get(4)).isEqualTo(new Entry(4096 * MIB, 5120 * MIB, Type.USABLE));
  }

  @ParameterizedTest
  @ValueSource(longs = {16, 100, 512, 3071, 3072, 3073, 4096, 8192})
  void usableRangesAreRamInOrderAndWithoutOverlap(long mebibytes) {
    MemoryMap map = MemoryMap.of(mebibytes * MIB);
    long last = 0;
    long usable = 0;
    try (GuestMemory memory = GuestMemory.allocate(mebibytes * MIB)) {
      assertThat(map.lowRamEnd()).isEqualTo(memory.lowRamEnd());
      for (Entry entry : map.entries()) {
        assertThat(entry.start()).isGreaterThanOrEqualTo(last);
        assertThat(entry.length()).isPositive();
        last = entry.end();
        if (entry.type() == Type.USABLE) {
          assertThat(memory.isRam(entry.start(), entry.length())).isTrue();
          usable += entry.length();
        }
      }
      assertThat(last).isEqualTo(memory.end());
      assertThat(usable).isEqualTo(mebibytes * MIB - (MIB - 0x9FC00));
    }
  }
}
