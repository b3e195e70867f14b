package lodge.cpu.x86.translator;

/**
 * A place in a region that is left for the interpreter, or where its op may fault: all that is
 * needed to leave with the exact state before the instruction.
 *
 * @param offset the instruction, relative to byte 0 of the entry's page
 * @param flagKind how the flags are kept at this point
 * @param remaining instructions of the block that were counted but not executed, this one included
 */
record Site(int offset, int flagKind, int remaining) {}
