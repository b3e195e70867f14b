package lodge.cli.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CloudSeedTest {
  @TempDir private Path folder;

  @Test
  void otherProgramsReadTheDiscWithItsNamesAndLabel() throws Exception {
    assumeThat(Path.of("/usr/bin/xorriso")).as("xorriso").exists();
    Path user = Files.writeString(folder.resolve("user"), "#cloud-config\n" + "x".repeat(5000));
    Path disc = folder.resolve("disc.iso");
    Files.write(disc, CloudSeed.parse("user-data=" + user, "one").image());
    Path out = folder.resolve("out");

    Tool.Result read =
        Tool.run(
            folder,
            List.of(
                "xorriso",
                "-osirrox",
                "on",
                "-indev",
                disc.toString(),
                "-pvd_info",
                "-extract",
                "/",
                out.toString()));

    assertThat(read.status()).as(read.errors()).isZero();
    assertThat(read.output() + read.errors()).containsPattern("Volume Id *: cidata\\R");
    assertThat(out.resolve("user-data")).hasSameTextualContentAs(user);
    assertThat(out.resolve("meta-data")).hasContent("instance-id: one\nlocal-hostname: one\n");
  }

  @Test
  void givenMetaDataReplacesTheOwn() throws Exception {
    Path file = Files.writeString(folder.resolve("meta"), "instance-id: mine\n");

    CloudSeed seed = CloudSeed.parse("meta-data=" + file, "one");

    assertThat(seed.files()).containsOnlyKeys("user-data", "meta-data");
    assertThat(new String(seed.files().get("meta-data"), UTF_8)).isEqualTo("instance-id: mine\n");
  }

  @Test
  void anUnknownPartAndAMissingFileAreNamed() {
    assertThatExceptionOfType(GuestException.class)
        .isThrownBy(() -> CloudSeed.parse("vendor-data=x", "one"))
        .withMessageContaining("it is user-data=FILE[,meta-data=FILE]");
    assertThatExceptionOfType(GuestException.class)
        .isThrownBy(() -> CloudSeed.parse("user-data=" + folder.resolve("none"), "one"))
        .withMessage("there is no file " + folder.resolve("none"));
  }
}
