package lodge.cpu.x86.translator;

import java.util.List;
import lodge.cpu.x86.interpreter.CodePage;

/** A region that was made, and what it was made of. */
record Translation(CodePage page, int entry, RegionOp region, List<RegionScan.Part> parts) {
  /** Whether nothing has overwritten the code since it was read. On the vCPU's thread. */
  boolean unchanged() {
    boolean unchanged = page.peek(entry) != null;
    for (RegionScan.Part part : parts) {
      unchanged &= part.page().version() == part.version();
    }
    return unchanged;
  }

  List<CodePage> pages() {
    return parts.stream().map(RegionScan.Part::page).toList();
  }
}
