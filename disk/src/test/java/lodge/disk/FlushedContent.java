package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What each sector of a disk had when, to tell what it may have after a power cut. */
final class FlushedContent {
  private static final int SECTOR = 512;

  /** What a sector, or the disk's size, was from a step on. */
  private record Version(int step, byte[] bytes) {}

  private record Flush(int moment, int step) {}

  private static final byte[] BEYOND_THE_END = {};

  private final List<List<Version>> sectors = new ArrayList<>();
  private final List<Integer> sizes = new ArrayList<>();
  private final List<Flush> flushes = new ArrayList<>();

  FlushedContent(byte[] disk) {
    has(disk);
    flushed(0);
  }

  /** The disk has this after one step more. */
  void has(byte[] disk) {
    sizes.add(disk.length);
    while (sectors.size() < disk.length / SECTOR) {
      sectors.add(new ArrayList<>(List.of(new Version(0, BEYOND_THE_END))));
    }
    for (int i = 0; i < sectors.size(); i++) {
      byte[] now = sector(disk, i);
      if (!Arrays.equals(now, sectors.get(i).getLast().bytes)) {
        sectors.get(i).add(new Version(sizes.size() - 1, now));
      }
    }
  }

  private static byte[] sector(byte[] disk, int number) {
    int at = number * SECTOR;
    return at < disk.length ? Arrays.copyOfRange(disk, at, at + SECTOR) : BEYOND_THE_END;
  }

  /** What it has now outlives a cut at this moment or later. */
  void flushed(int moment) {
    flushes.add(new Flush(moment, sizes.size() - 1));
  }

  /** After a cut there is what was flushed, or what was written since. */
  void check(int cut, byte[] disk) {
    Flush flush = flushes.stream().filter(each -> each.moment <= cut).toList().getLast();
    assertThat(sizes.subList(flush.step, sizes.size())).contains(disk.length);
    for (int i = 0; i < disk.length / SECTOR; i++) {
      byte[] there = sector(disk, i);
      List<Version> versions = sectors.get(i);
      int first = versions.size() - 1;
      while (first > 0 && versions.get(first).step > flush.step) {
        first--;
      }
      boolean known =
          versions.subList(first, versions.size()).stream()
              .map(Version::bytes)
              .anyMatch(bytes -> bytes == BEYOND_THE_END || Arrays.equals(bytes, there));
      assertThat(known).as("sector %d after a cut at %d, %s", i, cut, flush).isTrue();
    }
  }
}
