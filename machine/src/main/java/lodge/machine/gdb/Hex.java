package lodge.machine.gdb;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Bytes as two digits each. */
final class Hex {
  private Hex() {}

  static String of(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static String of(String text) {
    return of(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
