package lodge.core;

import java.util.Arrays;

/** Page frame numbers that wait for somebody. Adding and taking is done under a common lock. */
final class Mailbox {
  private int[] frames = new int[16];
  private int count;

  /** Something is in it. From any thread, without the lock. */
  volatile boolean waits;

  void add(int frame) {
    if (count == frames.length) {
      frames = Arrays.copyOf(frames, 2 * count);
    }
    frames[count++] = frame;
    waits = true;
  }

  int[] take() {
    int[] taken = Arrays.copyOf(frames, count);
    count = 0;
    waits = false;
    return taken;
  }
}
