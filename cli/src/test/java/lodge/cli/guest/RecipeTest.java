package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeTest {
  private static final String GOOD =
      """
      # a comment
      summary: a test
      package: linux-image-test
      package: busybox
      kernel: boot/vmlinuz-*
      file: bin/busybox usr/bin/busybox
      optional: lib/ lib/*.ko
      append: console=ttyS0 a:b
      memory: 1G
      """;

  @Test
  void aRecipeIsLinesOfKeyAndValue() {
    Recipe recipe = Recipe.parse("test", GOOD);

    assertThat(recipe.summary()).isEqualTo("a test");
    assertThat(recipe.packages()).containsExactly("linux-image-test", "busybox");
    assertThat(recipe.content())
        .isEqualTo(
            new Recipe.RamDisk(
                "boot/vmlinuz-*",
                List.of(
                    new Recipe.Item("bin/busybox", "usr/bin/busybox", true),
                    new Recipe.Item("lib/", "lib/*.ko", false)),
                "console=ttyS0 a:b"));
    assertThat(recipe.memory()).isEqualTo(1L << 30);
  }

  @Test
  void aRecipeWithADiskHasNoKernelOfItsOwn() {
    Recipe recipe = Recipe.parse("test", "package: systemd-sysv\ndisk: 2G\n");

    assertThat(recipe.content()).isEqualTo(new Recipe.Disk(2L << 30));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kernal: x               | line 1: key 'kernal' is unknown",
        "hello                   | line 1: 'hello' is not of the form key: value",
        "package: -o=Dir         | line 1: '-o=Dir' is no name of a Debian package",
        "file: a                 | line 1: 'a' is not of the form PATH-IN-THE-GUEST",
        "file: ../a b            | line 1: '../a b' is not of the form PATH-IN-THE-GUEST",
        "file: a /etc/shadow     | line 1: 'a /etc/shadow' is not of the form PATH-IN-THE-GUEST",
        "memory: much            | line 1: 'much' is no size",
        "package: busybox        | line 1: a recipe needs package lines and a kernel or disk line",
        "disk: 100M              | line 1: a disk has whole MiB, from 1G on and less than 2T",
      })
  void aWrongRecipeIsRefusedWithTheLineAndWhatWouldBeRight(String text, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Recipe.parse("test", text))
        .withMessageContaining(message);
  }

  @Test
  void aDiskAndAKernelAreNotForOneGuest() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Recipe.parse("test", GOOD + "disk: 4G\n"))
        .withMessageContaining("kernel, file, optional and append are for guests without a disk");
  }

  @Test
  void anUnknownNameIsAnsweredWithTheNamesThatThereAre(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("one"), GOOD);
    Files.writeString(folder.resolve("two"), GOOD);

    assertThat(Recipe.named("two", folder).name()).isEqualTo("two");
    assertThatExceptionOfType(GuestException.class)
        .isThrownBy(() -> Recipe.named("../one", folder))
        .withMessage("guest '../one' is unknown; there is one, two");
  }

  @Test
  void theRecipesThatLodgeComesWithAreGood() {
    Path folder = Path.of("..", "guests");
    assertThat(Recipe.names(folder)).contains("debian", "tiny");
    assertThat(Recipe.names(folder)).allSatisfy(name -> Recipe.named(name, folder));
  }
}
