package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is wrong with an image: one line that says what and where, and no byte changed. */
class ImageBadInputTest {
  private static final int CLUSTER = 1 << 16;

  @TempDir private Path folder;

  @BeforeEach
  void files() throws IOException {
    Files.write(path("raw"), new byte[1 << 20]);
    Files.createDirectory(path("dir"));
    Files.writeString(path("text"), "This is no image.\n".repeat(100));
    qcow2("good", Qcow2Options.ofSize(1 << 20));
    byte[] good = Files.readAllBytes(path("good"));
    Files.write(path("cut"), Arrays.copyOf(good, 60));
    Files.write(path("cut-tables"), Arrays.copyOf(good, CLUSTER + 1));
    damaged("magic", good, 0, 0x12345678);
    damaged("clusters", good, 20, 99);
    damaged("l1-outside", good, 40, 0x7FFFFFFF);
    damaged("entry-outside", good, 3 * CLUSTER, 0x8000FFFF);
    qcow2("lost", Qcow2Options.ofSize(1 << 20).withBacking("parent", ImageFormat.RAW), "parent");
    qcow2("b", Qcow2Options.ofSize(1 << 20).withBacking("raw", ImageFormat.RAW));
    qcow2("a", Qcow2Options.ofSize(1 << 20).withBacking("b", ImageFormat.QCOW2));
    loop();
    byte[] vdi = new byte[1024];
    ByteBuffer.wrap(vdi).putInt(0x40, 0x7F10DABE).putInt(0x44, 0x01000100);
    Files.write(path("vdi"), vdi);
    Files.writeString(path("vmdk"), "# Disk DescriptorFile\nRW 1 FLAT \"/etc/passwd\" 0\n");
    Files.writeString(path("vmdk-child"), "# Disk DescriptorFile\nparentCID=12345678\n");
  }

  private void qcow2(String name, Qcow2Options options, String... passing) throws IOException {
    for (String file : passing) {
      Files.write(path(file), new byte[512]);
    }
    Qcow2Image.create(path(name), options);
    for (String file : passing) {
      Files.delete(path(file));
    }
  }

  private void damaged(String name, byte[] good, int at, int value) throws IOException {
    byte[] bytes = good.clone();
    ByteBuffer.wrap(bytes).putInt(at, value);
    Files.write(path(name), bytes);
  }

  /** Lets b, which a stands in front of, stand in front of a. */
  private void loop() throws IOException {
    byte[] bytes = Files.readAllBytes(path("b"));
    ByteBuffer header = ByteBuffer.wrap(bytes);
    int name = (int) header.getLong(8);
    bytes[name] = 'a';
    header.putInt(16, 1);
    String format = new String(bytes, 0, 512, StandardCharsets.ISO_8859_1);
    int at = format.indexOf("raw");
    header.putInt(at - 4, 5);
    System.arraycopy("qcow2".getBytes(StandardCharsets.UTF_8), 0, bytes, at, 5);
    Files.write(path("b"), bytes);
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "image                                  | Missing command          | create",
        "image burn                             | burn                     | image --help",
        "image info                             | Missing required         | FILE",
        "image info @none                       | @none                    | no such file",
        "image info @dir                        | @dir                     | not a plain file",
        "image info -f qcow2 @raw               | @raw                     | no qcow2 image",
        "image info -f vmdk @raw                | @raw                     | no VMDK image",
        "image info -f qcow3 @raw               | 'qcow3' is unknown       | qcow2",
        "image info --output xml @raw           | xml                      | json",
        "image info @cut                        | @cut                     | header of 0 bytes",
        "image info @clusters                   | @clusters                | clusters of 2^99",
        "image info --backing-chain @lost       | parent                   | no such file",
        "image info --backing-chain @a          | @b                       | in front of it"
            + " already",
        "image map @cut-tables                  | @cut-tables              | past the end",
        "image map @l1-outside                  | @l1-outside              | past the end",
        "image map @a                           | @b                       | in front of it"
            + " already",
        "image map @lost                        | @lost                    | parent",
        "image map @vdi                         | @vdi                     | of type 0",
        "image map @vmdk                        | @vmdk                    | no file in its folder",
        "image map @vmdk-child                  | @vmdk-child              | parent image",
        "image check @cut-tables                | @cut-tables              | past the end",
        "image check -f qcow2 @text             | @text                    | no qcow2 image",
        "image check -f qcow2 @magic            | @magic                   | no qcow2 image",
        "image check -r some @good              | some                     | leaks",
        "image compare @raw @none               | @none                    | no such file",
        "image compare @raw @a                  | @b                       | in front of it"
            + " already",
        "image compare @raw                     | Missing required         | FILE2",
        "image compare -f qcow2 @raw @good      | @raw                     | no qcow2 image",
        "image resize @good 512K                | @good                    | shrink",
        "image resize @good                     | Missing required         | SIZE",
        "image resize @good 5X                  | '5X' is no size          | 512M",
        "image resize @good -5M                 | cannot change by         | 1048576 bytes",
        "image resize -f vdi @vdi 5M            | @vdi                     | only read",
        "image resize -f qcow2 @raw 5M          | @raw                     | no qcow2 image",
        "image snapshot @raw                    | @raw                     | no qcow2 image",
        "image snapshot -a none @good           | @good                    | none",
        "image snapshot -d none @good           | @good                    | none",
        "image snapshot -a x -d y @good         | mutually exclusive       | snapshot --help",
        "image commit @good                     | @good                    | nothing is behind it",
        "image commit @lost                     | parent                   | no such file",
        "image commit -f raw @raw               | raw images have no       | qcow2",
        "image commit @raw                      | @raw                     | no qcow2 image",
        "image rebase @a                        | Missing required         | -b",
        "image rebase -b raw @good              | needs its format         | -F qcow2",
        "image rebase -F raw -b '' @a           | backing format           | -b FILE",
        "image rebase -f raw -b '' @raw         | raw images have no       | qcow2",
        "image rebase -b none -F raw @good      | none                     | no such file",
        "image rebase -b raw -F qcow2 @good     | raw                      | no qcow2 image",
        "image rebase -u -b raw -F raw @raw     | @raw                     | no qcow2 image",
        "image check -U -r all @good            | cannot be repaired       | -U",
        "image convert @good                    | Missing required         | TARGET",
        "image convert @none @new               | @none                    | no such file",
        "image convert @good @no/new            | @no/new                  | no such folder",
        "image convert @good @dir               | @dir                     | folder",
        "image convert @good @good              | @good                    | is read from it",
        "image convert @entry-outside @raw      | @entry-outside           | past the end",
        "image convert -f qcow2 @raw @good      | @raw                     | no qcow2 image",
        "image convert -O vdi @raw @new         | vdi images are only read | qcow2",
        "image convert -c @good @new            | not compressed           | -O qcow2",
        "image convert -S 5k @good @new         | -S 5120 is not possible  | 4K, 8K",
        "image convert -S 3x @good @new         | '3x' is no size          | 512M",
        "image convert -n -O qcow2 @good @none  | @none                    | no such file",
        "image convert -n -O qcow2 -c @good @raw | -n                      | there is one",
        "image convert -l s -f raw @raw @new    | no snapshots             | qcow2",
        "image convert -l none @good @new       | @good                    | no such snapshot",
        "image convert -B raw @good @new        | needs its format         | -F",
        "image convert -B raw -F raw @good @new | no backing file          | qcow2",
        "image convert -O qcow2 -B @none -F raw @good @new | @none         | no such file",
        "image convert -O qcow2 -o cluster_size=1000 @good @new | cluster size | power of two",
        "image create @new                      | needs a size             | 10G",
        "image create @new -5                   | -5                       | image create --help",
        "image create @new 10X                  | '10X' is no size         | 512M",
        "image create @new 99999999999999999G   | is more than             | any disk",
        "image create @raw 1M                   | @raw                     | such a file already",
        "image create @no/new 1M                | @no/new                  | no such file",
        "image create -f vdi @new 1M            | vdi images are only read | qcow2",
        "image create -b raw @new 1M            | needs its format         | -F",
        "image create -F raw @new 1M            | backing format           | -b FILE",
        "image create -b raw -F raw @new 1M     | no backing file          | qcow2",
        "image create -f qcow2 -b none -F raw @new | none                  | no such file",
        "image create -f qcow2 -b raw -F qcow2 @new 1M | raw               | no qcow2 image",
        "image create -f qcow2 -b raw -F nosuch @new 1M | 'nosuch' is unknown | qcow2",
        "image create -f qcow2 -b nbd:host -F raw @new 1M | nbd:host       | names no file",
        "image create -f qcow2 -o nosuch=1 @new 1M | 'nosuch' is unknown   | cluster_size",
        "image create -f qcow2 -o compat=9 @new 1M | compat=9 is unknown   | 1.1",
        "image create -f qcow2 -o cluster_size=3M @new 1M | cluster size   | power of two",
        "image create -f qcow2 -o lazy_refcounts=2 @new 1M | lazy_refcounts | on or off",
        "image create -f qcow2 -o cluster_size=512 @new 1P | @new          | larger clusters",
        "image create -o cluster_size=512 @new 1M | 'cluster_size' is unknown | raw",
      })
  void isAnsweredWithOneLineAndStatusTwo(String line, String what, String right)
      throws IOException {
    Map<Path, String> before = contents();

    Run run = lodge(words(line));

    assertThat(run.errors()).startsWith("lodge: ").hasLineCount(1).endsWith("\n");
    assertThat(run.errors()).containsIgnoringCase(what.replace("@", folder + "/"));
    assertThat(run.errors()).containsIgnoringCase(right.replace("@", folder + "/"));
    assertThat(run.errors()).doesNotContain("internal error");
    assertThat(run.status()).isEqualTo(2);
    assertThat(contents()).isEqualTo(before);
  }

  /** A word of two quotes is empty. */
  private String[] words(String line) {
    return Arrays.stream(line.replace("@", folder + "/").split(" "))
        .map(word -> word.replace("''", ""))
        .toArray(String[]::new);
  }

  @Test
  void aFailureInTheMidstOfAConversionLeavesTheTarget() throws IOException {
    try (Qcow2Image image = Qcow2Image.open(path("good"), false)) {
      image.write(0, ByteBuffer.allocate(1 << 20).put(5, (byte) 1));
    }
    try (RandomAccessFile file = new RandomAccessFile(path("good").toFile(), "rw")) {
      file.setLength(file.length() - 2 * CLUSTER);
    }
    Map<Path, String> before = contents();

    Run run = lodge("image", "convert", path("good").toString(), path("raw").toString());

    assertThat(run.errors()).contains("past the end of the file").hasLineCount(1);
    assertThat(run.status()).isEqualTo(2);
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void rawImagesHaveNothingToCheck() {
    Run run = lodge("image", "check", path("raw").toString());

    assertThat(run.errors())
        .isEqualTo("lodge: " + path("raw") + ": raw images have nothing to check\n");
    assertThat(run.status()).isEqualTo(63);
  }

  private record Run(int status, String output, String errors) {}

  private static Run lodge(String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int status =
        Lodge.run(
            List.of(arguments),
            new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(output, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8)));
    return new Run(
        status, output.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8));
  }

  private Map<Path, String> contents() throws IOException {
    Map<Path, String> contents = new TreeMap<>();
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        contents.put(
            file,
            Files.isDirectory(file)
                ? "folder"
                : new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }
}
