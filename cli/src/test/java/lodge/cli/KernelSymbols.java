package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The symbols of the guest's kernel as a file that gdb can read. Debian has such a file in a
 * package of a gigabyte; the kernel itself names them in {@code /proc/kallsyms}.
 */
final class KernelSymbols {
  /** Where the kernel is with {@code nokaslr}. */
  private static final long KERNEL = 0xFFFF_FFFF_8100_0000L;

  private static final long LENGTH = 0x800_0000;

  private KernelSymbols() {}

  /** Has the guest name its global symbols, and links them where they are. */
  static Path make(Path folder) throws IOException, InterruptedException {
    LodgeScript.Result names =
        lodge(
                "run",
                "tiny",
                "--append",
                "nokaslr",
                "--",
                "awk",
                "$2 ~ /[TDBR]/ && !$4 { print $1, $3 }",
                "/proc/kallsyms")
            .run();
    assertThat(names.errors()).isEmpty();
    StringBuilder source = new StringBuilder(".section .kernel,\"ax\",@nobits\n");
    source.append(".globl base\nbase: .skip ").append(LENGTH).append('\n');
    for (String line : names.text().lines().toList()) {
      String[] words = line.split(" ");
      long offset = Long.parseUnsignedLong(words[0], 16) - KERNEL;
      if (offset >= 0 && offset < LENGTH) {
        source.append(
            ".globl \"%1$s\"\n.type \"%1$s\",@function\n.set \"%1$s\", base + %2$d\n"
                .formatted(words[1], offset));
      }
    }
    Path text = Files.writeString(folder.resolve("kernel.s"), source);
    Path symbols = folder.resolve("kernel.symbols");
    Process linker =
        new ProcessBuilder(
                List.of(
                    "gcc",
                    "-nostdlib",
                    "-static",
                    "-Wl,--build-id=none,--entry=base",
                    "-Wl,--section-start=.kernel=0x" + Long.toHexString(KERNEL),
                    "-o",
                    symbols.toString(),
                    text.toString()))
            .inheritIO()
            .start();
    assertThat(linker.waitFor()).isZero();
    return symbols;
  }
}
