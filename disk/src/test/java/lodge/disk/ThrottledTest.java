package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Time passes only when somebody waits, so each wait is seen to the nanosecond. */
class ThrottledTest {
  private static final long SECOND = 1_000_000_000;

  @TempDir Path folder;
  private RawImage image;
  private long now = 5;
  private boolean interrupted;

  @BeforeEach
  void image() throws IOException {
    RawImage.create(folder.resolve("raw"), 1 << 20);
    image = RawImage.open(folder.resolve("raw"), false);
  }

  private Throttled throttled(long bps, long iops, long bpsMax, long iopsMax) {
    return new Throttled(
        image,
        new IoLimits(bps, iops, bpsMax, iopsMax),
        () -> now,
        nanos -> {
          if (interrupted) {
            throw new InterruptedException();
          }
          now += nanos;
        });
  }

  private void read(Throttled disk, int length) throws IOException {
    disk.read(0, ByteBuffer.allocate(length));
  }

  private long elapsed() {
    return now - 5;
  }

  @Test
  void bytesASecondAreKeptOnAverage() throws Exception {
    try (Throttled disk = throttled(1_000_000, 0, 0, 0)) {
      for (int i = 0; i < 100; i++) {
        read(disk, 50_000);
        disk.write(0, ByteBuffer.allocate(50_000));
      }
      // A tenth of a second's worth was free.
      assertThat(elapsed()).isEqualTo(10 * SECOND - SECOND / 10);
    }
  }

  @Test
  void requestsASecondAreKeptOnAverage() throws Exception {
    try (Throttled disk = throttled(0, 100, 0, 0)) {
      for (int i = 0; i < 1000; i++) {
        switch (i % 4) {
          case 0 -> read(disk, 100_000);
          case 1 -> disk.write(0, ByteBuffer.allocate(1));
          case 2 -> disk.discard(0, 4096);
          default -> disk.writeZeroes(0, 4096, true);
        }
      }
      assertThat(elapsed()).isEqualTo(10 * SECOND - SECOND / 10);
    }
  }

  @Test
  void aBurstComesAtOnceAfterAPause() throws Exception {
    try (Throttled disk = throttled(100_000, 0, 500_000, 0)) {
      read(disk, 500_000);
      assertThat(elapsed()).isZero();
      read(disk, 100_000);
      assertThat(elapsed()).isEqualTo(SECOND);
      now += 3 * SECOND; // room for three more, since what was borrowed is paid
      read(disk, 300_000);
      assertThat(elapsed()).isEqualTo(4 * SECOND);
      now += 1000 * SECOND;
      read(disk, 500_000);
      assertThat(elapsed()).isEqualTo(1004 * SECOND);
      read(disk, 1);
      assertThat(elapsed()).isEqualTo(1004 * SECOND + 10_000);
    }
  }

  @Test
  void theNarrowerLimitCounts() throws Exception {
    try (Throttled disk = throttled(1_000_000, 10, 1, 1)) {
      read(disk, 1);
      read(disk, 1);
      assertThat(elapsed()).isEqualTo(SECOND / 10);
      read(disk, 1_000_000);
      assertThat(elapsed()).isBetween(SECOND, SECOND + SECOND / 5);
    }
  }

  @Test
  void aRequestLargerThanTheBurstPasses() throws Exception {
    try (Throttled disk = throttled(1000, 0, 1, 0)) {
      read(disk, 10_001);
      assertThat(elapsed()).isEqualTo(10 * SECOND);
    }
  }

  @Test
  void withoutLimitsNobodyWaits() throws Exception {
    try (Throttled disk = throttled(0, 0, 0, 0)) {
      for (int i = 0; i < 100; i++) {
        read(disk, 1 << 20);
      }
      disk.flush();
      assertThat(elapsed()).isZero();
      assertThat(disk.size()).isEqualTo(1 << 20);
      assertThat(disk.readOnly()).isFalse();
    }
  }

  @Test
  void whoIsInterruptedDoesNotReachTheDisk() throws Exception {
    try (Throttled disk = throttled(1, 0, 1, 0)) {
      interrupted = true;
      assertThatThrownBy(() -> read(disk, 1000)).isInstanceOf(InterruptedIOException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(image.size()).isEqualTo(1 << 20); // it is still open
      image.read(0, ByteBuffer.allocate(1));
    }
  }

  @Test
  void limitsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> new IoLimits(-1, 0, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new IoLimits(0, 0, 1, 0)).isInstanceOf(IllegalArgumentException.class);
  }
}
