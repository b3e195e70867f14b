package lodge.cpu.x86.interpreter;

/**
 * How much of the guest's code a vCPU keeps; past these limits something is thrown away and made
 * again when it is needed.
 *
 * @param weight of all decoded code, past which all of it goes. An op weighs 1: some fifty bytes
 * @param segmentEnds pages in which segments end, past which all code goes: more than any ordinary
 *     guest has at once
 * @param lookups code pages that are found by their virtual addresses at a time, a power of 2: of
 *     the system as many as of programs
 * @param asked places that were found hot, past which all are forgotten and may be translated again
 * @param queue regions that wait for the translator, past which hot places are passed over
 */
public record CodeLimits(int weight, int segmentEnds, int lookups, int asked, int queue) {
  public static final CodeLimits DEFAULT = new CodeLimits(2_100_000, 512, 1024, 1 << 17, 1024);
}
