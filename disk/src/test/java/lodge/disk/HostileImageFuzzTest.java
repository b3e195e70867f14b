package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Jazzer looks for images on which {@link HostileImage} fails, beginning with sound ones that QEMU
 * has made. It follows which branches an image leads to, and so finds its way behind the checks.
 *
 * <p>{@code -Dlodge.fuzz.seconds=N} is the time for all formats, {@code -Dlodge.fuzz.seed=N} the
 * seed. Images that were found are tests of {@link FoundImagesTest}.
 */
class HostileImageFuzzTest {
  private static final int SECONDS = Integer.getInteger("lodge.fuzz.seconds", 15);
  private static final long SEED = Long.getLong("lodge.fuzz.seed", 1);
  private static final int FORMATS = 5;

  /** A disk of little content in several clusters, with what a format has of tables. */
  private static final String RAW =
      "truncate -s 600k raw && printf 'first' | dd of=raw conv=notrunc status=none"
          + " && seq 400 | dd of=raw bs=1k seek=70 conv=notrunc status=none"
          + " && printf 'last' | dd of=raw bs=1k seek=599 conv=notrunc status=none && ";

  private static final String CONVERT = RAW + "qemu-img convert -f raw ";
  private static final String SNAPSHOTS =
      " && qemu-img snapshot -c one disk && qemu-io -f qcow2 -c 'write -P 7 70k 3k' disk"
          + " && qemu-img snapshot -c two disk";

  /** A footer says that there is a parent: the first is read. */
  private static final String DIFFERENCING =
      " && printf '\\004' | dd of=disk bs=1 seek=63 conv=notrunc status=none";

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  private Qemu qemu;

  @BeforeEach
  void needsQemu() throws Exception {
    Qemu.require();
    qemu = new Qemu(folder);
  }

  /** Commands that make a file called disk from nothing. */
  private static List<String> seeds(ImageFormat format) {
    return switch (format) {
      case QCOW2 ->
          List.of(
              CONVERT + "-O qcow2 -o cluster_size=4k raw disk" + SNAPSHOTS,
              CONVERT + "-O qcow2 -o cluster_size=512,compat=0.10 raw disk",
              CONVERT + "-c -O qcow2 -o cluster_size=4k raw disk",
              CONVERT + "-c -O qcow2 -o cluster_size=4k,compression_type=zstd raw disk",
              CONVERT + "-O qcow2 -o cluster_size=16k,extended_l2=on raw disk",
              CONVERT
                  + "-O qcow2 raw disk && qemu-img bitmap --add disk map"
                  + " && qemu-io -f qcow2 -c 'write 0 4k' disk",
              RAW + "qemu-img create -f qcow2 -b raw -F raw -o cluster_size=4k disk",
              RAW + "qemu-img create -f qcow2 -o data_file=raw,refcount_bits=1 disk 600k");
      case VMDK ->
          List.of(
              CONVERT + "-O vmdk -o subformat=monolithicSparse raw disk",
              CONVERT + "-O vmdk -o subformat=streamOptimized raw disk",
              CONVERT + "-O vmdk -o subformat=monolithicFlat raw disk",
              CONVERT + "-O vmdk -o subformat=twoGbMaxExtentSparse raw disk");
      case VDI -> List.of(CONVERT + "-O vdi raw disk", CONVERT + "-O vdi -o static=on raw disk");
      case VPC ->
          List.of(
              CONVERT + "-O vpc -o force_size=on raw disk",
              CONVERT + "-O vpc -o subformat=fixed raw disk",
              CONVERT + "-O vpc -o force_size=on raw disk" + DIFFERENCING);
      case VHDX ->
          List.of(
              CONVERT + "-O vhdx -o block_size=1M raw disk",
              CONVERT + "-O vhdx -o subformat=fixed raw disk");
      case RAW -> List.of();
    };
  }

  private void addSeed(String name, byte[] file) throws Exception {
    byte[] runs = FileRuns.of(file);
    Files.write(
        Files.createDirectories(folder.resolve("seeds")).resolve(name),
        ByteBuffer.allocate(1 + runs.length).put(1, runs).array());
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "RAW")
  void isReadOrRefused(ImageFormat format) throws Exception {
    for (String seed : seeds(format)) {
      qemu.ok("rm -f disk && " + seed);
      Checksums.correct(format, qemu.path("disk"));
      addSeed(Integer.toHexString(seed.hashCode()), Files.readAllBytes(qemu.path("disk")));
    }
    if (format == ImageFormat.VHDX) {
      qemu.ok("rm disk");
      addSeed("log", new StoppedVhdx(qemu, 0).bytes);
    }
    Tool jazzer = jazzer(format);
    System.out.println(format.label() + ": " + jazzer.output().lines().toList().getLast());
    assertThat(jazzer.status()).as(jazzer.output()).isZero();
  }

  private Tool jazzer(ImageFormat format) throws Exception {
    return Tool.run(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:+EnableDynamicAgentLoading",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        Tool.classPath(),
        "com.code_intelligence.jazzer.Jazzer",
        "--target_class=" + HostileImage.class.getName(),
        "--target_args=" + format.label() + " " + folder,
        "--instrumentation_includes=lodge.disk.**:io.airlift.**",
        "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.FilePathTraversal",
        "--reproducer_path=" + folder,
        "-artifact_prefix=" + folder + "/",
        "-max_len=65536",
        "-rss_limit_mb=0",
        "-timeout=300",
        "-seed=" + SEED,
        "-max_total_time=" + Math.max(1, SECONDS / FORMATS),
        folder.resolve("seeds").toString());
  }
}
