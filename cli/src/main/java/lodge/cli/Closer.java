package lodge.cli;

import java.util.ArrayDeque;
import java.util.Deque;

/** What is held until a run ends, and let go in the reverse order. */
final class Closer implements AutoCloseable {
  private final Deque<Runnable> held = new ArrayDeque<>();

  void hold(Runnable release) {
    held.push(release);
  }

  @Override
  public void close() {
    held.forEach(Runnable::run);
  }
}
