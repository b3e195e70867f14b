package lodge.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Where {@code --serial} sends the guest's bytes. */
sealed interface SerialTarget extends AutoCloseable {
  String FILE = "file:";

  OutputStream output();

  /** The machine is known to be good: from here on what the user owns may change. */
  void begin() throws IOException;

  @Override
  void close() throws IOException;

  /** Says no to anything that is not of the option's form. */
  static void check(String where) {
    boolean file = where.startsWith(FILE) && where.length() > FILE.length();
    if (!where.equals("stdio") && !where.equals("null") && !file) {
      throw new BadInput("--serial " + where + " is unknown; there are stdio, null and file:PATH");
    }
  }

  static SerialTarget of(String where, Streams streams) {
    return switch (where) {
      case "stdio" -> new Standard(streams.output());
      case "null" -> new Nowhere(OutputStream.nullOutputStream());
      default -> ToFile.open(where.substring(FILE.length()));
    };
  }

  /** Standard output, past the buffer of {@link System#out}. */
  record Standard(OutputStream output) implements SerialTarget {
    @Override
    public void begin() {}

    @Override
    public void close() {}
  }

  /** Thrown away. */
  record Nowhere(OutputStream output) implements SerialTarget {
    @Override
    public void begin() {}

    @Override
    public void close() {}
  }

  /**
   * A file, which keeps what it holds until the machine starts, and is not left behind when none
   * does.
   */
  final class ToFile implements SerialTarget {
    private final Path path;
    private final FileChannel channel;
    private final boolean created;
    private boolean begun;

    private ToFile(Path path, FileChannel channel, boolean created) {
      this.path = path;
      this.channel = channel;
      this.created = created;
    }

    static ToFile open(String name) {
      try {
        Path path = Path.of(name);
        boolean created = Files.notExists(path);
        return new ToFile(
            path,
            FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            created);
      } catch (InvalidPathException | IOException e) {
        throw new BadInput("--serial file:" + name + " cannot be written: " + Reasons.of(e), e);
      }
    }

    @Override
    public OutputStream output() {
      return Channels.newOutputStream(channel);
    }

    @Override
    public void begin() throws IOException {
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
}
