package lodge.disk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lodge.disk.DiskException.Kind;
import lodge.disk.ReadAhead.Piece;

/**
 * Copies what an image shows into a new file of another format. Reading and writing overlap. The
 * file gets its name when it is whole; one that had the name before is replaced then, not earlier.
 *
 * <p>A new file is not durable before the host's file system makes it so; one that replaces another
 * is durable before it does.
 *
 * @param source it is read only
 * @param sparse how many zeroes in succession take no space in a raw file, a multiple of 4 KiB; 0
 *     when all shall take space
 * @param progress is told how far it is
 */
public record Conversion(DiskImage source, int sparse, Progress progress) {
  /** What is found as zeroes if nothing else is said; the same as QEMU's. */
  public static final int SPARSE = 4096;

  /** Told again and again how much is done. */
  public interface Progress {
    void at(long done, long of);
  }

  public Conversion {
    if (sparse < 0
        || sparse % SPARSE != 0
        || sparse > ReadAhead.PIECE
        || (sparse & sparse - 1) != 0) {
      throw new IllegalArgumentException("zeroes are counted in 4K, 8K, 16K and so on to 2M");
    }
  }

  /** With zeroes left out, told to nobody. */
  public Conversion(DiskImage source) {
    this(source, SPARSE, (_, _) -> {});
  }

  /** The size of the copy: whole sectors. */
  public long size() {
    return Math.ceilDiv(source.size(), 512) * 512;
  }

  public void toRaw(Path target) throws IOException {
    checkIsAnother(target);
    try (NewFile made = new NewFile(target)) {
      copy(made, new RawWriter(made, size(), sparse), true);
    }
  }

  /**
   * With a backing file in the options, what the source has from behind itself is not copied, since
   * the backing file is supposed to show the same; what is there is not compared.
   *
   * @param options of the {@link #size} of this
   */
  public void toQcow2(Path target, Qcow2Options options, boolean compressed) throws IOException {
    if (options.size() != size()) {
      throw new IllegalArgumentException("another size than the source's");
    }
    checkIsAnother(target);
    long backingSize = Qcow2Writer.backingSize(target, options);
    try (NewFile made = new NewFile(target)) {
      Qcow2Writer writer = new Qcow2Writer(made, options, compressed, sparse != 0, backingSize);
      copy(made, writer, options.backingFile() == null);
    }
  }

  /**
   * Over what another image has, as far as the source goes; all is durable then.
   *
   * @param target is at least as large, and stays open
   */
  public void into(DiskImage target) throws IOException {
    checkIsAnother(target.path());
    if (target.size() < size()) {
      throw new DiskException(
          Kind.REFUSED,
          target.path(),
          "write",
          DiskException.NOWHERE,
          "it is smaller than what is to be converted",
          null);
    }
    copy(new ExistingTarget(target, size(), sparse), true);
  }

  private void checkIsAnother(Path target) throws IOException {
    if (!Files.exists(target)) {
      return;
    }
    for (Optional<DiskImage> i = Optional.of(source); i.isPresent(); i = i.get().backing()) {
      if (Files.isSameFile(i.get().path(), target)) {
        throw new DiskException(
            Kind.HOST,
            target,
            "write",
            DiskException.NOWHERE,
            "what is to be converted is read from it",
            null);
      }
    }
  }

  private void copy(NewFile made, ConversionTarget target, boolean withBacking) throws IOException {
    try (target) {
      copy(target, withBacking);
      if (made.replaces()) {
        target.force();
      }
    }
    made.publish();
  }

  private void copy(ConversionTarget target, boolean withBacking) throws IOException {
    try (ReadAhead pieces =
        new ReadAhead(source, size(), target.grain(), withBacking, sparse == 0)) {
      Piece piece;
      while ((piece = pieces.next()).kind != ReadAhead.Kind.END) {
        switch (piece.kind) {
          case DATA -> target.data(piece.offset, piece.bytes);
          case ZEROES -> target.zeroes(piece.offset, piece.length);
          default -> {}
        }
        progress.at(piece.offset + piece.length, size());
        pieces.giveBack(piece);
      }
    }
    target.finish();
  }
}
