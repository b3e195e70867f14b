package lodge.core;

/**
 * Something with guest-visible state that is reset, saved, restored and migrated through this one
 * path.
 *
 * @param <S> all of it, as an immutable record whose arrays are copies
 */
public interface Stateful<S extends Record> {
  S state();

  /**
   * @throws IllegalArgumentException when the state is not one that this kind of thing can have;
   *     nothing changed then
   */
  void restore(S state);

  /** Back to the state after power-on. */
  void reset();
}
