package lodge.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/**
 * Says in words why a file could not be used; the JDK's messages often hold nothing but the path.
 */
final class Reasons {
  private Reasons() {}

  static String of(Exception e) {
    return switch (e) {
      case NoSuchFileException _ -> "there is no such file or folder";
      case AccessDeniedException _ -> "permission denied";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      default -> Lodge.oneLine(e.getMessage());
    };
  }
}
