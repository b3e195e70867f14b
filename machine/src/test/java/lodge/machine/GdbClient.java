package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A debugger that says what a test tells it to, and acknowledges what it is told. */
final class GdbClient implements AutoCloseable {
  /** A test that waits in vain is to fail, not to hang: no other time-out ends a read. */
  private static final int PATIENCE_MILLISECONDS = 60_000;

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  GdbClient(InetSocketAddress address) throws IOException {
    socket = new Socket(address.getAddress(), address.getPort());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(PATIENCE_MILLISECONDS);
    in = new BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /** Goes away as who crashes does: the other side's next look at the connection is an error. */
  void cutOff() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** Sends bytes as they are. */
  void raw(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  void raw(String text) throws IOException {
    raw(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Sends a packet. */
  void send(String data) throws IOException {
    int sum = data.chars().sum() & 0xFF;
    raw("$%s#%02x".formatted(data, sum));
  }

  /** Sends a packet and gives the answer. */
  String ask(String data) throws IOException {
    send(data);
    assertThat(in.read()).isEqualTo('+');
    return answer();
  }

  /** The next packet, acknowledged; empty text also at the connection's end. */
  String answer() throws IOException {
    int next = in.read();
    if (next < 0) {
      return "";
    }
    assertThat((char) next).isEqualTo('$');
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    int sum = 0;
    while ((next = in.read()) != '#') {
      assertThat(next).isNotNegative();
      sum += next;
      if (next == '}') {
        next = in.read();
        sum += next;
        next ^= 0x20;
      }
      data.write(next);
    }
    String claimed = "" + (char) in.read() + (char) in.read();
    assertThat(Integer.parseInt(claimed, 16)).isEqualTo(sum & 0xFF);
    raw("+");
    return data.toString(StandardCharsets.ISO_8859_1);
  }

  /** One byte outside of packets. */
  int mark() throws IOException {
    return in.read();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
