package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lodge.disk.DiskException.Kind;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The host fails to write, or to make durable what was written, and then goes on as if nothing was.
 */
class FailingHostTest {
  private static final int SIZE = 1 << 20;
  private static final int CLUSTER = 4096;
  private static final byte[] DATA = new byte[5000];

  static {
    Arrays.fill(DATA, (byte) 7);
  }

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  private Path path;

  @BeforeEach
  void newImage() throws IOException {
    path = folder.resolve("image");
  }

  /** A host with one file. */
  private static final class Host extends MemoryChannel {
    boolean flushesFail;

    /** Where writes fail, in the file; -1 for nowhere. */
    long failsAt = -1;

    Host(byte[] content) {
      super(content);
    }

    @Override
    public void force(boolean metaData) throws IOException {
      if (flushesFail) {
        throw new IOException("Input/output error");
      }
      super.force(metaData);
    }

    @Override
    public int write(ByteBuffer from, long position) throws IOException {
      if (position <= failsAt && failsAt < position + from.remaining()) {
        throw new IOException("Input/output error");
      }
      return super.write(from, position);
    }
  }

  private Host host(ImageFormat format) throws IOException {
    if (format == ImageFormat.RAW) {
      return new Host(new byte[SIZE]);
    }
    Qcow2Image.create(path, new Qcow2Options(SIZE, CLUSTER, 3, false, null, null));
    return new Host(Files.readAllBytes(path));
  }

  private DiskImage open(Host host, ImageFormat format) throws IOException {
    ImageFile file = new ImageFile(path, host, false, null);
    return format == ImageFormat.RAW
        ? new RawImage(file)
        : new Qcow2Image(file, TableMemory.of(1 << 20), BackingChain.EMPTY);
  }

  private static void assertFails(ThrowingCallable request, String reason) {
    assertThatThrownBy(request)
        .hasMessageContaining(reason)
        .hasMessageEndingWith(
            "; what was written since the last flush may be lost, and nothing more is written")
        .extracting("kind")
        .isEqualTo(Kind.HOST);
  }

  @ParameterizedTest
  @EnumSource(
      value = ImageFormat.class,
      names = {"RAW", "QCOW2"})
  void afterAFailedFlushNothingIsWrittenAnyMore(ImageFormat format) throws Exception {
    Host host = host(format);
    DiskImage image = open(host, format);
    image.write(0, ByteBuffer.wrap(DATA));
    host.flushesFail = true;
    assertFails(image::flush, "cannot flush: Input/output error");
    host.flushesFail = false;
    byte[] before = host.content();
    List<ThrowingCallable> requests =
        List.of(
            image::flush,
            () -> image.write(0, ByteBuffer.wrap(DATA)),
            () -> image.write(SIZE / 2, ByteBuffer.wrap(DATA)),
            () -> image.writeZeroes(0, CLUSTER / 2, false),
            image::flush);
    for (ThrowingCallable request : requests) {
      assertFails(request, "a write failed before");
    }
    assertThat(Exerciser.content(image, 0, DATA.length)).isEqualTo(DATA);
    if (format == ImageFormat.QCOW2) {
      assertFails(image::close, "a write failed before");
    }
    assertThat(host.content()).isEqualTo(before);
  }

  @Test
  void tablesThatCouldNotBeWrittenAreWrittenByTheNextFlush() throws Exception {
    Host host = host(ImageFormat.QCOW2);
    DiskImage image = open(host, ImageFormat.QCOW2);
    image.write(0, ByteBuffer.wrap(DATA));
    image.flush();
    long l2 = l2Table(host);
    image.write(SIZE / 2, ByteBuffer.wrap(DATA));
    host.failsAt = l2;
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(image::flush)
          .hasMessageEndingWith("cannot write at 0x%x: Input/output error".formatted(l2));
    }
    host.failsAt = -1;
    image.flush();
    Files.write(path, host.content());
    assertThat(Qcow2Image.check(path, Repair.NOTHING).problems()).isEmpty();
    try (Qcow2Image again = Qcow2Image.open(path, true)) {
      assertThat(Exerciser.content(again, SIZE / 2, DATA.length)).isEqualTo(DATA);
    }
  }

  private static long l2Table(Host host) {
    ByteBuffer bytes = ByteBuffer.wrap(host.content());
    return bytes.getLong((int) bytes.getLong(40)) & L2Entry.OFFSET;
  }

  @Test
  void afterAHeaderThatCouldNotBeWrittenNothingIsWrittenAnyMore() throws Exception {
    Host host = host(ImageFormat.QCOW2);
    Qcow2Image image = (Qcow2Image) open(host, ImageFormat.QCOW2);
    image.write(0, ByteBuffer.wrap(DATA));
    image.flush();
    host.failsAt = 40;
    assertThatThrownBy(() -> image.createSnapshot("one"))
        .hasMessageEndingWith("cannot write at 0x18: Input/output error");
    host.failsAt = -1;
    assertFails(() -> image.write(0, ByteBuffer.wrap(DATA)), "a write failed before");
    assertFails(image::close, "a write failed before");
    Files.write(path, host.content());
    CheckReport report = Qcow2Image.check(path, Repair.NOTHING);
    assertThat(report.errors()).as("%s", report.problems()).isZero();
  }
}
