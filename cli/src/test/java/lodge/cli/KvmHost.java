package lodge.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lodge.cli.guest.CpioWriter;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;

/**
 * A host whose KVM is Linux's own, on any host: QEMU emulates a processor of AMD's with SVM and
 * nested paging, and a Linux on it has this checkout's Lodge, a JVM and the guest {@code tiny}.
 */
final class KvmHost {
  private static final int PATIENCE_MINUTES = 15;

  /**
   * Without XSAVE: QEMU 7.2 does not tell the hypervisor of a guest's XSETBV. And user programs
   * that access ports fault, because it takes no busy task state segment for one.
   */
  private static final String PROCESSOR = "EPYC,+svm,+npt,-xsave";

  /**
   * One more than it needs, and its programs stay off the first: QEMU 7.2 has FXRSTOR on any
   * processor write to flags of the first one without a lock, among them those that VMRUN and
   * VMEXIT set, and guests that run there end in triple faults, or the host does.
   */
  private static final String PROCESSORS = "3";

  private static final String OFF_THE_FIRST_PROCESSOR = " isolcpus=0";

  /** Nobody can say how long a timer's interrupt takes on a busy host. */
  private static final String PATIENT = " no_timer_check tsc=reliable tsc_early_khz=";

  private static final List<String> LIBRARIES =
      List.of("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libz.so.1");

  private static final Path LIBRARY_FOLDER = Path.of("/lib/x86_64-linux-gnu");
  private static final Path LOADER = Path.of("/lib64/ld-linux-x86-64.so.2");

  private static final String INIT =
      """
      #!/bin/busybox sh
      export PATH=/bin:/jre/bin HOME=/ LODGE_HOME=/home
      /bin/busybox --install -s /bin
      mount -t devtmpfs dev /dev
      mount -t proc proc /proc
      mount -t sysfs sys /sys
      mount -t tmpfs tmp /tmp
      exec </dev/ttyS0 >/dev/ttyS0 2>&1
      for module in irqbypass kvm kvm-amd; do insmod /modules/$module.ko; done
      lodge() {
        java -XX:+UseSerialGC -XX:+UseCompactObjectHeaders -XX:TieredStopAtLevel=1 -Xmx512m \\
          --add-exports java.base/jdk.internal.misc=lodge.core,lodge.cpu \\
          --enable-native-access=lodge.core,lodge.disk,lodge.kvm \\
          --sun-misc-unsafe-memory-access=allow -Dlodge.recipes=/recipes \\
          --module-path /modules/lodge --module lodge.cli/lodge.cli.Lodge "$@"
      }
      . /commands
      poweroff -f
      """;

  private final Path folder;

  /**
   * @param folder for files of this host
   */
  KvmHost(Path folder) {
    this.folder = folder;
  }

  /** Whether this host has what it takes. */
  static boolean possible() {
    return HostProgram.installed("qemu-system-x86_64")
        && Files.exists(LOADER)
        && LIBRARIES.stream().map(LIBRARY_FOLDER::resolve).allMatch(Files::exists);
  }

  /** Has its shell execute commands, of which {@code lodge} is one. @return what they print */
  String run(String commands) throws IOException, InterruptedException {
    GuestCache cache = new GuestCache(GuestCache.home(System.getenv()), Progress.silent());
    var host =
        (Guest.RamDisk) cache.guest(Recipe.named("kvm-host", Path.of("src/test/resources/guests")));
    Path initrd = folder.resolve("initrd");
    try (OutputStream out = Files.newOutputStream(initrd)) {
      Files.copy(host.initrd(), out);
      out.write(archive(commands));
    }
    Process qemu =
        new ProcessBuilder(
                "qemu-system-x86_64",
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                PROCESSOR,
                "-smp",
                PROCESSORS,
                "-m",
                Long.toString(host.memory() >> 20),
                "-nodefaults",
                "-no-user-config",
                "-no-reboot",
                "-display",
                "none",
                "-serial",
                "stdio",
                "-kernel",
                host.kernel().toString(),
                "-initrd",
                initrd.toString(),
                "-append",
                host.append() + " rdinit=/kvm-host" + OFF_THE_FIRST_PROCESSOR + PATIENT + tscKhz())
            .redirectErrorStream(true)
            .start();
    qemu.getOutputStream().close();
    var output = CompletableFuture.supplyAsync(() -> text(qemu));
    if (!qemu.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
      qemu.destroyForcibly();
      throw new AssertionError("the host did not end; its output: " + output.join());
    }
    return output.join();
  }

  private byte[] archive(String commands) throws IOException, InterruptedException {
    var cpio = new CpioWriter();
    for (String made :
        List.of("dev", "proc", "sys", "tmp", "lib", "lib64", "modules", "home", "home/guests")) {
      cpio.directory(made, 0755);
    }
    cpio.file("kvm-host", 0755, INIT).file("commands", 0644, commands);
    cpio.file(LOADER.toString().substring(1), 0755, Files.readAllBytes(LOADER));
    cpio.directory(LIBRARY_FOLDER.toString().substring(1), 0755);
    for (String library : LIBRARIES) {
      Path file = LIBRARY_FOLDER.resolve(library);
      cpio.file(file.toString().substring(1), 0755, Files.readAllBytes(file));
    }
    add(cpio, runtime(), "jre");
    add(cpio, Path.of("target/modules"), "modules/lodge");
    try (var jars = Files.newDirectoryStream(Path.of("target"), "lodge-cli-*.jar")) {
      for (Path jar : jars) {
        cpio.file("modules/lodge/" + jar.getFileName(), 0644, Files.readAllBytes(jar));
      }
    }
    add(cpio, LodgeScript.ROOT.resolve("guests"), "recipes");
    Path tiny = TinyGuest.guest().kernel().toAbsolutePath().getParent();
    add(cpio, tiny, "home/guests/" + tiny.getFileName());
    return cpio.finish();
  }

  /** A JVM with no more than Lodge needs. */
  private Path runtime() throws IOException, InterruptedException {
    Path runtime = folder.resolve("jre");
    Process jlink =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/jlink",
                "--add-modules",
                "java.base,java.logging,jdk.unsupported",
                "--strip-debug",
                "--no-man-pages",
                "--no-header-files",
                "--generate-cds-archive",
                "--output",
                runtime.toString())
            .redirectErrorStream(true)
            .start();
    String said = text(jlink);
    if (jlink.waitFor() != 0) {
      throw new AssertionError("jlink: " + said);
    }
    return runtime;
  }

  private static void add(CpioWriter cpio, Path from, String to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.sorted().toList()) {
        String path = file.equals(from) ? to : to + "/" + from.relativize(file);
        if (Files.isDirectory(file)) {
          cpio.directory(path, 0755);
        } else {
          cpio.file(path, 0755, Files.readAllBytes(file));
        }
      }
    }
  }

  /** QEMU's counter is the host's. On a busy host the kernel cannot find out how fast it is. */
  static long tscKhz() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      String line = lines.filter(each -> each.startsWith("cpu MHz")).findFirst().orElseThrow();
      return Math.round(1000 * Double.parseDouble(line.substring(line.indexOf(':') + 1)));
    }
  }

  private static String text(Process process) {
    try (var in = process.getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
