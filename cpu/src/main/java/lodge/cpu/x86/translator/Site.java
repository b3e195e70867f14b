package lodge.cpu.x86.translator;

/**
 * A place in a region where a fault can be raised or a store can hit code: all that is needed to
 * leave with the exact state.
 *
 * @param offset the instruction, in its page
 * @param end what follows it
 * @param complete after the store at this site nothing of the instruction is left to do
 * @param flagKind how the flags are kept at this point
 * @param remaining instructions of the block that were counted but not executed, this one included
 * @param stack a non-canonical address is #SS
 */
record Site(int offset, int end, boolean complete, int flagKind, int remaining, boolean stack) {}
