package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Room in the file system of the cache. */
final class FreeSpace {
  private FreeSpace() {}

  /**
   * Checks it before anything is fetched.
   *
   * @throws GuestException when there is not as much
   */
  static void demand(Path home, String guest, long bytes) throws IOException {
    long free = Files.getFileStore(home).getUsableSpace();
    if (free < bytes) {
      throw new GuestException(
          lack(
              home,
              guest,
              "fetching takes %d MB, %d MB are free"
                  .formatted(bytes / 1_000_000, free / 1_000_000)));
    }
  }

  /** Whether a program or the host failed for want of it. */
  static boolean isWhatLacks(Exception e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("No space left") || message.contains("free space");
  }

  static String lack(Path home, String guest, String detail) {
    return "no space for guest '"
        + guest
        + "' in "
        + home
        + ": "
        + detail
        + "; free some or set LODGE_HOME to a folder elsewhere";
  }
}
