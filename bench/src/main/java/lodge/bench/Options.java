package lodge.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the command line asks for.
 *
 * @param root where Lodge stands
 * @param seconds how long each kernel runs, in each place
 * @param only the kernels to run, all when empty
 * @param engine Lodge's engine
 * @param qemu also measure QEMU
 * @param idle also measure an idle guest
 * @param disk measure disks instead of processors
 * @param jmh instead of all that, the JMH benchmarks whose name matches; null when not asked for
 */
record Options(
    Path root,
    double seconds,
    List<String> only,
    String engine,
    boolean qemu,
    boolean idle,
    boolean disk,
    boolean kvm,
    String jmh) {
  static final String USAGE =
      """
      usage: bench/run [--seconds S] [--only KERNEL,...] [--engine NAME] [--no-qemu] [--no-idle]
             bench/run --disk [--seconds S] [--engine NAME] [--no-qemu]
             bench/run --kvm
             bench/run --jmh [REGEX]

      Runs bench/guest-bench.c on the bare machine, in Lodge, and in QEMU with TCG when it is
      installed, and prints the best milliseconds of each kernel with their ratios; then boot time,
      instructions per second, processor use of an idle guest and memory.

        --seconds S   time for each kernel in each place, 0.1 to 60 (default 5)
        --only LIST   kernels, separated by commas
        --engine NAME Lodge's engine (default auto)
        --no-qemu     do not run QEMU
        --no-idle     do not measure an idle guest
        --disk        instead of all that, measure disks: the same guest drives the same image in
                      Lodge and in QEMU, both convert images and boot the guest debian; S is for
                      each round of each test
        --kvm         instead of all that, measure guests on /dev/kvm: exits for ports, memory
                      and HLT beside a minimal loop in C, a loop that computes beside the same one
                      outside of a guest, and how long it takes to make a machine
        --jmh [REGEX] instead of all that, measure Lodge's own parts with JMH: decode, translate
                      and dispatch, or the benchmarks whose name matches
      """;

  /**
   * @throws IllegalArgumentException with one line that says what is wrong
   */
  static Options parse(String[] words) {
    Path root = Path.of("").toAbsolutePath();
    double seconds = 5;
    List<String> only = List.of();
    String engine = "auto";
    boolean qemu = true;
    boolean idle = true;
    boolean disk = false;
    boolean kvm = false;
    String jmh = null;
    for (int i = 0; i < words.length; i++) {
      switch (words[i]) {
        case "--root" -> root = Path.of(value(words, ++i));
        case "--seconds" -> seconds = seconds(value(words, ++i));
        case "--only" -> only = kernels(value(words, ++i));
        case "--engine" -> engine = value(words, ++i);
        case "--no-qemu" -> qemu = false;
        case "--no-idle" -> idle = false;
        case "--disk" -> disk = true;
        case "--kvm" -> kvm = true;
        case "--jmh" -> jmh = i + 1 < words.length ? words[++i] : ".*";
        default -> throw new IllegalArgumentException("unknown option " + words[i]);
      }
    }
    return new Options(root, seconds, only, engine, qemu, idle, disk, kvm, jmh);
  }

  private static String value(String[] words, int i) {
    if (i >= words.length) {
      throw new IllegalArgumentException(words[i - 1] + " needs a value");
    }
    return words[i];
  }

  private static double seconds(String word) {
    try {
      double seconds = Double.parseDouble(word);
      if (seconds >= 0.1 && seconds <= 60) {
        return seconds;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException("--seconds " + word + ": a number from 0.1 to 60 is needed");
  }

  private static List<String> kernels(String list) {
    List<String> names = List.of(list.split(","));
    for (String name : names) {
      if (!Kernel.NAMES.contains(name)) {
        throw new IllegalArgumentException(
            "--only " + name + ": the kernels are " + String.join(", ", Kernel.NAMES));
      }
    }
    return names;
  }

  List<String> kernels() {
    return only.isEmpty() ? Kernel.NAMES : only;
  }

  /** The program that is measured. */
  String lodge() {
    return root.resolve("lodge").toString();
  }

  /** The newest guest of a name that Lodge keeps; null when there is none. */
  Path guest(String name) throws IOException {
    String home = System.getenv("LODGE_HOME");
    Path guests =
        (home == null ? Path.of(System.getenv("HOME"), ".cache", "lodge") : Path.of(home))
            .resolve("guests");
    if (!Files.isDirectory(guests)) {
      return null;
    }
    try (Stream<Path> folders = Files.list(guests)) {
      return folders
          .filter(folder -> folder.getFileName().toString().matches(name + "-[0-9a-f]+"))
          .max(Comparator.comparing(Options::modified))
          .orElse(null);
    }
  }

  private static FileTime modified(Path folder) {
    try {
      return Files.getLastModifiedTime(folder);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }
}
