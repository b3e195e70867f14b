package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    assertThat(recipe.kernel()).isEqualTo("boot/vmlinuz-*");
    assertThat(recipe.files())
        .containsExactly(
            new Recipe.Item("bin/busybox", "usr/bin/busybox", true),
            new Recipe.Item("lib/", "lib/*.ko", false));
    assertThat(recipe.append()).isEqualTo("console=ttyS0 a:b");
    assertThat(recipe.memory()).isEqualTo(1L << 30);
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
        "package: busybox        | line 1: a recipe needs package and kernel lines",
      })
  void aWrongRecipeIsRefusedWithTheLineAndWhatWouldBeRight(String text, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Recipe.parse("test", text))
        .withMessageContaining(message);
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
    assertThat(Recipe.names(folder)).contains("tiny");
    assertThat(Recipe.names(folder)).allSatisfy(name -> Recipe.named(name, folder));
  }
}
