package lodge.cli;

import java.io.IOException;
import java.io.OutputStream;

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
      default -> new ToFile(OutputFile.open(where.substring(FILE.length()), "--serial " + where));
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

  /** A file. */
  record ToFile(OutputFile file) implements SerialTarget {
    @Override
    public OutputStream output() {
      return file.output();
    }

    @Override
    public void begin() throws IOException {
      file.begin();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
