package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.stream.Stream;

/** Finds files of unpacked packages by a glob over their path. */
final class Unpacked {
  private Unpacked() {}

  static List<Path> all(Path root, String glob) throws IOException {
    PathMatcher matcher = root.getFileSystem().getPathMatcher("glob:" + glob);
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> Files.isRegularFile(file) && matcher.matches(root.relativize(file)))
          .sorted()
          .toList();
    }
  }

  static Path one(Path root, String glob) throws IOException {
    List<Path> matches = all(root, glob);
    if (matches.size() != 1) {
      throw new GuestException(
          matches.size()
              + " files of the guest's packages match '"
              + glob
              + "', there has to be one");
    }
    return matches.getFirst();
  }
}
