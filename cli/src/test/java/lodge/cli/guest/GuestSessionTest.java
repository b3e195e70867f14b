package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class GuestSessionTest {
  @Test
  void aShellGetsTheTerminalsTypeAndSize() {
    assertThat(text(GuestSession.shell("xterm-256color", 50, 132)))
        .contains("TERM=xterm-256color rows=50 columns=132\n")
        .doesNotContain("lodge/command");
  }

  @Test
  void aTerminalTypeThatIsNoPlainWordDoesNotReachTheGuestsShell() {
    assertThat(text(GuestSession.shell("x; reboot", 24, 80))).contains("TERM=vt100 rows");
  }

  @Test
  void theWordsOfACommandSurviveAShellUnchanged() throws IOException {
    List<String> words =
        List.of(
            "printf", "[%s]", "", "a  b", "it's", "''", "$HOME `id` \"x\" \\", "*", "ä", "-", "\n");
    String archive = text(GuestSession.task(words));
    int script = archive.indexOf("exec 'printf'");
    String command = archive.substring(script, archive.indexOf("070701", script)).replace("\0", "");

    Tool.Result run = Tool.run(Path.of("."), List.of("sh", "-c", command));

    assertThat(run.output()).isEqualTo("[][a  b][it's][''][$HOME `id` \"x\" \\][*][ä][-][\n]");
  }

  private static String text(byte[] archive) {
    return new String(archive, StandardCharsets.UTF_8);
  }
}
