package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this JVM holds once its garbage is collected; memory in bytes.
 *
 * @param classes loaded, those of regions among them
 * @param code what HotSpot has compiled
 * @param files open file descriptors
 * @param mappings of the process, as {@code /proc/self/maps} lists them
 */
record JvmUse(
    long heap, long metaspace, long code, int classes, long files, long mappings, int threads) {
  static JvmUse now() throws IOException {
    // Twice: what the first one finds dead has cleaners, too.
    System.gc();
    System.gc();
    return new JvmUse(
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        pools("Metaspace"),
        pools("Code"),
        ManagementFactory.getClassLoadingMXBean().getLoadedClassCount(),
        lines(Files.list(Path.of("/proc/self/fd"))),
        lines(Files.lines(Path.of("/proc/self/maps"))),
        ManagementFactory.getThreadMXBean().getThreadCount());
  }

  private static long pools(String prefix) {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getName().startsWith(prefix))
        .map(MemoryPoolMXBean::getUsage)
        .mapToLong(usage -> usage.getUsed())
        .sum();
  }

  private static long lines(Stream<?> list) {
    try (list) {
      return list.count();
    }
  }

  /** As {@code this} was before, and by no more than that of each more. */
  void assertGrownAtMost(JvmUse most, JvmUse before) {
    assertThat(heap - before.heap).as("growth of the heap").isLessThan(most.heap);
    assertThat(metaspace - before.metaspace)
        .as("growth of the metaspace")
        .isLessThan(most.metaspace);
    assertThat(code - before.code).as("growth of compiled code").isLessThan(most.code);
    assertThat(classes - before.classes).as("more classes").isLessThan(most.classes);
    assertThat(files - before.files).as("more open files").isLessThan(most.files);
    assertThat(mappings - before.mappings).as("more mappings").isLessThan(most.mappings);
    assertThat(threads - before.threads).as("more threads").isLessThan(most.threads);
  }
}
