package lodge.cpu.x86.translator;

import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.Op;

/**
 * What a region is made of besides its code.
 *
 * @param original the interpreter's op at the entry
 * @param growth how often it was made again, larger
 * @param requires see {@link OrdinaryLanes}
 */
record RegionParts(
    CodePage page,
    int entry,
    int growth,
    boolean requires,
    Op original,
    CodePage[] pages,
    int[] deltas,
    Site[] sites,
    Exit[] exits,
    Way[] ways,
    CodeLink[] links,
    Op[] ops) {}
