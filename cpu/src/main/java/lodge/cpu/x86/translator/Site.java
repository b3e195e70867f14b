package lodge.cpu.x86.translator;

/**
 * A place in a region where a fault can be raised or a store can hit code: all that is needed to
 * leave with the exact state.
 *
 * @param offset the instruction, in its page
 * @param after where to go on once the store at this site was made: {@link #AGAIN} at the
 *     instruction itself, {@link #COMPUTED} at an address that the region computed
 * @param pushes the store is a push, RSP moves after it
 * @param flagKind how the flags are kept at this point
 * @param remaining instructions of the block that were counted but not executed, this one included
 * @param stack a non-canonical address is #SS
 */
record Site(int offset, long after, boolean pushes, int flagKind, int remaining, boolean stack) {
  static final long AGAIN = Long.MIN_VALUE;
  static final long COMPUTED = Long.MIN_VALUE + 1;
}
