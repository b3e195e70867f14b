package lodge.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures disks: the same guest drives the same image in Lodge and in QEMU with TCG; images are
 * converted by both; the guest {@code debian} boots in both.
 */
final class DiskBench {
  private static final String APPEND = "console=ttyS0 panic=-1 quiet";
  private static final long DISK_BYTES = 1L << 30;
  private static final double BOOT_LIMIT = 300;
  private static final int CONVERSIONS = 6;

  /** Of an image as large the start of a JVM is a small part. */
  private static final long LARGE_DISK_BYTES = 4L << 30;

  /** How many tests guest-disk.c makes, and rounds of each. */
  private static final int ROUNDS = 6 * 3;

  private final Options options;
  private final boolean qemu;
  private final Path work;
  private final Path kernel;
  private final Path initrd;
  private final Table table = new Table();

  /**
   * @param qemu whether QEMU is measured too
   * @param kernel the guest's
   * @param initrd with the modules that disks need and guest-disk as its first process
   */
  DiskBench(Options options, boolean qemu, Path work, Path kernel, Path initrd) {
    this.options = options;
    this.qemu = qemu;
    this.work = work;
    this.kernel = kernel;
    this.initrd = initrd;
  }

  Table measure() throws IOException, InterruptedException {
    Path raw = work.resolve("disk.raw");
    Path qcow2 = work.resolve("disk.qcow2");
    try {
      makeImages(raw, qcow2, DISK_BYTES);
      Map<String, Double> virtio = lodge(raw, "raw", "virtio");
      Map<String, Double> tcg = qemu ? qemu(raw, "raw", "virtio") : Map.of();
      table.rates("virtio-blk, raw image", "Lodge", virtio, "QEMU TCG", tcg);
      Map<String, Double> ide = lodge(raw, "raw", "ide");
      table.rates("Lodge, raw image", "virtio-blk", virtio, "IDE", ide);
      table.rates("virtio-blk in Lodge", "qcow2", lodge(qcow2, "qcow2", "virtio"), "raw", virtio);
      conversions(raw, qcow2, DISK_BYTES);
      makeImages(raw, qcow2, LARGE_DISK_BYTES);
      conversions(raw, qcow2, LARGE_DISK_BYTES);
      debian();
    } finally {
      Files.deleteIfExists(raw);
      Files.deleteIfExists(qcow2);
    }
    return table;
  }

  /** A disk whose every other half MiB has data that cannot be compressed. */
  private void makeImages(Path raw, Path qcow2, long bytes)
      throws IOException, InterruptedException {
    Files.deleteIfExists(raw);
    Files.deleteIfExists(qcow2);
    byte[] data = new byte[1 << 19];
    new java.util.Random(1).nextBytes(data);
    try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
      file.setLength(bytes);
      for (long at = 0; at < bytes; at += 2L * data.length) {
        data[0]++;
        file.seek(at);
        file.write(data);
      }
    }
    seconds(image("convert", raw, "raw", qcow2, "qcow2"), "convert.log");
  }

  // ---------------------------------------------------------------- requests

  private Map<String, Double> lodge(Path image, String format, String bus)
      throws IOException, InterruptedException {
    Bench.say("Driving a disk in Lodge: " + bus + ", " + format);
    List<String> command =
        List.of(
            options.lodge(),
            "run",
            "--kernel",
            kernel.toString(),
            "--initrd",
            initrd.toString(),
            "--append",
            append(),
            "--engine",
            options.engine(),
            "--no-reboot",
            "--disk",
            image + ",format=" + format + ",bus=" + bus);
    return rates(command, "lodge-" + bus + "-" + format);
  }

  private Map<String, Double> qemu(Path image, String format, String bus)
      throws IOException, InterruptedException {
    Bench.say("Driving a disk in QEMU: " + bus + ", " + format);
    List<String> command = new ArrayList<>(QEMU);
    command.addAll(
        List.of(
            "-kernel",
            kernel.toString(),
            "-initrd",
            initrd.toString(),
            "-append",
            append(),
            "-drive",
            "file=" + image + ",if=" + bus + ",format=" + format));
    return rates(command, "qemu-" + bus + "-" + format);
  }

  private static final List<String> QEMU =
      List.of(
          "qemu-system-x86_64",
          "-accel",
          "tcg",
          "-cpu",
          "max",
          "-m",
          "512",
          "-nodefaults",
          "-display",
          "none",
          "-serial",
          "stdio",
          "-no-reboot");

  private String append() {
    return APPEND + " -- " + options.seconds();
  }

  private Map<String, Double> rates(List<String> command, String name)
      throws IOException, InterruptedException {
    Map<String, Double> rates = new LinkedHashMap<>();
    try (Run run = new Run(command, work.resolve(name + ".log"))) {
      run.await(BOOT_LIMIT + ROUNDS * options.seconds());
      Files.writeString(work.resolve(name + ".out"), run.output());
      for (String line : run.output().split("\r?\n")) {
        String[] words = line.split(" ");
        if (words.length == 4 && words[0].equals("DISK")) {
          rates.put(words[1] + " " + words[2], Double.valueOf(words[3]));
        }
      }
    }
    return rates;
  }

  // ---------------------------------------------------------------- conversions

  private void conversions(Path raw, Path qcow2, long bytes)
      throws IOException, InterruptedException {
    table.line("Conversion of %d MiB, half of it data, best of %d:", bytes >> 20, CONVERSIONS);
    conversion(raw, "raw", "qcow2");
    conversion(qcow2, "qcow2", "raw");
  }

  private void conversion(Path from, String format, String to)
      throws IOException, InterruptedException {
    Bench.say("Converting " + format + " to " + to);
    Path target = work.resolve("converted." + to);
    double ours = best(image("convert", from, format, target, to), target, "convert.log");
    double theirs =
        qemu ? best(qemuImg(from, format, target, to), target, "qemu-img.log") : Double.NaN;
    table.line(
        "  %-5s to %-5s  Lodge %.2f s  qemu-img %.2f s  qemu-img/Lodge %.2f",
        format, to, ours, theirs, theirs / ours);
  }

  /**
   * The best of several conversions in a row, each into the memory that the one before has just
   * given back: a host that is itself a virtual machine may lose what is free for some seconds, and
   * getting it again takes longer than the conversion.
   */
  private double best(List<String> command, Path target, String log)
      throws IOException, InterruptedException {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < CONVERSIONS; i++) {
      best = Math.min(best, seconds(command, log));
      Files.delete(target);
    }
    return best;
  }

  private List<String> image(String command, Path from, String format, Path target, String to) {
    return List.of(
        options.lodge(), "image", command, "-f", format, "-O", to, from + "", target + "");
  }

  private List<String> qemuImg(Path from, String format, Path target, String to) {
    return List.of("qemu-img", "convert", "-f", format, "-O", to, from + "", target + "");
  }

  private double seconds(List<String> command, String log)
      throws IOException, InterruptedException {
    try (Run run = new Run(command, work.resolve(log))) {
      if (!run.await(BOOT_LIMIT) || !run.succeeded()) {
        throw new IOException(
            String.join(" ", command) + " did not succeed; see " + work.resolve(log));
      }
      return run.seconds();
    }
  }

  // ---------------------------------------------------------------- an installed system

  private void debian() throws IOException, InterruptedException {
    Bench.say("Booting debian in Lodge");
    List<String> ours =
        List.of(options.lodge(), "run", "debian", "--ephemeral", "--engine", options.engine());
    // Built when it is run for the first time.
    login(ours, "lodge-debian");
    double here = login(ours, "lodge-debian");
    table.line("debian, power-on to login prompt:");
    table.line("  Lodge    %.2f s", here);
    if (qemu) {
      Bench.say("Booting debian in QEMU");
      List<String> theirs = new ArrayList<>(QEMU);
      Path disk = options.guest("debian").resolve("disk.qcow2");
      theirs.addAll(List.of("-snapshot", "-drive", "file=" + disk + ",if=virtio,format=qcow2"));
      double there = login(theirs, "qemu-debian");
      table.line("  QEMU TCG %.2f s", there);
      table.line("  Lodge/QEMU %.2f", here / there);
    }
  }

  private double login(List<String> command, String name) throws IOException, InterruptedException {
    try (Run run = new Run(command, work.resolve(name + ".log"))) {
      long start = System.nanoTime();
      boolean up = run.awaitOutput(" login:", BOOT_LIMIT * 2);
      double seconds = (System.nanoTime() - start) / 1e9;
      Files.writeString(work.resolve(name + ".out"), run.output());
      if (!up) {
        throw new IOException(name + ": no login prompt; see " + work.resolve(name + ".out"));
      }
      return seconds;
    }
  }
}
