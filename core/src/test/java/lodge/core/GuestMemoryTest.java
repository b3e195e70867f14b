package lodge.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pages that go back to the host. */
class GuestMemoryTest {
  private static final long SIZE = 8 << 20;
  private static final long FROM = 0x20_0000;
  private static final long LENGTH = 0x40_0000;

  private final GuestMemory memory = GuestMemory.allocate(SIZE);

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void discardedPagesReadAsZeroesAndTheirNeighboursStay() {
    memory.fill(0, SIZE, (byte) 7);
    memory.discard(FROM, LENGTH);
    assertThat(memory.getByte(FROM - 1)).isEqualTo((byte) 7);
    assertThat(memory.getByte(FROM + LENGTH)).isEqualTo((byte) 7);
    for (long gpa = FROM; gpa < FROM + LENGTH; gpa += 8) {
      assertThat(memory.getLong(gpa)).isZero();
    }
    memory.putLong(FROM, 1);
    assertThat(memory.getLong(FROM)).isEqualTo(1);
  }

  @Test
  void discardedPagesTakeNoRoomInTheHost() throws IOException {
    Path maps = Path.of("/proc/self/smaps");
    assumeTrue(Files.exists(maps), "only Linux tells what is resident");
    memory.fill(0, SIZE, (byte) 7);
    long before = told(maps, "Rss:");
    memory.discard(FROM, LENGTH);
    assertThat(before - told(maps, "Rss:")).isEqualTo(LENGTH);
  }

  @Test
  void hugePagesAreThereWhereTheyAreAskedFor() throws IOException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "only Linux is asked for huge pages");
    assertThat(memory.hostBase() % (2 << 20)).isZero();
    Path allowed = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    assumeTrue(
        Files.exists(allowed) && !Files.readString(allowed).contains("[never]"),
        "this host has no transparent huge pages");
    assertThat(memory.hugePages()).isTrue();
    for (long gpa = 0; gpa < SIZE; gpa += GuestMemory.PAGE_SIZE) {
      memory.putByte(gpa, (byte) 1);
    }
    assertThat(told(Path.of("/proc/self/smaps"), "AnonHugePages:")).isPositive();
  }

  /** Bytes in the mapping that holds the memory; neighbours of its kind may be part of it. */
  private long told(Path maps, String what) throws IOException {
    boolean inside = false;
    for (String line : Files.readAllLines(maps)) {
      String[] words = line.split("[ -]+");
      if (words[0].matches("[0-9a-f]+") && words[1].matches("[0-9a-f]+")) {
        inside =
            Long.compareUnsigned(HexFormat.fromHexDigitsToLong(words[0]), memory.hostBase()) <= 0
                && Long.compareUnsigned(memory.hostBase(), HexFormat.fromHexDigitsToLong(words[1]))
                    < 0;
      } else if (inside && words[0].equals(what)) {
        return Long.parseLong(words[1]) << 10;
      }
    }
    throw new AssertionError("no mapping");
  }

  @Test
  void codeOfDiscardedPagesIsForgotten() {
    AtomicInteger woken = new AtomicInteger();
    CodeWatch.Cache cache =
        new CodeWatch.Cache() {
          @Override
          public void protectFromWrites(long gpaPage) {}

          @Override
          public void codeChanged(long gpaPage) {}
        };
    CodeWatch.Member one = memory.codeWatch().join(woken::incrementAndGet);
    memory.codeWatch().join(woken::incrementAndGet);
    one.cover(FROM + LENGTH, -1, cache);
    memory.discard(FROM, LENGTH);
    assertThat(woken).as("a neighbour").hasValue(0);
    memory.discard(FROM, LENGTH + GuestMemory.PAGE_SIZE);
    assertThat(woken).hasValue(1);
  }
}
