package lodge.cpu.x86.translator;

/**
 * A direct way out of a region.
 *
 * @param target relative to byte 0 of the entry's page
 * @param jump the instruction that jumps there, which faults when the target is not canonical;
 *     {@link #FALLS} when control just goes on there, and the fetch faults
 * @param call the jump has pushed its return address
 */
record Exit(long target, int jump, boolean call) {
  static final int FALLS = Integer.MIN_VALUE;
}
