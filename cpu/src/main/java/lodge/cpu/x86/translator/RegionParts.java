package lodge.cpu.x86.translator;

import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.Op;

/**
 * What a region is made of besides its code.
 *
 * @param original the interpreter's op at the entry
 */
record RegionParts(
    CodePage page,
    int entry,
    Op original,
    CodePage[] pages,
    int[] deltas,
    Site[] sites,
    Exit[] exits,
    CodeLink[] links,
    Op[] ops) {}
