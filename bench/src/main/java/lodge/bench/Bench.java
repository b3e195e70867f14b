package lodge.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Measures Lodge, QEMU's TCG and the bare machine with the same work, one after the other. */
public final class Bench {
  private static final String RAM = "512M";
  private static final long RAM_BYTES = 512L << 20;
  private static final String APPEND = "console=ttyS0 panic=-1 quiet";

  /** A guest that does nothing has to be off again after this many seconds. */
  private static final double BOOT_LIMIT = 120;

  private static final int BOOTS = 3;
  private static final int IDLE_SECONDS = 5;

  private final Options options;
  private final Path work;
  private final Table table = new Table();

  private Bench(Options options, Path work) {
    this.options = options;
    this.work = work;
  }

  public static void main(String[] words) throws Exception {
    if (List.of(words).contains("--help")) {
      System.out.print(Options.USAGE);
      return;
    }
    try {
      Options options = Options.parse(words);
      if (options.kvm()) {
        System.exit(new KvmExits(options.root()).run());
      }
      if (options.jmh() != null) {
        System.exit(new Jmh(options.root()).run(options.jmh()));
      }
      Path work = Files.createDirectories(options.root().resolve("bench/target/work"));
      Bench bench = new Bench(options, work);
      if (options.disk()) {
        bench.disks();
      } else {
        bench.measure();
      }
    } catch (IllegalArgumentException | IOException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(2);
    }
  }

  private void measure() throws IOException, InterruptedException {
    compile("guest-bench.c", "guest-bench");
    compile("guest-init.c", "guest-init");
    new Initramfs()
        .program("init", work.resolve("guest-init"))
        .program("bench", work.resolve("guest-bench"))
        .write(work.resolve("initramfs"));
    Path kernel = tiny().resolve("kernel");
    say("Kernel " + kernel + ", " + options.seconds() + " s for each bench kernel");
    List<String> task = new ArrayList<>(List.of("bench", Double.toString(options.seconds())));
    task.addAll(options.only());
    Map<String, Double> bare = bare();
    Map<String, Double> ours = lodgeKernels(kernel, task);
    boolean qemu = options.qemu() && installed("qemu-system-x86_64");
    Map<String, Double> theirs = qemu ? qemuKernels(kernel, task) : Map.of();
    Table kernels = new Table().kernels(options.kernels(), bare, ours, theirs);
    boots(kernel, qemu);
    decodeTables();
    if (options.idle()) {
      idle(kernel);
    }
    System.out.println();
    System.out.print(kernels);
    System.out.println();
    System.out.print(table);
  }

  /**
   * The modules that disks need are in the guest {@code tiny}; of what it starts, ours is the last.
   */
  private void disks() throws IOException, InterruptedException {
    compile("guest-disk.c", "guest-disk");
    Path tiny = tiny();
    Path own = work.resolve("initramfs-disk-own");
    new Initramfs().program("init", work.resolve("guest-disk")).write(own);
    Path initrd = work.resolve("initramfs-disk");
    Files.copy(tiny.resolve("initrd"), initrd, StandardCopyOption.REPLACE_EXISTING);
    Files.write(initrd, Files.readAllBytes(own), StandardOpenOption.APPEND);
    boolean qemu = options.qemu() && installed("qemu-system-x86_64") && installed("qemu-img");
    Table results = new DiskBench(options, qemu, work, tiny.resolve("kernel"), initrd).measure();
    System.out.println();
    System.out.print(results);
  }

  // ---------------------------------------------------------------- preparation

  private void compile(String source, String program) throws IOException, InterruptedException {
    Path from = options.root().resolve("bench").resolve(source);
    List<String> command =
        List.of(
            "gcc",
            "-O2",
            "-static",
            "-o",
            work.resolve(program).toString(),
            from.toString(),
            "-lm");
    try (Run gcc = new Run(command, work.resolve("gcc.log"))) {
      if (!gcc.await(60) || !Files.exists(work.resolve(program))) {
        throw new IOException("gcc cannot compile " + from + "; see " + work.resolve("gcc.log"));
      }
    }
  }

  /** The guest {@code tiny}, fetched by running it once. */
  private Path tiny() throws IOException, InterruptedException {
    Path tiny = options.guest("tiny");
    if (tiny == null) {
      say("Fetching the guest tiny");
      List<String> command = List.of(options.lodge(), "run", "tiny", "--", "true");
      try (Run run = new Run(command, work.resolve("fetch.log"))) {
        run.await(600);
      }
      tiny = options.guest("tiny");
    }
    if (tiny == null) {
      throw new IOException("there is no guest tiny; see " + work.resolve("fetch.log"));
    }
    return tiny;
  }

  private static boolean installed(String program) {
    for (String folder : System.getenv("PATH").split(":")) {
      if (Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    say(program + " is not installed: left out");
    return false;
  }

  // ---------------------------------------------------------------- the three places

  private Map<String, Double> bare() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(work.resolve("guest-bench").toString());
    command.add(Double.toString(options.seconds()));
    command.addAll(options.only());
    say("Running natively");
    try (Run run = new Run(command, work.resolve("native.log"))) {
      run.await(limit());
      return Kernel.results(run.output());
    }
  }

  /** Slow kernels take several times their budget: the warm-up round and the last one. */
  private double limit() {
    return BOOT_LIMIT + options.kernels().size() * (options.seconds() * 3 + 20);
  }

  private List<String> lodge(Path kernel, List<String> task) {
    return List.of(
        options.lodge(),
        "run",
        "--kernel",
        kernel.toString(),
        "--initrd",
        work.resolve("initramfs").toString(),
        "--append",
        APPEND + " -- " + String.join(" ", task),
        "--memory",
        RAM,
        "--engine",
        options.engine(),
        "--no-reboot",
        "--stats");
  }

  private List<String> qemu(Path kernel, List<String> task) {
    return List.of(
        "qemu-system-x86_64",
        "-accel",
        "tcg",
        "-cpu",
        "max",
        "-m",
        RAM,
        "-kernel",
        kernel.toString(),
        "-initrd",
        work.resolve("initramfs").toString(),
        "-append",
        APPEND + " -- " + String.join(" ", task),
        "-nodefaults",
        "-display",
        "none",
        "-serial",
        "stdio",
        "-no-reboot");
  }

  private Map<String, Double> lodgeKernels(Path kernel, List<String> task)
      throws IOException, InterruptedException {
    say("Running in Lodge");
    Path log = work.resolve("lodge.log");
    try (Run run = new Run(lodge(kernel, task), log)) {
      Usage.Memory most = new Usage.Memory(0, 0);
      double left = limit();
      while (left > 0 && !run.await(0.5)) {
        left -= 0.5;
        Usage.Memory now = memory(run.pid());
        if (now.beyondGuest() > most.beyondGuest()) {
          most = now;
        }
      }
      note(run, "lodge");
      table.line(
          "Lodge's memory: at most %d MiB beyond the %d MiB of guest RAM that were touched",
          most.beyondGuest() >> 20, most.guest() >> 20);
      return Kernel.results(run.output());
    }
  }

  private static Usage.Memory memory(long pid) {
    try {
      return Usage.memory(pid, RAM_BYTES);
    } catch (IOException e) {
      return new Usage.Memory(0, 0); // It has just ended.
    }
  }

  private Map<String, Double> qemuKernels(Path kernel, List<String> task)
      throws IOException, InterruptedException {
    say("Running in QEMU");
    try (Run run = new Run(qemu(kernel, task), work.resolve("qemu.log"))) {
      run.await(limit());
      note(run, "qemu");
      return Kernel.results(run.output());
    }
  }

  /** Keeps what the guest said, and says so when it did not come to its end. */
  private void note(Run run, String name) throws IOException {
    Path file = work.resolve(name + ".out");
    Files.writeString(file, run.output());
    if (run.alive()) {
      say(name + " did not end in time; its output is in " + file);
    }
  }

  // ---------------------------------------------------------------- boot and idle

  private void boots(Path kernel, boolean qemu) throws IOException, InterruptedException {
    say("Booting");
    Double ours = boot(lodge(kernel, List.of()), "lodge-boot");
    Double theirs = qemu ? boot(qemu(kernel, List.of()), "qemu-boot") : null;
    table.line("Boot to power-off, best of %d:", BOOTS);
    table.line("  Lodge    %s", ours == null ? "did not end" : String.format("%.2f s", ours));
    if (qemu) {
      table.line("  QEMU TCG %s", theirs == null ? "did not end" : String.format("%.2f s", theirs));
    }
    if (ours != null && theirs != null) {
      table.line("  QEMU/Lodge %.2f", theirs / ours);
    }
  }

  /** Best seconds from start to end; null when a guest did not power off. */
  private Double boot(List<String> command, String name) throws IOException, InterruptedException {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < BOOTS; i++) {
      try (Run run = new Run(command, work.resolve(name + ".log"))) {
        boolean ended = run.await(BOOT_LIMIT);
        note(run, name);
        if (!ended) {
          return null;
        }
        best = Math.min(best, run.seconds());
      }
    }
    return best;
  }

  private void decodeTables() throws IOException, InterruptedException {
    List<Path> modules =
        List.of(
            options.root().resolve("bench/target/classes"),
            options.root().resolve("core/target/classes"),
            options.root().resolve("cpu/target/classes"));
    String path = String.join(":", modules.stream().map(Path::toString).toList());
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<String> command =
        List.of(java, "-XX:+UseSerialGC", "-cp", path, "lodge.bench.DecodeTables");
    double best = Double.MAX_VALUE;
    for (int i = 0; i < BOOTS; i++) {
      try (Run run = new Run(command, work.resolve("decode.log"))) {
        if (run.await(60) && !run.output().isBlank()) {
          best = Math.min(best, Double.parseDouble(run.output().strip()));
        }
      }
    }
    table.line(
        "Decode tables, in a cold JVM: %s",
        best == Double.MAX_VALUE ? "not built" : String.format("%.1f ms", best));
  }

  private void idle(Path kernel) throws IOException, InterruptedException {
    say("Idling");
    List<String> task = List.of("idle", Integer.toString(IDLE_SECONDS * 3));
    try (Run run = new Run(lodge(kernel, task), work.resolve("idle.log"))) {
      if (!run.awaitOutput("IDLE", BOOT_LIMIT)) {
        note(run, "idle");
        table.line("Idle guest: did not come up");
        return;
      }
      Thread.sleep(2000); // The kernel's last deferred work.
      double before = Usage.processorSeconds(run.pid());
      long start = System.nanoTime();
      Thread.sleep(IDLE_SECONDS * 1000L);
      double used = Usage.processorSeconds(run.pid()) - before;
      table.line("Idle guest: %.1f %% of a core", used / ((System.nanoTime() - start) / 1e9) * 100);
    }
  }

  static void say(String text) {
    System.err.println(text);
  }
}
