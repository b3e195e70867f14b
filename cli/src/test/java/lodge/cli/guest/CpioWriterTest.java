package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CpioWriterTest {
  @Test
  void anEntryIsAHeaderInHexadecimalThenTheNameThenTheContentEachPaddedToFourBytes() {
    byte[] archive = new CpioWriter().file("etc/motd", 0644, "hello").finish();

    assertThat(text(archive, 0, 6)).isEqualTo("070701");
    assertThat(field(archive, 1)).as("mode").isEqualTo(0100644);
    assertThat(field(archive, 4)).as("links").isEqualTo(1);
    assertThat(field(archive, 6)).as("size").isEqualTo(5);
    assertThat(field(archive, 11)).as("length of the name").isEqualTo(9);
    assertThat(text(archive, 110, 9)).isEqualTo("etc/motd\0");
    assertThat(text(archive, 120, 8)).isEqualTo("hello\0\0\0");
    assertThat(text(archive, 128, 6)).as("the trailer's magic").isEqualTo("070701");
  }

  @Test
  void anArchiveEndsWithATrailerAndCanBeFollowedByAnother() {
    byte[] archive = new CpioWriter().directory("dev", 0755).finish();

    assertThat(archive.length % 512).isZero();
    assertThat(new String(archive, StandardCharsets.ISO_8859_1)).contains("TRAILER!!!\0");
  }

  @Test
  void typesAndDeviceNumbersAreThoseOfTheFormat() {
    byte[] device = new CpioWriter().characterDevice("dev/console", 0600, 5, 1).finish();
    assertThat(field(device, 1)).isEqualTo(0020600);
    assertThat(field(device, 9)).as("major").isEqualTo(5);
    assertThat(field(device, 10)).as("minor").isEqualTo(1);

    byte[] link = new CpioWriter().symlink("sbin", "bin").finish();
    assertThat(field(link, 1)).isEqualTo(0120777);
    assertThat(text(link, 116, 3)).isEqualTo("bin");

    assertThat(field(new CpioWriter().directory("tmp", 01777).finish(), 1)).isEqualTo(0041777);
  }

  @Test
  void theSameInputGivesTheSameBytes() {
    assertThat(new CpioWriter().file("a", 0644, "x").finish())
        .isEqualTo(new CpioWriter().file("a", 0644, "x").finish());
  }

  @Test
  void absolutePathsAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new CpioWriter().file("/init", 0755, ""));
  }

  /** The numbered field of the first header, 0 being the inode. */
  private static int field(byte[] archive, int index) {
    return Integer.parseUnsignedInt(text(archive, 6 + 8 * index, 8), 16);
  }

  private static String text(byte[] archive, int from, int length) {
    return new String(archive, from, length, StandardCharsets.ISO_8859_1);
  }
}
