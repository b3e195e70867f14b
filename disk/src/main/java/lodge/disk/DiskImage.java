package lodge.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import lodge.core.BlockBackend;

/** A disk in a file, which can tell what it holds and where. */
public interface DiskImage extends BlockBackend {
  /** The image's file. */
  Path path();

  /** What the image shows where it has nothing itself. */
  Optional<DiskImage> backing();

  /**
   * What is from an offset on, for as long as that is quickly told: at least one byte, and the next
   * extent may be like this one.
   *
   * @param offset inside of the image
   */
  Extent extent(long offset) throws IOException;
}
