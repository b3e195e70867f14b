package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The fetch of a guest that goes wrong. Small programs stand in for apt's: they play an archive of
 * one package and fail the way the real ones do.
 */
class FetchIT {
  private static final String SHOW =
      """
      cat <<EOF
      Package: package
      Version: 1
      Size: 1000
      Installed-Size: 10
      SHA256: %s
      EOF
      """
          .formatted("0".repeat(64));

  @TempDir private Path folder;

  @Test
  void withoutAptTheLineNamesKernelAndInitrd() throws Exception {
    for (String name :
        new String[] {"bash", "readlink", "dirname", "sed", "find", "id", "mkdir", "env"}) {
      Files.createSymbolicLink(bin().resolve(name), program(name));
    }

    LodgeScript.Result run =
        lodge("run", "tiny")
            .with("PATH", bin().toString())
            .with("JAVA_HOME", System.getProperty("java.home"))
            .with("LODGE_HOME", home().toString())
            .run();

    assertOneLine(run, "apt-cache cannot be run here", "--kernel FILE --initrd FILE");
  }

  @Test
  void aPackageThatDiffersFromTheListsIsRefused() throws Exception {
    tool("apt-cache", SHOW);
    tool("apt-get", "for p; do case $p in *=1) : >\"${p%=1}_1_amd64.deb\";; esac; done");

    LodgeScript.Result run = fetch().run();

    assertOneLine(run, "is not what the package lists promise", "SHA-256");
  }

  @Test
  void aFullFileSystemIsNamed() throws Exception {
    tool("apt-cache", SHOW);
    tool("apt-get", "echo 'E: write - write (28: No space left on device)' >&2; exit 100");

    LodgeScript.Result run = fetch().run();

    assertOneLine(run, "no space for guest 'tiny' in " + home(), "LODGE_HOME");
  }

  @Test
  void packagesThatDoNotFitAreNotFetchedAtAll() throws Exception {
    tool("apt-cache", SHOW.replace("Size: 1000", "Size: 1000000000000000"));
    tool("apt-get", "echo fetched >>\"$LODGE_HOME/log\"");

    LodgeScript.Result run = fetch().run();

    assertOneLine(run, "no space for guest 'tiny' in " + home(), "MB are free");
    assertThat(home().resolve("log")).doesNotExist();
  }

  @Test
  void aNetworkThatFailsIsReportedInAptsWords() throws Exception {
    tool("apt-cache", SHOW);
    tool("apt-get", "echo 'W: hm' >&2; echo 'E: Failed to fetch: no route to host' >&2; exit 100");

    LodgeScript.Result run = fetch().run();

    assertOneLine(run, "Failed to fetch: no route to host", "--kernel FILE");
  }

  @Test
  void anInterruptedFetchLeavesNothingHalfWritten() throws Exception {
    tool("apt-cache", SHOW);
    tool("apt-get", "echo half >half.deb; echo started >>\"$LODGE_HOME/log\"; exec sleep 100");

    Process process = fetch().start();
    for (int i = 0; i < 200 && !Files.exists(home().resolve("log")); i++) {
      Thread.sleep(50);
    }
    assertThat(home().resolve("log")).exists();
    process.destroy();

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(128 + 15);
    assertThat(guests()).isEmpty();
  }

  @Test
  void whatAKilledFetchLeftIsSweptAwayByTheNext() throws Exception {
    Path left = Files.createDirectories(home().resolve("guests/.fetch-1/packages"));
    Files.writeString(left.resolve("half.deb"), "half");
    tool("apt-cache", SHOW);
    tool("apt-get", "exit 100");

    assertThat(fetch().run().status()).isEqualTo(2);
    assertThat(guests()).isEmpty();
  }

  @Test
  void aCacheThatCannotBeWrittenIsNamed() throws Exception {
    Files.writeString(folder.resolve("file"), "");
    tool("apt-cache", SHOW);

    LodgeScript.Result run =
        fetch().with("LODGE_HOME", folder.resolve("file/home").toString()).run();

    assertOneLine(run, "cannot write the cache " + folder.resolve("file/home"), "set LODGE_HOME");
  }

  @Test
  void theScriptWorksFromAnyFolderAndThroughASymbolicLink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), LodgeScript.ROOT.resolve("lodge"));

    LodgeScript.Result run = lodge("--version").in(folder).through(link).run();

    assertThat(run.text()).startsWith("lodge ");
    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isZero();
  }

  private LodgeScript fetch() throws IOException {
    return lodge("run", "tiny")
        .with("PATH", bin() + ":" + System.getenv("PATH"))
        .with("LODGE_HOME", home().toString());
  }

  private static void assertOneLine(LodgeScript.Result run, String what, String right) {
    assertThat(run.errors()).startsWith("lodge: ").hasLineCount(1).contains(what).contains(right);
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.output()).isEmpty();
  }

  private Path home() {
    return folder.resolve("home");
  }

  private Path bin() throws IOException {
    return Files.createDirectories(folder.resolve("bin"));
  }

  private void tool(String name, String script) throws IOException {
    Path file = Files.writeString(bin().resolve(name), "#!/bin/sh\n" + script + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private Stream<Path> guests() throws IOException {
    try (var files = Files.list(home().resolve("guests"))) {
      return files.toList().stream();
    }
  }

  private static Path program(String name) {
    Path found =
        Stream.of(System.getenv("PATH").split(":"))
            .map(part -> Path.of(part, name))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeThat(found).as("where " + name + " is").isNotNull();
    return found;
  }
}
