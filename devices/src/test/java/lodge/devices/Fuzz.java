package lodge.devices;

import java.util.Random;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/** A guest that does anything to a chip. What it throws fails the test. */
final class Fuzz {
  private static final int ACCESSES = 200_000;
  private static final int[] SIZES = {1, 2, 4, 8};

  private Fuzz() {}

  static void hammer(long seed, FakeClock clock, BusDevice... doors) {
    Random random = new Random(seed);
    for (int i = 0; i < ACCESSES; i++) {
      hammerOnce(random, doors[random.nextInt(doors.length)]);
      if (clock != null && random.nextInt(8) == 0) {
        advance(random, clock);
      }
    }
  }

  static void hammerOnce(Random random, BusDevice door) {
    long offset = random.nextInt(50) == 0 ? random.nextLong() : random.nextInt(0x48);
    if (random.nextBoolean()) {
      offset &= 7;
    }
    int size = SIZES[random.nextInt(4)];
    if (random.nextBoolean()) {
      door.read(offset, size);
    } else {
      long value = random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(256);
      door.write(offset, size, value);
    }
  }

  private static void advance(Random random, FakeClock clock) {
    if (random.nextInt(100) == 0) {
      clock.skip(random.nextLong(5_000_000_000L));
    } else {
      clock.advance(random.nextLong(2_000_000));
    }
  }

  /** Whatever state a guest brought about can be saved and restored. */
  static <S extends Record> S roundTrip(Stateful<S> chip) {
    S saved = chip.state();
    chip.reset();
    chip.restore(saved);
    return saved;
  }
}
