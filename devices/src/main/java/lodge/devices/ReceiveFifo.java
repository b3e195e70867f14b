package lodge.devices;

import java.util.Arrays;

/**
 * The characters that a serial port has received: up to 16 that the guest can read, and as many
 * that it cleared away before it listened, which come again. Guarded by the port's lock.
 */
final class ReceiveFifo {
  static final int SIZE = 16;

  private final byte[] fifo = new byte[SIZE];
  private int head;
  private int count;
  private final byte[] held = new byte[SIZE];
  private int heldCount;

  int count() {
    return count;
  }

  boolean holds() {
    return heldCount > 0;
  }

  /** There must be room. */
  void push(int b) {
    fifo[(head + count) % SIZE] = (byte) b;
    count++;
  }

  /** There must be one. */
  int take() {
    int b = fifo[head] & 0xFF;
    head = (head + 1) % SIZE;
    count--;
    return b;
  }

  /** Without FIFO, an overrun replaces the character that was not read. */
  void replace(int b) {
    fifo[head] = (byte) b;
  }

  void clear() {
    count = 0;
  }

  /** Takes what was not read out of the guest's sight, in front of what is held already. */
  void hold() {
    int kept = Math.min(count, SIZE - heldCount);
    System.arraycopy(held, 0, held, kept, heldCount);
    for (int i = 0; i < kept; i++) {
      held[i] = fifo[(head + i) % SIZE];
    }
    heldCount += kept;
    count = 0;
  }

  /** Shows held characters again, up to a number of characters in all; true when there was one. */
  boolean release(int capacity) {
    int moved = Math.min(heldCount, capacity - count);
    if (moved <= 0) {
      return false;
    }
    for (int i = 0; i < moved; i++) {
      push(held[i]);
    }
    heldCount -= moved;
    System.arraycopy(held, moved, held, 0, heldCount);
    return true;
  }

  byte[] characters() {
    byte[] characters = new byte[count];
    for (int i = 0; i < count; i++) {
      characters[i] = fifo[(head + i) % SIZE];
    }
    return characters;
  }

  byte[] heldCharacters() {
    return Arrays.copyOf(held, heldCount);
  }

  void restore(byte[] characters, byte[] heldCharacters) {
    head = 0;
    count = characters.length;
    System.arraycopy(characters, 0, fifo, 0, count);
    heldCount = heldCharacters.length;
    System.arraycopy(heldCharacters, 0, held, 0, heldCount);
  }
}
