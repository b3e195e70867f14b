package lodge.cpu.x86.translator;

import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.Op;

/** What a region is made of besides its code. */
record RegionParts(
    CodePage page,
    int entry,
    CodePage[] pages,
    int[] deltas,
    Site[] sites,
    CodeLink[] exits,
    Op[] ops) {}
