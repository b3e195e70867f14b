package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lodge.disk.Qcow2Image;
import lodge.disk.Repair;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code lodge image} does and prints what qemu-img does and prints. */
class ImageCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void files() throws Exception {
    try {
      qemu("--version");
    } catch (IOException e) {
      String reason = "Skipped: qemu-img (package qemu-utils) is missing";
      System.out.println(reason);
      abort(reason);
    }
    byte[] content = new byte[3 << 20];
    byte[] noise = new byte[1 << 20];
    new Random(1).nextBytes(noise);
    System.arraycopy(noise, 0, content, 1 << 19, noise.length);
    Files.write(folder.resolve("raw"), content);
    qemu("convert", "-O", "qcow2", "raw", "qcow2");
    qemu("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "qcow2", "top", "5M");
  }

  private record Run(int status, String output) {}

  private Run qemu(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("qemu-img"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), output);
  }

  /** Words that name files in the folder become their paths. */
  private Run lodge(String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    List<String> words = new ArrayList<>(List.of("image"));
    for (String argument : arguments) {
      words.add(argument.replace("@", folder + "/"));
    }
    int status =
        Lodge.run(
            words,
            new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(output, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8)));
    assertThat(errors.toString(StandardCharsets.UTF_8)).isEmpty();
    return new Run(status, output.toString(StandardCharsets.UTF_8));
  }

  /** Paths stand in front of names in what Lodge prints, and nowhere else. */
  private void same(String line) throws Exception {
    Run lodge = lodge(line.split(" "));
    Run qemu = qemu(line.replace("@", "").split(" "));
    assertThat(lodge.output().replaceAll(" \\(actual path: [^)]*\\)", "").replace(folder + "/", ""))
        .isEqualTo(qemu.output());
    assertThat(lodge.status()).isEqualTo(qemu.status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "info @raw",
        "info @qcow2",
        "info @top",
        "info --backing-chain @top",
        "info -f raw @qcow2",
        "map @raw",
        "map @qcow2",
        "map @top",
        "map --output=json @top",
        "map --output=json @raw",
        "compare @raw @qcow2",
        "compare @raw @top",
        "compare -s @raw @top",
        "compare -q @raw @top",
        "compare -f raw @qcow2 @raw",
        "compare -s @qcow2 @qcow2"
      })
  void printsWhatQemuImgPrints(String line) throws Exception {
    same(line);
  }

  @Test
  void jsonHasQemusKeys() throws Exception {
    String lodge = lodge("info", "--json", "--backing-chain", "@top").output();
    String qemu = qemu("info", "--output=json", "--backing-chain", "top").output();
    assertThat(lines(lodge.replace(folder + "/", ""))).isEqualTo(lines(qemu));
  }

  private static List<String> lines(String json) {
    return Arrays.stream(json.split("\n"))
        .map(line -> line.strip().replace(",", ""))
        .sorted()
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "'convert -O qcow2 @raw @made', qcow2",
    "'convert -O qcow2 -c @raw @made', qcow2",
    "'convert -f qcow2 -O raw @top @made', raw",
    "'convert @qcow2 @made', raw",
    "'convert -O qcow2 -o cluster_size=4k,compat=0.10 @raw @made', qcow2",
    "'convert -S 64k @raw @made', raw",
    "'convert -S 0 -O qcow2 @raw @made', qcow2",
    "'convert -O qcow2 -B qcow2 -F qcow2 @top @made', qcow2"
  })
  void convertsSoThatQemuReadsTheSame(String line, String format) throws Exception {
    assertThat(lodge(line.split(" ")).status()).isZero();
    assertThat(qemu("compare", "-F", format, "raw", "made").status()).isZero();
    if (format.equals("qcow2")) {
      assertThat(qemu("check", "made").status()).isZero();
    }
    assertThat(lodge("compare", "@raw", "@made", "-F", format).status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "qcow2"})
  void writesOverAnImage(String format) throws Exception {
    byte[] more = new byte[4 << 20];
    Arrays.fill(more, (byte) 90);
    Files.write(folder.resolve("more"), more);
    for (String made : List.of("lodges", "qemus")) {
      qemu("convert", "-O", format, "more", made);
    }

    assertThat(lodge("convert", "-n", "-O", format, "@qcow2", "@lodges").status()).isZero();

    qemu("convert", "-n", "-O", format, "qcow2", "qemus");
    assertThat(qemu("compare", "-f", format, "-F", format, "lodges", "qemus").status()).isZero();
    if (format.equals("qcow2")) {
      assertThat(lodge("check", "-q", "@lodges").status()).isZero();
    }
  }

  @Test
  void convertsWhatASnapshotHasKept() throws Exception {
    lodge("snapshot", "-c", "before", "@qcow2");
    lodge("resize", "-q", "@qcow2", "4M");
    qemu("convert", "-n", "-O", "qcow2", "top", "qcow2");

    lodge("convert", "-l", "before", "@qcow2", "@kept");
    lodge("convert", "-O", "qcow2", "--snapshot", "1", "@qcow2", "@again");

    assertThat(folder.resolve("kept")).hasSameBinaryContentAs(folder.resolve("raw"));
    assertThat(qemu("compare", "raw", "again").output()).contains("identical");
    assertThat(Qcow2Image.check(folder.resolve("qcow2"), Repair.NOTHING).isClean()).isTrue();
  }

  @Test
  void createsWhatQemuOpens() throws Exception {
    lodge("create", "-f", "qcow2", "-o", "cluster_size=1M", "@made", "1.5G");
    assertThat(qemu("info", "made").output())
        .contains("virtual size: 1.5 GiB (1610612736 bytes)")
        .contains("cluster_size: 1048576");
    assertThat(lodge("create", "@raw2", "1000").output()).contains("size=1024");
    assertThat(Files.size(folder.resolve("raw2"))).isEqualTo(1024);
    assertThat(lodge("create", "-q", "-f", "qcow2", "-b", "top", "-F", "qcow2", "@over").output())
        .isEmpty();
    assertThat(qemu("info", "over").output()).contains("5 MiB (5242880 bytes)");
  }

  @Test
  void checksAndRepairsLeaks() throws Exception {
    assertThat(lodge("check", "@qcow2")).isEqualTo(qemu("check", "qcow2"));
    assertThat(lodge("check", "-q", "@qcow2").output()).isEmpty();
    leak();
    Run check = lodge("check", "@qcow2");
    assertThat(check.output()).contains("1 leaked clusters were found on the image.");
    assertThat(check.status()).isEqualTo(3).isEqualTo(qemu("check", "qcow2").status());
    assertThat(lodge("check", "--json", "@qcow2").output()).contains("\"leaks\": 1,");
    assertThat(lodge("check", "-r", "leaks", "@qcow2").status()).isZero();
    assertThat(qemu("check", "qcow2").status()).isZero();
  }

  @Test
  void resizesAndKeepsSnapshots() throws Exception {
    assertThat(lodge("snapshot", "-c", "before", "@qcow2").status()).isZero();
    assertThat(lodge("resize", "@qcow2", "+2M").output()).isEqualTo("Image resized.\n");
    assertThat(qemu("info", "qcow2").output()).contains("5 MiB (5242880 bytes)");
    qemu("snapshot", "-c", "after", "qcow2");
    assertThat(lodge("resize", "-q", "--shrink", "@qcow2", "-4M").output()).isEmpty();
    assertThat(lodge("snapshot", "-l", "@qcow2").output().lines().map(l -> l.split(" +")[1]))
        .containsExactly("list:", "TAG", "before", "after");
    assertThat(lodge("info", "@qcow2").output()).contains("Snapshot list:");
    assertThat(lodge("info", "--json", "@qcow2").output()).contains("\"name\": \"after\"");
    assertThat(lodge("snapshot", "-a", "before", "@qcow2").status()).isZero();
    assertThat(qemu("compare", "-f", "raw", "raw", "qcow2").status()).isZero();
    lodge("snapshot", "-d", "before", "@qcow2");
    lodge("snapshot", "-d", "after", "@qcow2");
    assertThat(lodge("snapshot", "@qcow2").output()).isEmpty();
    assertThat(qemu("check", "qcow2").status()).isZero();
    lodge("resize", "-q", "-f", "raw", "@raw", "4M");
    assertThat(Files.size(folder.resolve("raw"))).isEqualTo(4 << 20);
  }

  @Test
  void commitsAndRebases() throws Exception {
    qemu("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "top", "over");
    Process write =
        new ProcessBuilder("qemu-io", "-f", "qcow2", "-c", "write -P 7 4M 64k", "over")
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(write.waitFor()).isZero();
    qemu("convert", "-O", "raw", "over", "model");
    assertThat(lodge("commit", "-f", "qcow2", "-d", "@over").output())
        .isEqualTo("Image committed.\n");
    assertThat(qemu("map", "--output=json", "over").output()).contains("\"depth\": 0");
    assertThat(lodge("commit", "-q", "@over").output()).isEmpty();
    assertThat(qemu("map", "--output=json", "over").output()).doesNotContain("\"depth\": 0");
    assertThat(qemu("compare", "-F", "raw", "top", "model").status()).isZero();

    assertThat(lodge("rebase", "-b", "qcow2", "-F", "qcow2", "@over").status()).isZero();
    assertThat(qemu("info", "over").output()).contains("backing file: qcow2");
    assertThat(qemu("compare", "-F", "raw", "over", "model").status()).isZero();
    Files.move(folder.resolve("qcow2"), folder.resolve("moved"));
    assertThat(lodge("rebase", "-u", "-b", "moved", "-F", "qcow2", "@over").status()).isZero();
    assertThat(qemu("compare", "-F", "raw", "over", "model").status()).isZero();
    assertThat(lodge("rebase", "-b", "", "@over").status()).isZero();
    assertThat(qemu("info", "over").output()).doesNotContain("backing file");
    assertThat(qemu("compare", "-F", "raw", "over", "model").status()).isZero();
  }

  @Test
  void readsWhatSomebodyWritesWhenAsked() throws Exception {
    qemu("create", "-q", "-f", "qcow2", "-o", "compression_type=zstd", "zstd", "1M");
    same("info @zstd");
    try (Qcow2Image _ = Qcow2Image.open(folder.resolve("qcow2"), false)) {
      same("info -U @qcow2");
      same("check --force-share @qcow2");
      same("map -U @qcow2");
      same("compare -U @raw @qcow2");
      assertThat(lodge("convert", "-U", "@qcow2", "@made").status()).isZero();
    }
    assertThat(qemu("compare", "-f", "raw", "-F", "raw", "raw", "made").status()).isZero();
  }

  /** Counts a cluster behind the end as used. */
  private void leak() throws IOException {
    byte[] image = Files.readAllBytes(folder.resolve("qcow2"));
    int block = 2 << 16;
    int next = image.length >> 16;
    image[block + 2 * next + 1] = 1;
    Files.write(folder.resolve("qcow2"), Arrays.copyOf(image, image.length + (1 << 16)));
  }

  @Test
  void sizesArePrintedAsQemuPrintsThem() {
    assertThat(ByteSize.format(0)).isEqualTo("0 B");
    assertThat(ByteSize.format(999)).isEqualTo("999 B");
    assertThat(ByteSize.format(1000)).isEqualTo("0.977 KiB");
    assertThat(ByteSize.format(1536L << 20)).isEqualTo("1.5 GiB");
    assertThat(ByteSize.format(10L << 40)).isEqualTo("10 TiB");
    assertThat(ByteSize.parse("1.5k")).isEqualTo(1536);
    assertThat(ByteSize.parse("2T")).isEqualTo(2L << 40);
  }
}
