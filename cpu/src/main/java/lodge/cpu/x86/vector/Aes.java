package lodge.cpu.x86.vector;

/**
 * The round functions of AES (FIPS 197) as the AES instructions offer them. A state is two lanes of
 * 8 bytes, lowest first; a column is four bytes, its row 0 in the lowest.
 *
 * <p>Looking a byte up in a table gives what its substitution contributes to a whole column; the
 * other rows' contributions are that one rotated. No key is added here.
 */
public final class Aes {
  private static final int[] SUBSTITUTE = new int[256];
  private static final int[] RESTORE = new int[256];

  /** Of a byte in row 0: substituted and multiplied by the columns' polynomial. */
  private static final int[] MIX = new int[256];

  /** Of a byte in row 0: multiplied by the inverse polynomial. */
  private static final int[] UNMIX = new int[256];

  /** Of a byte in row 0: restored, then as {@link #UNMIX}. */
  private static final int[] RESTORE_UNMIX = new int[256];

  static {
    // 3 generates the field's multiplicative group, and 0xF6 is its inverse.
    int power = 1;
    int inverse = 1;
    do {
      int affine = inverse;
      for (int i = 1; i < 5; i++) {
        affine ^= inverse << i | inverse >>> 8 - i;
      }
      SUBSTITUTE[power] = (affine ^ 0x63) & 0xFF;
      power ^= twice(power);
      inverse = multiply(inverse, 0xF6);
    } while (power != 1);
    SUBSTITUTE[0] = 0x63;
    for (int i = 0; i < 256; i++) {
      RESTORE[SUBSTITUTE[i]] = i;
    }
    for (int i = 0; i < 256; i++) {
      int s = SUBSTITUTE[i];
      MIX[i] = twice(s) | s << 8 | s << 16 | (twice(s) ^ s) << 24;
      UNMIX[i] =
          multiply(i, 14) | multiply(i, 9) << 8 | multiply(i, 13) << 16 | multiply(i, 11) << 24;
    }
    for (int i = 0; i < 256; i++) {
      RESTORE_UNMIX[i] = UNMIX[RESTORE[i]];
    }
  }

  private Aes() {}

  private static int twice(int a) {
    return (a << 1 ^ (a >>> 7) * 0x11B) & 0xFF;
  }

  private static int multiply(int a, int b) {
    int product = 0;
    for (int i = 0; i < 8; i++) {
      product ^= (b >>> i & 1) * a;
      a = twice(a);
    }
    return product;
  }

  private static int part(int[] table, int column, int row) {
    return Integer.rotateLeft(table[column >>> 8 * row & 0xFF], 8 * row);
  }

  /** One column from the four columns that its rows come from. */
  private static int column(int[] table, int row0, int row1, int row2, int row3) {
    return part(table, row0, 0)
        ^ part(table, row1, 1)
        ^ part(table, row2, 2)
        ^ part(table, row3, 3);
  }

  /** Two columns: the first one's rows come from the columns in order, the second's from one on. */
  private static long columns(int[] table, int c0, int c1, int c2, int c3) {
    return column(table, c0, c1, c2, c3) & 0xFFFF_FFFFL
        | (long) column(table, c1, c2, c3, c0) << 32;
  }

  /** As {@link #columns}, the other way round. */
  private static long columnsBack(int[] table, int c0, int c1, int c2, int c3) {
    return column(table, c0, c3, c2, c1) & 0xFFFF_FFFFL
        | (long) column(table, c1, c0, c3, c2) << 32;
  }

  private static int upper(long lane) {
    return (int) (lane >>> 32);
  }

  /** Low lane of AESENC. */
  public static long encryptLow(long low, long high) {
    return columns(MIX, (int) low, upper(low), (int) high, upper(high));
  }

  /** High lane of AESENC. */
  public static long encryptHigh(long low, long high) {
    return encryptLow(high, low);
  }

  /** Low lane of AESENCLAST. */
  public static long encryptLastLow(long low, long high) {
    return columns(SUBSTITUTE, (int) low, upper(low), (int) high, upper(high));
  }

  /** High lane of AESENCLAST. */
  public static long encryptLastHigh(long low, long high) {
    return encryptLastLow(high, low);
  }

  /** Low lane of AESDEC. */
  public static long decryptLow(long low, long high) {
    return columnsBack(RESTORE_UNMIX, (int) low, upper(low), (int) high, upper(high));
  }

  /** High lane of AESDEC. */
  public static long decryptHigh(long low, long high) {
    return decryptLow(high, low);
  }

  /** Low lane of AESDECLAST. */
  public static long decryptLastLow(long low, long high) {
    return columnsBack(RESTORE, (int) low, upper(low), (int) high, upper(high));
  }

  /** High lane of AESDECLAST. */
  public static long decryptLastHigh(long low, long high) {
    return decryptLastLow(high, low);
  }

  /** A lane of AESIMC. */
  public static long unmix(long lane) {
    int c0 = (int) lane;
    int c1 = upper(lane);
    return column(UNMIX, c0, c0, c0, c0) & 0xFFFF_FFFFL
        | (long) column(UNMIX, c1, c1, c1, c1) << 32;
  }

  /** A lane of AESKEYGENASSIST, which depends on the upper half of the same lane. */
  public static long keyAssist(long lane, int roundConstant) {
    int c1 = upper(lane);
    int substituted = column(SUBSTITUTE, c1, c1, c1, c1);
    int rotated = Integer.rotateRight(substituted, 8) ^ roundConstant;
    return substituted & 0xFFFF_FFFFL | (long) rotated << 32;
  }
}
