package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that write several images and make snapshots of them are killed at random moments. What
 * they had flushed or kept is there, in images that at worst have leaks; the next process goes on
 * with the same images.
 */
class KillTest {
  private static final int KILLS = 200;
  private static final int IMAGES = 4;
  private static final int SECTOR = 512;
  private static final int SECTORS = 8;
  private static final int BLOCK = SECTORS * SECTOR;

  /** Blocks that are only written; as many more are discarded and zeroed as well. */
  private static final int BLOCKS = 128;

  /** So often, at most, writers say that something is durable before they are killed. */
  private static final int MOST_WORDS = 40;

  /** Of so many images QEMU looks at one. */
  private static final int QEMU_SHARE = 4;

  /** Small caches, so that tables are written at other times than flushes, too. */
  private static final long CACHE_BYTES = 1 << 14;

  private static final int KEPT_SNAPSHOTS = 2;

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  /** Gives each image random changes of its own, for ever. */
  static final class Writer {
    /** The argument is the folder; the process's number comes later, on a line. */
    public static void main(String[] arguments) throws Exception {
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      Path folder = Path.of(arguments[0]);
      int process = Integer.parseInt(in.readLine());
      for (int i = 0; i < IMAGES; i++) {
        int image = i;
        Thread.ofPlatform().start(() -> write(folder, image, process));
      }
    }

    private static void write(Path folder, int number, int process) {
      Changes changes = new Changes(number, process);
      ByteBuffer block = ByteBuffer.allocate(BLOCK);
      try (Qcow2Image image = Qcow2Image.open(path(folder, number), false, CACHE_BYTES)) {
        ArrayDeque<String> snapshots =
            new ArrayDeque<>(image.snapshots().stream().map(Snapshot::name).toList());
        while (true) {
          changes.next();
          long stamp = stamp(process, changes.count);
          block.clear();
          while (block.hasRemaining()) {
            block.putLong(stamp);
          }
          image.write((long) changes.block * BLOCK, block.flip());
          long other = (long) (BLOCKS + changes.block) * BLOCK;
          switch (changes.kind) {
            case 0, 1 -> image.writeZeroes(other, BLOCK, changes.kind == 0);
            case 2 -> image.discard(other, 4 * BLOCK);
            default -> image.write(other, block.flip());
          }
          if (changes.snapshot) {
            image.createSnapshot(Long.toString(stamp));
            snapshots.add(Long.toString(stamp));
            while (snapshots.size() > KEPT_SNAPSHOTS) {
              image.deleteSnapshot(snapshots.remove());
            }
          } else if (changes.flush) {
            image.flush();
          } else {
            continue;
          }
          say(number + " " + changes.count + " \n");
        }
      } catch (IOException e) {
        say("error " + e + "\n");
      }
    }

    private static synchronized void say(String line) {
      System.out.print(line);
      System.out.flush();
    }
  }

  /** The same changes for the process that makes them and for the test. */
  private static final class Changes {
    private final Random random;
    int count;
    int block;
    int kind;
    boolean flush;
    boolean snapshot;

    Changes(int image, int process) {
      random = new Random(IMAGES * process + image);
    }

    void next() {
      count++;
      block = random.nextInt(BLOCKS - 4);
      kind = random.nextInt(5);
      flush = random.nextInt(10) == 0;
      snapshot = random.nextInt(40) == 0;
    }

    void writeTo(long[] content, int process) {
      int first = block * SECTORS;
      Arrays.fill(content, first, first + SECTORS, stamp(process, count));
    }
  }

  private static Path path(Path folder, int number) {
    return folder.resolve("image" + number);
  }

  /** Differs between changes, and between processes. */
  private static long stamp(int process, int change) {
    return (long) process << 32 | change;
  }

  private Process startWriter() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx64m",
            "-XX:-UsePerfData",
            "-cp",
            Tool.classPath(),
            Writer.class.getName(),
            folder.toString())
        .redirectErrorStream(true)
        .start();
  }

  @Test
  void whatWasFlushedOutlivesTheProcess() throws Exception {
    Qemu.require();
    long seed = Long.getLong("lodge.fuzz.seed", 1);
    System.out.println("KillTest: -Dlodge.fuzz.seed=" + seed);
    Random random = new Random(seed);
    List<State> states = new ArrayList<>();
    for (int i = 0; i < IMAGES; i++) {
      Qcow2Image.create(
          path(folder, i),
          new Qcow2Options(2L * BLOCKS * BLOCK, 512 << 2 * i, 2 + i % 2, false, null, null));
      states.add(new State(i));
    }
    long words = 0;
    Process next = startWriter();
    try {
      for (int kill = 1; kill <= KILLS; kill++) {
        Process writer = next;
        next = startWriter();
        List<String> lines = runAndKill(writer, kill, random.nextInt(1, MOST_WORDS));
        assertThat(lines).noneMatch(line -> line.startsWith("error"));
        words += lines.size();
        for (State state : states) {
          state.check(kill, lines);
        }
      }
    } finally {
      next.destroyForcibly().waitFor();
    }
    long kept = states.stream().mapToLong(state -> state.snapshotsSeen).sum();
    System.out.println(
        "KillTest: %d kills of %d writers after %d flushes and snapshots; %d snapshots seen"
            .formatted(KILLS, IMAGES, words, kept));
    assertThat(kept).isPositive();
  }

  /** What it said of flushes and snapshots, one line each. */
  private static List<String> runAndKill(Process writer, int number, int words) throws Exception {
    writer.getOutputStream().write((number + "\n").getBytes(StandardCharsets.UTF_8));
    writer.getOutputStream().flush();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8));
    List<String> lines = new ArrayList<>();
    while (lines.size() < words) {
      String line = out.readLine();
      assertThat(line).as("what the writer says after %s", lines).isNotNull();
      lines.add(line);
    }
    writer.toHandle().destroyForcibly(); // leaves what was said to be read
    out.lines().forEach(lines::add);
    writer.waitFor();
    return lines;
  }

  /** What one image has to show. */
  private final class State {
    private final int number;
    private final long[] content = new long[BLOCKS * SECTORS];
    private final Map<String, long[]> snapshots = new TreeMap<>();
    private int snapshotsSeen;

    State(int number) {
      this.number = number;
    }

    void check(int process, List<String> lines) throws Exception {
      Path path = path(folder, number);
      if ((process + number) % QEMU_SHARE == 0) {
        assertThat(Tool.run("qemu-img", "check", "-f", "qcow2", "-r", "leaks", path.toString()))
            .returns(0, Tool::status);
      }
      CheckReport report = Qcow2Image.check(path, Repair.LEAKS);
      assertThat(report.problems())
          .noneMatch(line -> line.startsWith("ERROR") && !line.contains("OFLAG_COPIED"));
      assertThat(report.isClean()).isTrue();
      int flushed =
          lines.stream()
              .filter(line -> line.matches(number + " \\d+ "))
              .mapToInt(line -> Integer.parseInt(line.strip().split(" ")[1]))
              .max()
              .orElse(0);
      checkSnapshots(process, flushed);
      checkContent(process, flushed);
    }

    /** Any of them has what the disk had then, and the last that was kept for sure is there. */
    private void checkSnapshots(int process, int flushed) throws Exception {
      List<String> names;
      try (Qcow2Image image = Qcow2Image.open(path(folder, number), true)) {
        names = image.snapshots().stream().map(Snapshot::name).toList();
      }
      long newest = names.isEmpty() ? 0 : Long.parseLong(names.getLast());
      long[] then = content.clone();
      Changes changes = new Changes(number, process);
      while (changes.count < flushed || stamp(process, changes.count) < newest) {
        changes.next();
        changes.writeTo(then, process);
        if (changes.snapshot) {
          snapshots.put(Long.toString(stamp(process, changes.count)), then.clone());
          assertThat(changes.count > flushed || newest >= stamp(process, changes.count)).isTrue();
        }
      }
      assertThat(names).hasSizeGreaterThanOrEqualTo(Math.min(KEPT_SNAPSHOTS, snapshots.size()));
      snapshots.keySet().retainAll(names);
      assertThat(snapshots.keySet()).containsExactlyInAnyOrderElementsOf(names);
      for (String name : names) {
        try (Qcow2Image image = Qcow2Image.openSnapshot(path(folder, number), Access.READ, name)) {
          assertThat(stamps(image)).isEqualTo(snapshots.get(name));
        }
        snapshotsSeen++;
      }
    }

    private void checkContent(int process, int flushed) throws Exception {
      Changes changes = new Changes(number, process);
      while (changes.count < flushed) {
        changes.next();
        changes.writeTo(content, process);
      }
      try (Qcow2Image image = Qcow2Image.open(path(folder, number), true)) {
        long[] shown = stamps(image);
        for (int sector = 0; sector < content.length; sector++) {
          if (shown[sector] != content[sector]) {
            assertThat(shown[sector])
                .as("image %d, sector %d", number, sector)
                .isGreaterThan(stamp(process, flushed));
            content[sector] = shown[sector];
          }
        }
      }
    }

    /** One for each sector, which has nothing else. */
    private long[] stamps(Qcow2Image image) throws IOException {
      ByteBuffer shown = ByteBuffer.wrap(Exerciser.content(image, 0, BLOCKS * BLOCK));
      long[] stamps = new long[content.length];
      for (int sector = 0; sector < stamps.length; sector++) {
        stamps[sector] = shown.getLong(sector * SECTOR);
        for (int at = 0; at < SECTOR; at += Long.BYTES) {
          if (shown.getLong(sector * SECTOR + at) != stamps[sector]) {
            throw new AssertionError("image " + number + ", sector " + sector + " is torn");
          }
        }
      }
      return stamps;
    }
  }
}
