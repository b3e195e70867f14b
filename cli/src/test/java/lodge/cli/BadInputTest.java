package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever is wrong: one line that says what, where and what would be right, status 2, and nothing
 * changed.
 */
class BadInputTest {
  @TempDir private Path folder;

  @BeforeEach
  void files() throws IOException {
    System.setProperty("lodge.recipes", Path.of("..", "guests").toString());
    Files.writeString(folder.resolve("text"), "This is no kernel.\n".repeat(500));
    Files.createFile(folder.resolve("empty"));
    PvhKernel.write(folder.resolve("good"), 0xF4);
    byte[] good = Files.readAllBytes(folder.resolve("good"));
    Files.write(folder.resolve("cut"), Arrays.copyOf(good, good.length - 1));
    Files.write(folder.resolve("headless"), Arrays.copyOf(good, 40));
    byte[] small = good.clone();
    small[4] = 1; // ELFCLASS32
    small[18] = 3; // EM_386
    Files.write(folder.resolve("elf32"), small);
    Files.write(folder.resolve("bzimage32"), bzImage(0));
    Files.write(folder.resolve("initrd"), new byte[64 << 20]);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "run                                       | nothing to run           | tiny",
        "run nosuch                                | 'nosuch' is unknown      | tiny",
        "run ../tiny                               | '../tiny' is unknown     | tiny",
        "run tiny more                             | Unmatched argument       | 'more'",
        "run --nosuch                              | Unknown option           | '--nosuch'",
        "nosuch                                    | Unmatched argument       | 'nosuch'",
        "run --kernel                              | Missing required         | --kernel",
        "run --kernel @good --memory abc           | 'abc' is no size         | 512M",
        "run --kernel @good --memory -5            | '-5' is no size          | 512M",
        "run --kernel @good --memory 8M            | --memory 8M is too little| at least",
        "run --kernel @good --memory 0             | --memory 0K is too little| at least",
        "run --kernel @good --memory 1T            | more than this host      | at most",
        "run --kernel @good --memory 9999999T      | '9999999T'               | 512M",
        "run --kernel @good --cpus 0               | --cpus 0 is not possible | a machine has 1",
        "run --kernel @good --cpus 17              | --cpus 17 is not possible | a machine has 1 to"
            + " 16",
        "run --kernel @good --cpus some            | 'some' is not an int     | --cpus",
        "run --kernel @good --cpu pentium          | cpu 'pentium' is unknown | x86-64-v1",
        "run --kernel @good --cpu max,+warp        | 'warp' is unknown        | lodge cpu list",
        "run --kernel @good --cpu max,-sse2        | needs sse2               | which is off",
        "run --kernel @good --device floppy        | 'floppy' is unknown      | isa-debug-exit",
        "run --kernel @good --device pc-testdev,a=1| property 'a' is unknown  | pc-testdev",
        "run --kernel @good --device isa-debug-exit,iobase=0x3f8 | port 0x3f8 | is taken",
        "run --kernel @good --device isa-debug-exit,iobase=x     | 'x'        | no number",
        "run --disk @text                          | @text                    | format=raw",
        "run --disk @none,format=raw               | @none                    | no such file",
        "run --disk @text,format=qcow3             | 'qcow3' is unknown       | qcow2",
        "run --disk @text,format=qcow2             | @text                    | no qcow2 image",
        "run --disk @text,nosuch                   | 'nosuch' is unknown      | cache=",
        "run --kernel @good --on-disk-full stop    | stop                     | pause",
        "run --disk @text,cache                    | 'cache' is unknown       | cache=",
        "run --disk @text,cache=most               | cache 'most' is unknown  | writethrough",
        "run --disk @text,discard=on               | discard 'on' is unknown  | ignore, unmap",
        "run --disk @text,bus=scsi                 | bus 'scsi' is unknown    | ide, virtio",
        "run --disk @text,readonly=no              | readonly 'no' is unknown | off, on",
        "run --disk @text,bps=fast                 | bps 'fast' is no number  | 10M",
        "run --disk @text,iops=-1                  | iops '-1' is no number   | 500",
        "run --disk @text,iops-max=5               | a burst needs            | the limit",
        "run --disk @text,format=raw --disk @text,format=raw | @text         | in use by this"
            + " process",
        "run --disk @text --firmware efi           | --firmware efi is unknown | bios",
        "run --kernel @good --firmware bios        | boots from disks         | kernel",
        "run tiny --firmware bios                  | boots from disks         | kernel",
        "run --disk @text --boot floppy            | 'floppy' is unknown      | disk and cdrom",
        "run --disk @text --boot cdrom             | --boot cdrom needs       | --cdrom FILE",
        "run debian --boot cdrom                   | --boot cdrom needs       | --cdrom FILE",
        "run --boot cdrom                          | --boot cdrom needs       | --cdrom FILE",
        "run --cdrom @text --boot disk             | --boot disk needs        | --disk DISK",
        "run --kernel @good --boot disk            | boots from disks         | kernel",
        "run tiny --cdrom @text --boot cdrom       | boots from disks         | kernel",
        "run --kernel @good --uuid 1-2-3-4-5       | '1-2-3-4-5' is no UUID   | 123e4567",
        "cpu show pentium                          | cpu 'pentium' is unknown | x86-64-v1",
        "cpu show                                  | MODEL                    | cpu show --help",
        "cpu                                       | list or show             | cpu --help",
        "cpu burn                                  | burn                     | cpu --help",
        "run --kernel @good --engine steam         | --engine steam is unknown| interpreter",
        "run --kernel @good --serial tty           | --serial tty is unknown  | file:PATH",
        "run --kernel @good --serial file:         | --serial file: is unknown| file:PATH",
        "run --kernel @good --serial file:@no/log  | cannot be written        | there is no such",
        "run --kernel @good --serial file:@        | cannot be written        | directory",
        "run --kernel @good --trace-translation @no/trace | cannot be written | there is no such",
        "run --kernel @good --trace-translation @  | cannot be written        | directory",
        "run --kernel @good --trace-translation    | Missing required         |"
            + " --trace-translation",
        "run --kernel @good --engine interpreter --trace-translation @trace"
            + " | engine 'interpreter' does not translate | the translator does",
        "run --kernel @good --initrd @none         | none                     | no such",
        "run --kernel @good --initrd @initrd --memory 16M | initrd            | memory",
        "run --kernel @none                        | none                     | no such",
        "run --kernel @                            | director                 | kernel",
        "run --kernel @text                        | @text                    | bzImage",
        "run --kernel @empty                       | @empty                   | is empty",
        "run --kernel @cut                         | @cut                     | truncated",
        "run --kernel @headless                    | @headless                | truncated",
        "run --kernel @elf32                       | @elf32                   | 64-bit",
        "run --kernel @bzimage32                   | @bzimage32               | 64-bit",
        "run tiny --                               | no command after --      | uname",
        "run --kernel @good -- true                | needs a guest            | tiny",
        "run tiny --initrd @good -- true           | needs a guest            | tiny",
      })
  void isAnsweredWithOneLineAndStatusTwo(String line, String what, String right)
      throws IOException {
    List<Path> before = files(folder);

    Run run = lodge(line.replace("@", folder + "/").split(" "));

    assertThat(run.errors()).startsWith("lodge: ").hasLineCount(1).endsWith("\n");
    assertThat(run.errors()).containsIgnoringCase(what.replace("@", folder + "/"));
    assertThat(run.errors()).containsIgnoringCase(right.replace("@", folder + "/"));
    assertThat(run.output()).isEmpty();
    assertThat(run.status()).isEqualTo(2);
    assertThat(files(folder)).isEqualTo(before);
  }

  @Test
  void aSerialFileKeepsItsContentWhenTheKernelIsNoKernel() throws IOException {
    Path log = Files.writeString(folder.resolve("log"), "precious");

    Run run = lodge("run", "--serial", "file:" + log, "--kernel", folder + "/text");

    assertThat(run.status()).isEqualTo(2);
    assertThat(log).hasContent("precious");
  }

  @Test
  void aTraceFileKeepsItsContentWhenTheKernelIsNoKernel() throws IOException {
    Path trace = Files.writeString(folder.resolve("trace"), "precious");

    Run run = lodge("run", "--trace-translation", trace.toString(), "--kernel", folder + "/text");

    assertThat(run.status()).isEqualTo(2);
    assertThat(trace).hasContent("precious");
  }

  @Test
  void debugAddsTheStackTrace() {
    Run run = lodge("run", "--debug", "--kernel", folder + "/text");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.errors()).startsWith("lodge: ").contains("\tat ");
  }

  @Test
  void helpAndVersionAreOutputAndStatusZero() {
    assertThat(lodge("--help").output())
        .contains("Usage: lodge")
        .contains("run")
        .contains("Exit status");
    assertThat(lodge("help", "run").output())
        .contains("--kernel")
        .contains("-- COMMAND")
        .contains("Ctrl-A X");
    assertThat(lodge("run", "--help").output()).isEqualTo(lodge("help", "run").output());
    assertThat(lodge("--version").output()).startsWith("lodge ").contains("interpreter");
    assertThat(lodge("--help").status()).isZero();
    assertThat(lodge("--version").status()).isZero();
    assertThat(lodge("help", "run").status()).isZero();
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

  private static List<Path> files(Path folder) throws IOException {
    List<Path> all = new ArrayList<>();
    try (var stream = Files.list(folder)) {
      stream.sorted().forEach(all::add);
    }
    return all;
  }

  /**
   * The header of a bzImage of protocol 2.12 or newer, with these XLoadFlags: bit 0 says that it is
   * a 64-bit kernel.
   */
  private static byte[] bzImage(int loadFlags) {
    byte[] image = new byte[0x8000];
    image[0x1F1] = 4;
    image[0x1F4] = 0x40;
    image[0x1FE] = 0x55;
    image[0x1FF] = (byte) 0xAA;
    image[0x200] = (byte) 0xEB;
    image[0x201] = 0x66;
    image[0x202] = 'H';
    image[0x203] = 'd';
    image[0x204] = 'r';
    image[0x205] = 'S';
    image[0x206] = 0x0F;
    image[0x207] = 0x02;
    image[0x211] = 1;
    image[0x236] = (byte) loadFlags;
    return image;
  }
}
