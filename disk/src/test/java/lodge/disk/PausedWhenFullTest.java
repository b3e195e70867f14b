package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import lodge.core.BlockBackend;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests wait for space on the host. */
@Timeout(60)
class PausedWhenFullTest {
  @TempDir Path folder;
  private final List<DiskException> notices = new ArrayList<>();
  private final CountDownLatch noticed = new CountDownLatch(1);
  private int failures;
  private Kind kind = Kind.NO_SPACE;

  private void notice(DiskException problem) {
    notices.add(problem);
    noticed.countDown();
  }

  /** A disk that takes a part of a request and then fails, so many times. */
  private BlockBackend failing() throws IOException {
    RawImage.create(folder.resolve("raw"), 1 << 20);
    return new BlockFilter(RawImage.open(folder.resolve("raw"), false)) {
      @Override
      public void write(long offset, ByteBuffer from) throws IOException {
        if (failures-- > 0) {
          from.get();
          throw new DiskException(kind, folder, "write", offset, "no space", null);
        }
        super.write(offset, from);
      }
    };
  }

  @Test
  void aWriteIsTriedAgainUntilThereIsSpace() throws Exception {
    try (PausedWhenFull disk = new PausedWhenFull(failing(), this::notice, 1)) {
      for (int round = 1; round <= 2; round++) {
        failures = 3;
        ByteBuffer data = ByteBuffer.wrap(new byte[] {1, 2, 3, 4});
        disk.write(512, data);
        assertThat(data.hasRemaining()).isFalse();
        assertThat(notices).as("one for each time without space").hasSize(round);
        ByteBuffer read = ByteBuffer.allocate(4);
        disk.read(512, read);
        assertThat(read.array()).containsExactly(1, 2, 3, 4);
      }
    }
  }

  @Test
  void otherFailuresAreReportedAtOnce() throws Exception {
    kind = Kind.HOST;
    failures = 1;
    try (PausedWhenFull disk = new PausedWhenFull(failing(), this::notice, 1)) {
      assertThatThrownBy(() -> disk.write(0, ByteBuffer.allocate(512)))
          .isInstanceOf(DiskException.class);
    }
    assertThat(notices).isEmpty();
  }

  @Test
  void whoWaitsAtTheMachinesEndFails() throws Exception {
    failures = Integer.MAX_VALUE;
    try (PausedWhenFull disk = new PausedWhenFull(failing(), this::notice, Integer.MAX_VALUE)) {
      FutureTask<Void> write =
          new FutureTask<>(
              () -> {
                disk.write(0, ByteBuffer.allocate(512));
                return null;
              });
      Thread.ofPlatform().daemon().start(write);
      noticed.await();
      disk.abandon();
      assertThatThrownBy(write::get)
          .isInstanceOf(ExecutionException.class)
          .cause()
          .hasMessageEndingWith("no space");
      assertThatThrownBy(() -> disk.write(0, ByteBuffer.allocate(512)))
          .isInstanceOf(DiskException.class);
    }
  }

  @Test
  void aFileSystemThatIsFullHoldsWritesUpUntilSomethingIsDeleted() throws Exception {
    if (run("mount", "-t", "tmpfs", "-o", "size=1m", "lodge-test", folder.toString()) != 0) {
      String reason = "Skipped: only root can mount a small tmpfs";
      System.out.println(reason);
      abort(reason);
    }
    try {
      Qcow2Image.create(folder.resolve("image"), Qcow2Options.ofSize(1 << 20));
      Path large = folder.resolve("large");
      assertThatThrownBy(() -> Files.write(large, new byte[2 << 20]))
          .isInstanceOf(IOException.class);
      assertThatThrownBy(() -> fill(Qcow2Image.open(folder.resolve("image"), false)))
          .isInstanceOfSatisfying(
              DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NO_SPACE));
      PausedWhenFull disk =
          new PausedWhenFull(Qcow2Image.open(folder.resolve("image"), false), this::notice, 1);
      FutureTask<Void> write =
          new FutureTask<>(
              () -> {
                fill(disk);
                return null;
              });
      Thread.ofPlatform().daemon().start(write);
      noticed.await();
      Files.delete(large);
      write.get();
      try (Qcow2Image image = Qcow2Image.open(folder.resolve("image"), true)) {
        ByteBuffer read = ByteBuffer.allocate(64 << 10);
        image.read(0, read);
        assertThat(read.flip()).isEqualTo(data());
      }
      assertThat(Qcow2Image.check(folder.resolve("image"), Repair.NOTHING).errors()).isZero();
    } finally {
      run("umount", folder.toString());
    }
  }

  private static ByteBuffer data() {
    ByteBuffer data = ByteBuffer.allocate(64 << 10);
    while (data.hasRemaining()) {
      data.put((byte) 5);
    }
    return data.flip();
  }

  private static void fill(BlockBackend disk) throws IOException {
    try (disk) {
      disk.write(0, data());
    }
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
  }
}
