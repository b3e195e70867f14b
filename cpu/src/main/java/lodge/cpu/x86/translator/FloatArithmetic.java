package lodge.cpu.x86.translator;

import java.util.Map;

/**
 * SSE arithmetic of two operands, scalar or packed, by the names of {@link SseMath}'s methods
 * without the element's size.
 *
 * @param method what computes it
 * @param operand what the second operand has to be; the first one is ordinary
 * @param fine what the operands and the result have to be, or null
 * @param exact what says that the result was not rounded; null: it never is
 */
record FloatArithmetic(String method, String operand, String fine, String exact) {
  private static final Map<String, FloatArithmetic> BY_OPERATION =
      Map.of(
          "ADD", new FloatArithmetic("add", "ordinary", "fineSum", "exactSum"),
          "SUB", new FloatArithmetic("subtract", "ordinary", "fineSum", "exactDifference"),
          "MUL", new FloatArithmetic("multiply", "ordinary", "fineProduct", "exactProduct"),
          "DIV", new FloatArithmetic("divide", "normal", "fineQuotient", "exactQuotient"),
          "SQRT", new FloatArithmetic("root", "positive", null, "exactRoot"),
          "MIN", new FloatArithmetic("min", "ordinary", null, null),
          "MAX", new FloatArithmetic("max", "ordinary", null, null));

  /** Whether there is a first operand. */
  boolean binary() {
    return !method.equals("root");
  }

  /**
   * @param operation a mnemonic without the V of its VEX form: ADDSD and the like
   * @return null when it is no such arithmetic
   */
  static FloatArithmetic of(String operation) {
    return operation.length() < 5
        ? null
        : BY_OPERATION.get(operation.substring(0, operation.length() - 2));
  }
}
