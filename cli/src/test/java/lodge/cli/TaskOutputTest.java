package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import lodge.cli.guest.GuestSession;
import org.junit.jupiter.api.Test;

class TaskOutputTest {
  private static final String MARK = new String(GuestSession.READY, StandardCharsets.US_ASCII);

  private final ByteArrayOutputStream target = new ByteArrayOutputStream();
  private final TaskOutput output = new TaskOutput(target);

  @Test
  void onlyWhatComesAfterTheMarkIsOutput() throws IOException {
    write("kernel says this\r\n" + MARK + "hello\n");
    write("world\n");

    assertThat(target.toString(StandardCharsets.UTF_8)).isEqualTo("hello\nworld\n");
    assertThat(output.started()).isTrue();
    assertThat(output.before()).isEmpty();
  }

  @Test
  void theMarkMayComeInPieces() throws IOException {
    for (char c : ("\33_lod" + MARK + "x" + MARK).toCharArray()) {
      write(String.valueOf(c));
    }
    assertThat(target.toString(StandardCharsets.UTF_8)).isEqualTo("x" + MARK);
  }

  @Test
  void withoutAMarkTheLastPartIsRemembered() throws IOException {
    for (int i = 0; i < 10_000; i++) {
      write("line " + i + "\n");
    }
    assertThat(target.size()).isZero();
    assertThat(output.started()).isFalse();
    assertThat(new String(output.before(), StandardCharsets.US_ASCII)).endsWith("line 9999\n");
    assertThat(output.before().length).isLessThanOrEqualTo(16 << 10);
  }

  private void write(String text) throws IOException {
    output.write(text.getBytes(StandardCharsets.US_ASCII));
  }
}
