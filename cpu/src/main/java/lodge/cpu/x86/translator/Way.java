package lodge.cpu.x86.translator;

/**
 * One of the ways out of a region.
 *
 * @param flagKind how the flags are kept there
 * @param number of the {@link Exit}, or of the {@link Site} that is declined or jumps
 */
record Way(Kind kind, int flagKind, int number) {
  enum Kind {
    /** To the op behind an exit. */
    DIRECT,
    /** To the run loop, to go on at an exit's target. */
    POLLED,
    /** To an address that was computed. */
    INDIRECT,
    /** To the interpreter's op for an instruction. */
    DECLINED
  }
}
