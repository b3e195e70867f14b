package lodge.disk;

import java.io.IOException;

/** Walks through an image's extents from the first to the last, each as long as it can be. */
public final class AllocationMap {
  private final DiskImage image;

  /** The extent that comes next; null at the end. */
  private Extent next;

  public AllocationMap(DiskImage image) throws IOException {
    this.image = image;
    next = at(0);
  }

  private Extent at(long offset) throws IOException {
    return offset < image.size() ? image.extent(offset) : null;
  }

  public boolean hasNext() {
    return next != null;
  }

  public Extent next() throws IOException {
    Extent extent = next;
    next = at(extent.end());
    while (next != null && extent.isContinuedBy(next)) {
      extent = extent.joined(next);
      next = at(extent.end());
    }
    return extent;
  }
}
