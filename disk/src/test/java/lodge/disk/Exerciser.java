package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import lodge.core.BlockBackend;

/** Does random things to an image and to an array, which is what the image has to be like. */
final class Exerciser {
  final byte[] model;
  private final RandomGenerator random;

  /** What may be discarded without other effects lies between multiples of this. */
  private final int clusterSize;

  Exerciser(byte[] model, int clusterSize, RandomGenerator random) {
    this.model = model;
    this.clusterSize = clusterSize;
    this.random = random;
  }

  void steps(BlockBackend image, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      step(image);
    }
  }

  private void step(BlockBackend image) throws IOException {
    int offset = random.nextInt(model.length);
    int most = random.nextBoolean() ? 3 * clusterSize : 1024;
    int length = random.nextInt(1, Math.min(most, model.length - offset) + 1);
    if (random.nextInt(3) == 0) {
      offset -= offset % clusterSize;
    }
    switch (random.nextInt(10)) {
      case 0, 1, 2, 3 -> {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        image.write(offset, ByteBuffer.wrap(bytes));
        System.arraycopy(bytes, 0, model, offset, length);
      }
      case 4, 5 -> {
        image.writeZeroes(offset, length, random.nextBoolean());
        Arrays.fill(model, offset, offset + length, (byte) 0);
      }
      case 6 -> discard(image, offset, length);
      case 7 -> image.flush();
      default ->
          assertThat(content(image, offset, length))
              .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
    }
  }

  /** Each cluster is as before, or zeroes if it was discarded as a whole. */
  private void discard(BlockBackend image, int offset, int length) throws IOException {
    image.discard(offset, length);
    for (int at = offset; at < offset + length; ) {
      int next = Math.min(at - at % clusterSize + clusterSize, offset + length);
      byte[] there = content(image, at, next - at);
      boolean whole = at % clusterSize == 0 && (next % clusterSize == 0 || next == model.length);
      if (whole && Arrays.equals(there, new byte[next - at])) {
        Arrays.fill(model, at, next, (byte) 0);
      }
      assertThat(there).isEqualTo(Arrays.copyOfRange(model, at, next));
      at = next;
    }
  }

  void compare(BlockBackend image) throws IOException {
    assertThat(content(image, 0, model.length)).isEqualTo(model);
  }

  static byte[] content(BlockBackend image, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    image.read(offset, bytes);
    return bytes.array();
  }
}
