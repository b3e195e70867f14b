package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lodge.cli.guest.CpioWriter;
import lodge.cli.guest.DebianPackages;
import lodge.cli.guest.GuestException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest's just-in-time compiler under Lodge's: LuaJIT makes machine code, throws it away and
 * makes other code in its place, for as long as one likes: {@code -Dlodge.jit.runs=N} times.
 */
class JitGuestIT {
  private static final int RUNS = Integer.getInteger("lodge.jit.runs", 3);
  private static final int ROUNDS = 3;
  private static final String LOADER = "ld-linux-x86-64.so.2";
  private static final List<String> LIBRARIES = List.of("libm.so.6", "libc.so.6", "libgcc_s.so.1");

  private static final long MIB = 1 << 20;

  /** From the first run to the last: HotSpot goes on to compile Lodge itself. */
  private static final JvmUse MOST = new JvmUse(24 * MIB, 4 * MIB, 24 * MIB, 600, 4, 60, 4);

  @TempDir private static Path folder;

  @Test
  void codeThatIsMadeAnewIsTranslatedAnewAndNothingGrows() throws Exception {
    CpioWriter cpio = files();
    String expected = Compiler.onTheHost(folder.resolve("test/" + LOADER), arguments(folder + "/"));

    try (GuestShell guest = new GuestShell(TinyGuest.machine(cpio.finish()))) {
      guest.awaitPrompt();
      // What the kernel says of a busy host stays out of what the program prints.
      guest.run("dmesg -n 1");
      String command = "/test/" + LOADER + " " + String.join(" ", arguments("/"));
      long unloaded = ManagementFactory.getClassLoadingMXBean().getUnloadedClassCount();
      JvmUse settled = null;
      Map<String, Long> before = null;
      for (int run = 1; run <= RUNS; run++) {
        assertThat(guest.run(command).output()).isEqualTo(expected);
        JvmUse use = JvmUse.now();
        Map<String, Long> counted = guest.machine().counters().totals();
        System.out.println("after run " + run + ": " + use);
        System.out.println(
            counted.get("translated_regions")
                + " regions made, "
                + counted.get("regions_invalidated")
                + " invalidated");
        if (run == 1) {
          settled = use;
          before = counted;
        } else {
          use.assertGrownAtMost(MOST, settled);
        }
      }
      Map<String, Long> after = guest.machine().counters().totals();
      assertThat(after.get("regions_invalidated")).isGreaterThan(before.get("regions_invalidated"));
      assertThat(after.get("translated_regions")).isGreaterThan(before.get("translated_regions"));
      assertThat(ManagementFactory.getClassLoadingMXBean().getUnloadedClassCount() - unloaded)
          .as("classes of regions that were unloaded")
          .isGreaterThan(100);
    }
  }

  private static String[] arguments(String root) {
    return new String[] {
      "--library-path", root + "test", root + "test/luajit", root + "test/jit.lua", "" + ROUNDS
    };
  }

  /** LuaJIT, what it needs and the program, in a folder here and in an archive for the guest. */
  private static CpioWriter files() throws IOException {
    Path root = unpacked();
    Path test = Files.createDirectory(folder.resolve("test"));
    CpioWriter cpio = new CpioWriter().directory("test", 0755);
    add(cpio, test, "luajit", Files.readAllBytes(root.resolve("usr/bin/luajit")));
    add(
        cpio,
        test,
        LOADER,
        Files.readAllBytes(DebianPackages.file(root, "x86_64-linux-gnu/" + LOADER)));
    for (String library : LIBRARIES) {
      add(cpio, test, library, Files.readAllBytes(DebianPackages.file(root, library)));
    }
    try (var program = JitGuestIT.class.getResourceAsStream("/programs/jit.lua")) {
      add(cpio, test, "jit.lua", program.readAllBytes());
    }
    return cpio;
  }

  private static void add(CpioWriter cpio, Path test, String name, byte[] content)
      throws IOException {
    Path file = Files.write(test.resolve(name), content);
    assertThat(file.toFile().setExecutable(true)).isTrue();
    cpio.file("test/" + name, 0755, content);
  }

  private static Path unpacked() throws IOException {
    String missing = null;
    try {
      return DebianPackages.unpack(folder, "luajit", "libc6", "libgcc-s1");
    } catch (GuestException e) {
      missing = e.getMessage();
    }
    System.out.println("not run, there is no LuaJIT: " + missing);
    assumeThat(missing).as("why there is no LuaJIT").isNull();
    throw new AssertionError();
  }
}
