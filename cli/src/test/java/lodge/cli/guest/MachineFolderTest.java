package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineFolderTest {
  @TempDir private Path home;

  @Test
  void aMachineStaysOverTheBuildThatItWasMadeFrom() throws IOException {
    Guest.Disk older = build("older");
    Guest.Disk newer = build("newer");
    try (MachineFolder machine = MachineFolder.open(home, "m")) {
      machine.disk("debian", () -> older);
    }

    try (MachineFolder machine = MachineFolder.open(home, "m")) {
      machine.disk("debian", () -> newer);

      assertThat(machine.isOver(older.image().getParent())).isTrue();
      assertThat(machine.isOver(newer.image().getParent())).isFalse();
    }
  }

  @Test
  void aMachineWhoseBuildIsGoneIsNotRun() throws IOException {
    Guest.Disk build = build("older");
    try (MachineFolder machine = MachineFolder.open(home, "m")) {
      machine.disk("debian", () -> build);
      GuestCache.remove(build.image().getParent());

      assertThatExceptionOfType(GuestException.class)
          .isThrownBy(() -> machine.disk("debian", () -> build))
          .withMessageContaining("which is gone; remove " + home.resolve("machines/m"));
    }
  }

  private Guest.Disk build(String name) throws IOException {
    Path folder = Files.createDirectories(home.resolve("guests").resolve(name));
    Path image = folder.resolve(DiskBuilder.IMAGE);
    Qcow2Image.create(image, Qcow2Options.ofSize(1 << 20));
    Manifest.write(folder, List.of(DiskBuilder.IMAGE), List.of());
    return new Guest.Disk("debian", image, 512L << 20);
  }
}
