package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lodge on a terminal, which script(1) plays. */
class TerminalIT {
  /** Sends back each byte that it gets, Ctrl-C too, as two: itself and a dot. */
  private static final int[] ECHO = {
    0x66,
    0xBA,
    0xFD,
    0x03, // mov dx, 0x3fd
    0xEC,
    0xA8,
    0x01,
    0x74,
    0xFB, // in al, dx; test al, 1; jz
    0x66,
    0xBA,
    0xF8,
    0x03,
    0xEC, // mov dx, 0x3f8; in al, dx
    0xEE,
    0xB0,
    '.',
    0xEE, // out dx, al; mov al, '.'; out dx, al
    0xEB,
    0xEC // jmp to the start
  };

  @TempDir private Path folder;

  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
  private Process process;
  private OutputStream keys;

  @AfterEach
  void end() {
    if (process != null) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  @Test
  void everyKeyGoesToTheGuestUntilControlAXAndTheTerminalIsAsBefore() throws Exception {
    start("run --kernel " + kernel());
    await("Ctrl-A X quits");

    type("a");
    await("a.");
    type("\3\32\4\r");
    await("\3.\32.\4.\r.");
    type("\1\1");
    await("\1.");
    type("\1h");
    await("Ctrl-A Ctrl-A sends Ctrl-A");
    type("\1s");
    await("guest_instructions ");
    type("\1x");
    await("status 0");
    assertTerminalIsCooked();
  }

  @Test
  void aTerminationSignalLeavesTheTerminalAsBefore() throws Exception {
    start("run --kernel " + kernel());
    await("Ctrl-A X quits");
    type("b");
    await("b.");

    process
        .descendants()
        .filter(child -> child.info().command().orElse("").endsWith("/java"))
        .forEach(ProcessHandle::destroy);

    await("status 143");
    assertTerminalIsCooked();
  }

  @Test
  void aGuestThatEndsLeavesTheTerminalAsBefore() throws Exception {
    Path end = PvhKernel.write(folder.resolve("end"), 0xB0, 7, 0xE6, 0xF4, 0xF4);
    start("run --kernel " + end);

    await("status 7");
    assertTerminalIsCooked();
  }

  private void assertTerminalIsCooked() throws InterruptedException {
    await("settings:");
    await("end of settings");
    String settings = text().substring(text().indexOf("settings:"));
    assertThat(settings.replace(';', ' ').split("\\s+"))
        .contains("icanon", "isig", "echo", "opost", "icrnl");
  }

  private String kernel() throws IOException {
    return PvhKernel.write(folder.resolve("kernel"), ECHO).toString();
  }

  private void start(String arguments) throws IOException {
    Path script = folder.resolve("commands");
    Files.writeString(
        script,
        "stty sane rows 40 columns 120\n"
            + LodgeScript.ROOT.resolve("lodge")
            + " "
            + arguments
            + "\n"
            + "echo status $?; echo settings:; stty -a; echo 'end of' settings\n");
    try {
      process =
          new ProcessBuilder("script", "-qfec", "sh " + script, "/dev/null")
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      Assumptions.abort("no script(1) here (the package bsdutils)");
    }
    keys = process.getOutputStream();
    Thread.ofPlatform().daemon().start(() -> copy(process.getInputStream()));
  }

  private void type(String text) throws IOException {
    keys.write(text.getBytes(StandardCharsets.ISO_8859_1));
    keys.flush();
  }

  private void copy(InputStream in) {
    byte[] buffer = new byte[4096];
    try {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        screen.write(buffer, 0, n);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String text() {
    return screen.toString(StandardCharsets.ISO_8859_1);
  }

  private void await(String expected) throws InterruptedException {
    for (int i = 0; i < 600 && !text().contains(expected); i++) {
      TimeUnit.MILLISECONDS.sleep(50);
    }
    assertThat(text()).contains(expected);
  }
}
