package lodge.machine.gdb;

/** Answers that say no; the numbers are those of {@code errno}. */
final class Errors {
  static final String NO_THREAD = "E03";
  static final String TOO_BIG = "E07";
  static final String FAULT = "E0e";
  static final String INVALID = "E16";
  static final String NO_ROOM = "E1c";

  private Errors() {}
}
