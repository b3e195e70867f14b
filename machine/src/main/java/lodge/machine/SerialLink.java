package lodge.machine;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import lodge.devices.CharacterPort;
import lodge.devices.CharacterSink;

/**
 * Moves bytes between a chip and its {@link SerialConsole} on two virtual threads, so that neither
 * a slow terminal nor a silent one ever holds a device up beyond what flow control wants.
 */
final class SerialLink implements CharacterSink {
  private static final int CAPACITY = 64 << 10;
  private static final int CHUNK = 4096;

  private final SerialConsole console;
  private final Consumer<IOException> onBroken;
  private final BytePipe outgoing = new BytePipe(CAPACITY);
  private final CountDownLatch delivered = new CountDownLatch(1);
  private final Semaphore space = new Semaphore(0);
  private CharacterPort port;
  private Thread writer;
  private Thread reader;

  /**
   * @param onBroken called when the output throws
   */
  SerialLink(SerialConsole console, Consumer<IOException> onBroken) {
    this.console = console;
    this.onBroken = onBroken;
  }

  /** Says which chip input is for. */
  void connect(CharacterPort chip) {
    port = chip;
    chip.onReceiveSpace(this::spaceFreed);
  }

  void start() {
    writer = Thread.ofVirtual().name("lodge-serial-output").start(this::deliver);
    reader = Thread.ofVirtual().name("lodge-serial-input").start(this::feed);
  }

  /** Called on a vCPU thread or one of the chip's own; waits while the console is slow. */
  @Override
  public void write(int b) {
    try {
      outgoing.put((byte) b);
    } catch (InterruptedException e) {
      // Nobody but a foreign embedder interrupts a vCPU thread; the machine's own end comes through
      // the pipe.
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void write(byte[] characters, int from, int length) {
    try {
      outgoing.put(characters, from, length);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void deliver() {
    byte[] chunk = new byte[CHUNK];
    OutputStream output = console.output();
    try {
      int length;
      while ((length = outgoing.take(chunk, 0, CHUNK)) >= 0) {
        output.write(chunk, 0, length);
        if (outgoing.available() == 0) {
          output.flush();
        }
      }
    } catch (IOException e) {
      outgoing.abandon();
      onBroken.accept(e);
    } catch (InterruptedException e) {
      outgoing.abandon();
    } finally {
      delivered.countDown();
    }
  }

  private void feed() {
    byte[] chunk = new byte[CHUNK];
    InputStream input = console.input();
    try {
      int length;
      while ((length = input.read(chunk, 0, CHUNK)) >= 0) {
        for (int from = 0; from < length; ) {
          from += port.receive(chunk, from, length - from);
          if (from < length) {
            space.acquire();
          }
        }
      }
    } catch (IOException | InterruptedException e) {
      // A console that cannot be read any more has ended.
    }
  }

  /** The chip may take more now. */
  void spaceFreed() {
    if (space.availablePermits() == 0) {
      space.release();
    }
  }

  /** There is no more output; what there is will be delivered. Input ends. */
  void finish() {
    outgoing.end();
    if (reader != null) {
      reader.interrupt();
    }
  }

  /** Waits until the output is delivered or {@link #abandon} is called. */
  void awaitDelivered() throws InterruptedException {
    delivered.await();
  }

  boolean awaitDelivered(long milliseconds) throws InterruptedException {
    return delivered.await(milliseconds, TimeUnit.MILLISECONDS);
  }

  /**
   * Ends both threads, whatever is left; a thread that is inside of the embedder's stream ends when
   * that returns.
   */
  void abandon() {
    outgoing.abandon();
    finish();
    delivered.countDown();
    if (writer != null && Thread.currentThread() != writer) {
      writer.interrupt();
    }
  }
}
