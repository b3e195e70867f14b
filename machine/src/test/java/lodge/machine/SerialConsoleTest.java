package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import lodge.core.Exit;
import lodge.machine.FakeEngine.FakeVcpu;
import lodge.machine.FakeEngine.Guest;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SerialConsoleTest {
  private static final int COM1 = 0x3F8;

  @TempDir Path folder;

  private Machine machine(SerialConsole console, Guest guest) throws IOException {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    return new MachineBuilder(List.of(new FakeEngine(guest)))
        .kernel(kernel)
        .memory(16 << 20)
        .debugExit(true)
        .serial(console)
        .build();
  }

  private static Exit exit(FakeVcpu vcpu) {
    vcpu.out(0xF4, 0);
    return Exit.KICKED;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(3).nextBytes(bytes);
    return bytes;
  }

  @Test
  void allOutputIsDeliveredInOrderBeforeAwaitReturns() throws Exception {
    byte[] text = random(200_000);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean[] flushed = new boolean[1];
    OutputStream slow =
        new OutputStream() {
          @Override
          public void write(int b) {
            throw new UnsupportedOperationException();
          }

          @Override
          public void write(byte[] bytes, int from, int length) {
            flushed[0] = false;
            out.write(bytes, from, length);
            Thread.yield();
          }

          @Override
          public void flush() {
            flushed[0] = true;
          }
        };
    try (Machine machine =
        machine(
            SerialConsole.of(slow),
            vcpu -> {
              for (byte b : text) {
                vcpu.out(COM1, b);
              }
              return exit(vcpu);
            })) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(0));
    }
    assertThat(out.toByteArray()).isEqualTo(text);
    assertThat(flushed[0]).isTrue();
  }

  /**
   * A guest that opens the port with receive interrupts and takes what comes, a few bytes a run.
   */
  private static Guest reader(ByteArrayOutputStream taken, int expected) {
    return vcpu -> {
      if (vcpu.runs == 1) {
        vcpu.out(COM1 + 2, 0x07);
        vcpu.out(COM1 + 4, 0x0B);
        vcpu.out(COM1 + 1, 0x01);
      }
      for (int i = 0; i < 5 && (vcpu.in(COM1 + 5) & 1) != 0; i++) {
        taken.write(vcpu.in(COM1));
      }
      return taken.size() < expected ? Exit.KICKED : exit(vcpu);
    };
  }

  @Test
  void noInputIsLostHoweverSlowTheGuestIs() throws Exception {
    byte[] text = random(100_000);
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    SerialConsole console =
        SerialConsole.of(new ByteArrayInputStream(text), OutputStream.nullOutputStream());
    try (Machine machine = machine(console, reader(taken, text.length))) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(0));
    }
    assertThat(taken.toByteArray()).isEqualTo(text);
  }

  @Test
  void aProgramMayFeedTheConsole() throws Exception {
    byte[] text = random(150_000);
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    SerialConsole.Fed console = SerialConsole.fed(OutputStream.nullOutputStream());
    try (Machine machine = machine(console, reader(taken, text.length + 1))) {
      machine.start();
      console.feed().write(text);
      console.feed().write('!');
      console.feed().close();
      assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(0));
    }
    assertThat(taken.size()).isEqualTo(text.length + 1);
    assertThatThrownBy(() -> console.feed().write('x')).isInstanceOf(IOException.class);
  }

  @Test
  void aBrokenOutputFailsTheMachine() throws Exception {
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    try (Machine machine =
        machine(
            SerialConsole.of(broken),
            vcpu -> {
              vcpu.out(COM1, 'x');
              return vcpu.spin();
            })) {
      machine.start();
      assertThat(machine.await())
          .isEqualTo(new Outcome.Failed("serial output: java.io.IOException: Broken pipe"));
    }
  }

  @Test
  void aMachineWhoseOutputIsStuckCanBeStoppedAndClosed() throws Exception {
    CountDownLatch stuck = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    OutputStream blocking =
        new OutputStream() {
          @Override
          public void write(int b) {
            stuck.countDown();
            boolean waiting = true;
            while (waiting) {
              try {
                release.await();
                waiting = false;
              } catch (InterruptedException e) {
                // Like a write to a full pipe, which no interrupt ends.
              }
            }
          }
        };
    try (Machine machine =
        machine(
            SerialConsole.of(blocking),
            vcpu -> {
              for (int i = 0; i < 1 << 18; i++) {
                vcpu.out(COM1, i);
              }
              return exit(vcpu);
            })) {
      machine.start();
      stuck.await();
      machine.stop();
      assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
    } finally {
      release.countDown();
    }
  }

  @Test
  void theOutputStreamMayStopTheMachine() throws Exception {
    Machine[] machine = new Machine[1];
    OutputStream watcher =
        new OutputStream() {
          @Override
          public void write(int b) {
            if (b == '#') {
              machine[0].close();
            }
          }
        };
    machine[0] =
        machine(
            SerialConsole.of(watcher),
            vcpu -> {
              vcpu.out(COM1, '#');
              return vcpu.spin();
            });
    machine[0].start();
    assertThat(machine[0].await()).isEqualTo(new Outcome.Stopped());
  }

  @Test
  void nobodyAtTheOtherEndIsFine() throws Exception {
    try (Machine machine =
        machine(
            SerialConsole.none(),
            vcpu -> {
              for (int i = 0; i < 100_000; i++) {
                vcpu.out(COM1, 'x');
              }
              return exit(vcpu);
            })) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(0));
    }
  }
}
