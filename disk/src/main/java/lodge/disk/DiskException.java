package lodge.disk;

import java.io.IOException;
import java.nio.file.Path;

/** What is wrong with an image, in one line. */
public final class DiskException extends IOException {
  private static final long serialVersionUID = 1;

  /** The offset of what concerns no place in particular. */
  public static final long NOWHERE = -1;

  /** What programs may want to tell apart. */
  public enum Kind {
    /** The host refused: no such file, no permission, a failing disk. */
    HOST,
    /** The host's file system, or what one may use of it, is full. */
    NO_SPACE,
    /** The file is no image of the format that was asked for. */
    WRONG_FORMAT,
    /** The image contradicts itself or its format. */
    CORRUPT,
    /** The image uses what Lodge does not know. */
    UNSUPPORTED,
    /** The backing file cannot be used. */
    BACKING,
    /** A write to an image that was opened for reading. */
    READ_ONLY,
    /** Somebody else has opened the image. */
    IN_USE,
    /** The format has no room for more. */
    FULL,
    /** The image is not as the request needs it, or data would be lost. */
    REFUSED
  }

  private final Kind kind;
  private final transient Path path;
  private final String operation;
  private final long offset;

  /**
   * @param operation a verb, such as "open"
   * @param offset in the file, or {@link #NOWHERE}
   * @param reason without a full stop
   */
  public DiskException(
      Kind kind, Path path, String operation, long offset, String reason, Throwable cause) {
    super(
        "%s: cannot %s%s: %s"
            .formatted(
                path, operation, offset < 0 ? "" : " at 0x" + Long.toHexString(offset), reason)
            .replaceAll("\\p{Cc}", ""), // images choose parts of it
        cause);
    this.kind = kind;
    this.path = path;
    this.operation = operation;
    this.offset = offset;
  }

  public Kind kind() {
    return kind;
  }

  /** The image's file. */
  public Path path() {
    return path;
  }

  /** A verb, such as "open". */
  public String operation() {
    return operation;
  }

  /** In the file, or {@link #NOWHERE}. */
  public long offset() {
    return offset;
  }
}
