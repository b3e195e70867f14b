package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that write several images at once are killed at random moments. What they had flushed
 * is there, in images that at worst have leaks; the next process goes on with the same images.
 */
class KillTest {
  private static final int KILLS = 12;
  private static final int IMAGES = 8;
  private static final int SECTOR = 512;
  private static final int SECTORS = 8;
  private static final int BLOCK = SECTORS * SECTOR;

  /** Blocks that are only written; as many more are discarded and zeroed as well. */
  private static final int BLOCKS = 512;

  private static final int MOST_MILLISECONDS = 60;

  /** Small caches, so that tables are written at other times than flushes, too. */
  private static final long CACHE_BYTES = 1 << 14;

  @TempDir Path folder;

  /** Gives each image random changes of its own, for ever. */
  static final class Writer {
    /** The argument is the folder; the seed comes later, on a line. */
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
          if (changes.flush) {
            image.flush();
            say(number + " " + changes.count + " \n");
          }
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

    Changes(int image, int process) {
      random = new Random(IMAGES * process + image);
    }

    void next() {
      count++;
      block = random.nextInt(BLOCKS - 4);
      kind = random.nextInt(5);
      flush = random.nextInt(20) == 0;
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
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            folder.toString())
        .redirectErrorStream(true)
        .start();
  }

  @Test
  void whatWasFlushedOutlivesTheProcess() throws Exception {
    long seed = Long.getLong("lodge.fuzz.seed", System.nanoTime() & 0xFFFF_FFFFL);
    System.out.println("KillTest: -Dlodge.fuzz.seed=" + seed);
    Random random = new Random(seed);
    long[][] contents = new long[IMAGES][BLOCKS * SECTORS];
    for (int i = 0; i < IMAGES; i++) {
      Qcow2Image.create(
          path(folder, i),
          new Qcow2Options(2L * BLOCKS * BLOCK, 512 << i, 2 + i % 2, false, null, null));
    }
    long flushes = 0;
    Process next = startWriter();
    try {
      for (int kill = 1; kill <= KILLS; kill++) {
        Process writer = next;
        next = startWriter();
        List<String> lines = runAndKill(writer, kill, random.nextInt(MOST_MILLISECONDS));
        assertThat(lines).noneMatch(line -> line.startsWith("error"));
        flushes += lines.size();
        for (int i = 0; i < IMAGES; i++) {
          check(i, kill, lines, contents[i]);
        }
      }
    } finally {
      next.destroyForcibly().waitFor();
    }
    System.out.println(
        "KillTest: " + KILLS + " kills of " + IMAGES + " writers after " + flushes + " flushes");
  }

  /** What it said of flushes, one line each. */
  private static List<String> runAndKill(Process writer, int number, int milliseconds)
      throws Exception {
    writer.getOutputStream().write((number + "\n").getBytes(StandardCharsets.UTF_8));
    writer.getOutputStream().flush();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8));
    List<String> lines = new ArrayList<>(List.of(out.readLine()));
    Thread.sleep(milliseconds); // awaits nothing: any moment will do
    writer.toHandle().destroyForcibly(); // leaves what was said to be read
    out.lines().forEach(lines::add);
    writer.waitFor();
    return lines;
  }

  private void check(int number, int process, List<String> lines, long[] content) throws Exception {
    CheckReport report = Qcow2Image.check(path(folder, number), Repair.LEAKS);
    assertThat(report.problems()).noneMatch(problem -> problem.startsWith("ERROR"));
    assertThat(report.isClean()).isTrue();

    int flushed =
        lines.stream()
            .filter(line -> line.matches(number + " \\d+ "))
            .mapToInt(line -> Integer.parseInt(line.strip().split(" ")[1]))
            .max()
            .orElse(0);
    Changes changes = new Changes(number, process);
    for (int i = 0; i < flushed; i++) {
      changes.next();
      int first = changes.block * SECTORS;
      Arrays.fill(content, first, first + SECTORS, stamp(process, changes.count));
    }
    try (Qcow2Image image = Qcow2Image.open(path(folder, number), true)) {
      ByteBuffer shown = ByteBuffer.wrap(Exerciser.content(image, 0, BLOCKS * BLOCK));
      for (int sector = 0; sector < content.length; sector++) {
        long stamp = shown.getLong(sector * SECTOR);
        for (int at = 0; at < SECTOR; at += Long.BYTES) {
          assertThat(shown.getLong(sector * SECTOR + at)).isEqualTo(stamp);
        }
        if (stamp != content[sector]) {
          assertThat(stamp)
              .as("image %d, sector %d", number, sector)
              .isGreaterThan(stamp(process, flushed));
          content[sector] = stamp;
        }
      }
    }
  }
}
