package lodge.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lodge.core.BlockBackend;

/** A disk in a file, which can tell what it holds and where. */
public interface DiskImage extends BlockBackend {
  /** The image's file. */
  Path path();

  /** What the image shows where it has nothing itself. */
  Optional<DiskImage> backing();

  /**
   * Goes past the host's page cache from now on, in the images behind as well.
   *
   * @return the files that go on through it, as their format or file system cannot do without
   */
  default List<Path> bypassCache() {
    return List.of(path());
  }

  /**
   * What is from an offset on, for as long as that is quickly told: at least one byte, and the next
   * extent may be like this one.
   *
   * @param offset inside of the image
   */
  Extent extent(long offset) throws IOException;
}
