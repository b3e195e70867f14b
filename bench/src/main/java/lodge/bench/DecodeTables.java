package lodge.bench;

/** Loads the opcode tables in a JVM that has done nothing else and prints the milliseconds. */
final class DecodeTables {
  private DecodeTables() {}

  public static void main(String[] words) throws ClassNotFoundException {
    long start = System.nanoTime();
    Class.forName("lodge.cpu.x86.decode.FormTable");
    System.out.printf("%.1f%n", (System.nanoTime() - start) / 1e6);
  }
}
