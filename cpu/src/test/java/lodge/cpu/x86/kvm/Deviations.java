package lodge.cpu.x86.kvm;

/** Where KVM's instruction emulator does not do what the manual says. */
final class Deviations {
  private Deviations() {}

  /**
   * The rule that excuses a difference, with its citation, or null.
   *
   * @param differences as the report prints them
   */
  static String known(Scenario s, Machine.Outcome kvm, Machine.Outcome engine, String differences) {
    return null;
  }
}
