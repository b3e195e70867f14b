package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ShadowRamTest {
  private static final int LAST = 12;
  private static final long LAST_START = 0xF_0000;

  private final byte[] rom = new byte[0x2_0000];
  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final MmioBus bus = new MmioBus();
  private final ShadowRam shadow;

  ShadowRamTest() {
    Arrays.fill(rom, (byte) 0x42);
    shadow = new ShadowRam(memory, rom);
    bus.map(ShadowRam.START, ShadowRam.LENGTH, 8, shadow);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private void store(long gpa, int value) {
    if (memory.isRam(gpa)) {
      memory.putByte(gpa, (byte) value);
    } else {
      bus.write(gpa, 1, value);
    }
  }

  @Test
  void afterResetTheRomEndsAtOneMegabyteAndTakesNoStores() {
    store(LAST_START, 1);
    assertThat(memory.getByte(LAST_START)).isEqualTo((byte) 0x42);
    assertThat(memory.getByte(0xF_FFFF)).isEqualTo((byte) 0x42);
    assertThat(memory.getByte(0xE_0000)).isEqualTo((byte) 0x42);
    assertThat(memory.getByte(0xD_FFFF)).as("in front of the ROM").isEqualTo((byte) 0xFF);
    assertThat(memory.isReadable(0xC_0000)).isTrue();
    assertThat(memory.isRam(0xC_0000)).isFalse();
  }

  @Test
  void firmwareCopiesItselfToRamByReadingFromRomAndWritingToRam() {
    shadow.set(LAST, false, true);
    for (long gpa = LAST_START; gpa < 0x10_0000; gpa++) {
      store(gpa, memory.getByte(gpa) + 1);
    }
    assertThat(memory.getByte(LAST_START)).as("still the ROM").isEqualTo((byte) 0x42);
    shadow.set(LAST, true, false);
    assertThat(memory.getByte(LAST_START)).isEqualTo((byte) 0x43);
    assertThat(memory.getByte(0xF_FFFF)).isEqualTo((byte) 0x43);
    store(LAST_START, 7);
    assertThat(memory.getByte(LAST_START)).as("protected").isEqualTo((byte) 0x43);
    shadow.set(LAST, true, true);
    store(LAST_START, 7);
    assertThat(memory.getByte(LAST_START)).isEqualTo((byte) 7);
    shadow.set(LAST, false, false);
    assertThat(memory.getByte(LAST_START)).as("the ROM again").isEqualTo((byte) 0x42);
  }

  @Test
  void segmentsHave16KibibytesAndTheLastOne64() {
    shadow.set(0, true, true);
    shadow.set(11, true, true);
    assertThat(memory.isRam(0xC_0000, 0x4000)).isTrue();
    assertThat(memory.isRam(0xC_4000)).isFalse();
    assertThat(memory.isRam(0xE_BFFF)).isFalse();
    assertThat(memory.isRam(0xE_C000, 0x4000)).isTrue();
    assertThat(memory.isRam(0xF_0000)).isFalse();
    shadow.set(LAST, true, true);
    assertThat(memory.isRam(0xF_0000, 0x1_0000)).isTrue();
  }

  @Test
  void savedStateBringsBothMemoriesBack() {
    shadow.set(LAST, true, true);
    store(LAST_START, 7);
    shadow.set(LAST, false, true);
    ShadowRam.State saved = shadow.state();
    byte[] seen = new byte[ShadowRam.LENGTH];
    memory.get(ShadowRam.START, seen, 0, seen.length);
    shadow.reset();
    memory.put(ShadowRam.START, seen, 0, seen.length);
    shadow.restore(saved);
    assertThat(memory.getByte(LAST_START)).isEqualTo((byte) 0x42);
    shadow.set(LAST, true, true);
    assertThat(memory.getByte(LAST_START)).isEqualTo((byte) 7);
    assertThatThrownBy(() -> shadow.restore(new ShadowRam.State(0, 0, new byte[1])))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
