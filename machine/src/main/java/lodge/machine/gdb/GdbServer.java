package lodge.machine.gdb;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Waits for debuggers, one at a time: the next one waits until the last has gone. */
public final class GdbServer implements AutoCloseable {
  /** How long a session may take to tell of the machine's end. */
  private static final long FAREWELL_MILLISECONDS = 500;

  private final Debuggee machine;
  private final ServerSocket listener;
  private final Thread thread =
      Thread.ofPlatform().daemon().name("lodge-gdb").unstarted(this::serve);
  private volatile Socket connection;
  private volatile boolean closed;

  private GdbServer(Debuggee machine, ServerSocket listener) {
    this.machine = machine;
    this.listener = listener;
  }

  /**
   * Takes the address; {@link #start} is to follow.
   *
   * @throws IOException when it cannot be had
   */
  public static GdbServer bind(InetSocketAddress address, Debuggee machine) throws IOException {
    ServerSocket listener = new ServerSocket();
    try {
      listener.setReuseAddress(true);
      listener.bind(address, 1);
      return new GdbServer(machine, listener);
    } catch (IOException | RuntimeException e) {
      listener.close();
      throw e;
    }
  }

  public void start() {
    thread.start();
  }

  /** With the port that was found when any would do. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.getLocalSocketAddress();
  }

  private void serve() {
    try {
      while (!closed) {
        serve(listener.accept());
      }
    } catch (IOException | InterruptedException e) {
      // Closed, or there is no more waiting for connections.
    }
  }

  private void serve(Socket socket) throws InterruptedException {
    try (socket) {
      connection = socket;
      if (!closed) {
        socket.setTcpNoDelay(true);
        PacketStream stream =
            new PacketStream(
                new BufferedInputStream(socket.getInputStream()), socket.getOutputStream());
        new GdbSession(machine, stream).run();
      }
    } catch (IOException e) {
      // Whoever that was has gone; the next one may come.
    }
  }

  /** Waits for nobody any more. A session learns of the machine's end by itself. */
  @Override
  public void close() {
    closed = true;
    try {
      listener.close();
    } catch (IOException e) {
      // It waits no more either way.
    }
  }

  /** Cuts off whoever is connected, once the session has said its last word or will not. */
  public void disconnect() {
    try {
      thread.join(FAREWELL_MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Socket socket = connection;
    if (socket != null) {
      try {
        socket.close();
      } catch (IOException e) {
        // It is cut off either way.
      }
    }
  }
}
