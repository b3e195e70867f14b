package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TaskInputTest {
  @Test
  void plainBytesPassAndTheEndIsControlD() throws IOException {
    assertThat(encode("one\ntwo\n".getBytes())).asString().isEqualTo("one\ntwo\n\4");
  }

  @Test
  void anUnfinishedLineIsHandedOnBeforeTheEnd() throws IOException {
    assertThat(encode("one".getBytes())).asString().isEqualTo("one\4\4");
  }

  @Test
  void nothingIsJustTheEnd() throws IOException {
    assertThat(encode(new byte[0])).containsExactly(4);
  }

  @Test
  void controlDAndControlVAreMadeLiteral() throws IOException {
    assertThat(encode(new byte[] {'a', 4, 22, '\n'})).containsExactly('a', 22, 4, 22, 22, '\n', 4);
  }

  @Test
  void aGuestInCanonicalModeReadsExactlyWhatWasWritten() throws IOException {
    Random random = new Random(7);
    for (int round = 0; round < 200; round++) {
      byte[] input = new byte[random.nextInt(6000)];
      for (int i = 0; i < input.length; i++) {
        input[i] = (byte) (round % 2 == 0 ? random.nextInt(256) : random.nextInt(2) == 0 ? 4 : 'x');
      }
      assertThat(read(encode(input))).isEqualTo(input);
    }
  }

  private static byte[] encode(byte[] bytes) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try (TaskInput input = new TaskInput(line)) {
      int half = bytes.length / 2;
      input.write(bytes, 0, half);
      input.write(bytes, half, bytes.length - half);
    }
    return line.toByteArray();
  }

  /** What read(2) returns piece by piece, up to its first 0: the canonical mode of termios(3). */
  private static byte[] read(byte[] line) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    int pending = 0;
    for (int i = 0; i < line.length; i++) {
      byte b = line[i];
      if (b == 4) {
        if (pending == 0) {
          assertThat(i).as("where the input ends").isEqualTo(line.length - 1);
          return all.toByteArray();
        }
        pending = 0;
      } else {
        if (b == 22) {
          b = line[++i];
        }
        all.write(b);
        pending++;
        assertThat(pending).as("bytes in the line buffer").isLessThan(4096);
        pending = b == '\n' ? 0 : pending;
      }
    }
    throw new AssertionError("the input has no end");
  }
}
