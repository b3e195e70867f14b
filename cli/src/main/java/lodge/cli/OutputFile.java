package lodge.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that an option names for output. It keeps what it holds until the machine starts, and is
 * not left behind when none does.
 */
final class OutputFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final boolean created;
  private boolean begun;

  private OutputFile(Path path, FileChannel channel, boolean created) {
    this.path = path;
    this.channel = channel;
    this.created = created;
  }

  /**
   * @param option what the user wrote, for the message when the file cannot be written
   */
  static OutputFile open(String name, String option) {
    try {
      Path path = Path.of(name);
      boolean created = Files.notExists(path);
      return new OutputFile(
          path,
          FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE),
          created);
    } catch (InvalidPathException | IOException e) {
      throw new BadInput(option + " cannot be written: " + Reasons.of(e), e);
    }
  }

  OutputStream output() {
    return Channels.newOutputStream(channel);
  }

  /** The machine is known to be good: from here on what the file held may go. */
  void begin() throws IOException {
    if (Files.isRegularFile(path)) {
      channel.truncate(0);
    }
    begun = true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (created && !begun) {
      Files.deleteIfExists(path);
    }
  }
}
