package lodge.cpu.x86.translator;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Tells people what is translated of the code that one vCPU executes. */
final class TranslationTrace {
  private static final String LEGEND =
      """
      # What the translator makes of the guest's code, one region after the other.
      # * executed inside the region by the interpreter's op for it
      # ! the region is left before it
      # A region is installed once HotSpot has compiled it. Dashed edges leave the region.

      """;

  private final Consumer<String> out;
  private final AtomicInteger regions;
  private final int cpu;

  /**
   * @param regions how many were traced so far, of this vCPU and others
   * @param cpu the vCPU's number
   */
  TranslationTrace(Consumer<String> out, AtomicInteger regions, int cpu) {
    this.out = out;
    this.regions = regions;
    this.cpu = cpu;
  }

  /**
   * A region was made.
   *
   * @param emitter has emitted it
   * @param base RIP of byte 0 of the entry's page
   * @param gpa of that page
   * @param nanos what it took
   * @return is to be told what becomes of it
   */
  Consumer<RegionEvent> made(
      RegionEmitter emitter, byte[] classFile, long base, long gpa, long nanos) {
    int number = regions.incrementAndGet();
    StringBuilder text = new StringBuilder(number == 1 ? LEGEND : "");
    text.append(
        String.format(
            Locale.ROOT,
            "region %d: cpu %d, rip 0x%x, physical 0x%x, instructions %d, blocks %d, bytecodes %d,"
                + " class file bytes %d, milliseconds %.3f\n",
            number,
            cpu,
            base + emitter.entry,
            gpa + emitter.entry,
            emitter.blocks.stream().mapToInt(block -> block.code().size()).sum(),
            emitter.blocks.size(),
            RegionEmitter.codeLength(classFile),
            classFile.length,
            nanos / 1e6));
    RegionListing.write(emitter, base, text);
    RegionGraph.write(emitter, base, number, text);
    out.accept(text.append('\n').toString());
    return event -> out.accept("region " + number + " " + event.text() + "\n");
  }
}
