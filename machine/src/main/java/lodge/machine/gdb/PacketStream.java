package lodge.machine.gdb;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Packets on the wire ("Debugging with GDB", E.1): {@code $data#checksum}, acknowledged by a plus
 * or, to have it again, a minus. Reading and writing may be done by two threads.
 */
final class PacketStream {
  /** Most bytes of a packet's data; the client is told. */
  static final int LIMIT = 0x4000;

  /** What the client has sent. */
  sealed interface Message {
    /**
     * A packet.
     *
     * @param data with escapes undone
     */
    record Packet(byte[] data) implements Message {}

    /** More data than {@link #LIMIT}. */
    record TooLong() implements Message {}

    /** Ctrl-C. */
    record Interrupt() implements Message {}

    /** The last answer did not arrive whole. */
    record Again() implements Message {}
  }

  private static final int ESCAPE = '}';
  private static final int ESCAPED = 0x20;
  private static final int INTERRUPT = 3;

  private final InputStream in;
  private final OutputStream out;
  private volatile boolean acknowledges = true;
  private byte[] last = {};

  PacketStream(InputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /** QStartNoAckMode: neither side acknowledges any more. */
  void stopAcknowledging() {
    acknowledges = false;
  }

  /** The next message, or null at the end. What belongs to none is passed over. */
  Message read() throws IOException {
    while (true) {
      int next = in.read();
      switch (next) {
        case -1 -> {
          return null;
        }
        case INTERRUPT -> {
          return new Message.Interrupt();
        }
        case '-' -> {
          if (acknowledges) {
            return new Message.Again();
          }
        }
        case '$' -> {
          Message message = packet();
          if (message != null) {
            return message;
          }
        }
        default -> {}
      }
    }
  }

  /**
   * The packet whose start was read; null when it is broken, which the client was told, or ends.
   */
  private Message packet() throws IOException {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    int sum = 0;
    int length = 0;
    boolean escaped = false;
    for (int next = in.read(); next != '#'; next = in.read()) {
      if (next < 0) {
        return null;
      }
      if (next == '$') {
        // The end of the one before got lost.
        data.reset();
        sum = 0;
        length = 0;
        escaped = false;
        continue;
      }
      sum += next;
      length = Math.min(length + 1, LIMIT + 1);
      if (next == ESCAPE && !escaped) {
        escaped = true;
      } else if (length <= LIMIT) {
        data.write(escaped ? next ^ ESCAPED : next);
        escaped = false;
      }
    }
    int claimed = Character.digit(in.read(), 16) << 4 | Character.digit(in.read(), 16);
    if (acknowledges) {
      send(claimed == (sum & 0xFF) ? '+' : '-');
      if (claimed != (sum & 0xFF)) {
        return null;
      }
    }
    return length > LIMIT ? new Message.TooLong() : new Message.Packet(data.toByteArray());
  }

  private void send(int mark) throws IOException {
    synchronized (out) {
      out.write(mark);
      out.flush();
    }
  }

  void write(String text) throws IOException {
    write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  void write(byte[] data) throws IOException {
    ByteArrayOutputStream packet = new ByteArrayOutputStream(data.length + 4);
    packet.write('$');
    int sum = 0;
    for (byte each : data) {
      // An asterisk would be a run's length.
      if (each == '$' || each == '#' || each == ESCAPE || each == '*') {
        packet.write(ESCAPE);
        packet.write(each ^ ESCAPED);
        sum += ESCAPE + (each ^ ESCAPED);
      } else {
        packet.write(each);
        sum += each;
      }
    }
    packet.writeBytes("#%02x".formatted(sum & 0xFF).getBytes(StandardCharsets.US_ASCII));
    last = packet.toByteArray();
    writeAgain();
  }

  /** Sends the last packet once more. */
  void writeAgain() throws IOException {
    synchronized (out) {
      out.write(last);
      out.flush();
    }
  }
}
