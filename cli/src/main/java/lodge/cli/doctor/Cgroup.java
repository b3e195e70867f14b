package lodge.cli.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What this program's control groups allow it, of both versions: cgroups(7), and the kernel's
 * {@code admin-guide/cgroup-v2} and {@code cgroup-v1/memory}.
 */
record Cgroup(Host host) {
  private static final String MOUNT = "/sys/fs/cgroup";

  /** The least of all limits, in bytes. */
  OptionalLong memory() {
    return Stream.concat(files("", "memory.max"), files("memory", "memory.limit_in_bytes"))
        .flatMap(file -> number(host.text(file)).stream())
        .mapToLong(limit -> limit)
        .min();
  }

  /** The least of all limits; 1.5 is one and a half processors. */
  OptionalDouble processors() {
    Stream<Double> version2 =
        files("", "cpu.max")
            .flatMap(file -> host.text(file).stream())
            .map(line -> line.split(" "))
            .filter(words -> words.length == 2)
            .flatMap(words -> share(Optional.of(words[0]), Optional.of(words[1])).stream());
    Stream<Double> version1 =
        files("cpu", "cpu.cfs_quota_us")
            .flatMap(
                file ->
                    share(host.text(file), host.text(file.replace("quota_us", "period_us")))
                        .stream());
    return Stream.concat(version2, version1).mapToDouble(share -> share).min();
  }

  private static Optional<Double> share(Optional<String> quota, Optional<String> period) {
    return number(quota)
        .flatMap(q -> number(period).filter(p -> q > 0 && p > 0).map(p -> (double) q / p));
  }

  /** Empty for "max", and for the number of 19 digits by which version 1 says the same. */
  private static Optional<Long> number(Optional<String> text) {
    return text.filter(digits -> digits.matches("\\d{1,18}|-1")).map(Long::parseLong);
  }

  /**
   * The files of a name in the program's group and in all above it.
   *
   * @param controller of version 1, or empty for version 2
   */
  private Stream<String> files(String controller, String name) {
    List<String> files = new ArrayList<>();
    String folder = controller.isEmpty() ? MOUNT : MOUNT + "/" + controller;
    files.add(folder + "/" + name);
    for (String part : path(controller).split("/")) {
      if (!part.isEmpty()) {
        folder += "/" + part;
        files.add(folder + "/" + name);
      }
    }
    return files.stream();
  }

  /** Groups outside of the program's namespace have paths with ".." and are not to be seen. */
  private String path(String controller) {
    return host.lines("/proc/self/cgroup").stream()
        .map(line -> line.split(":", 3))
        .filter(words -> words.length == 3 && List.of(words[1].split(",")).contains(controller))
        .map(words -> words[2])
        .filter(path -> !path.contains("/.."))
        .findFirst()
        .orElse("");
  }
}
