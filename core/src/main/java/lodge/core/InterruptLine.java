package lodge.core;

/** A wire to an interrupt controller. Setting the level that it already has does nothing. */
@FunctionalInterface
public interface InterruptLine {
  void set(boolean level);

  /** A rising and a falling edge. */
  default void pulse() {
    set(true);
    set(false);
  }
}
