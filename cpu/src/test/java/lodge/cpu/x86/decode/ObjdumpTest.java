package lodge.cpu.x86.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The decoder against objdump: every opcode with every kind of ModRM and prefix, and random bytes.
 */
class ObjdumpTest {
  @ParameterizedTest(name = "code size {0}")
  @ValueSource(ints = {8, 4, 2})
  void agreesWithObjdumpOnMnemonicsLengthsAndOperands(int codeSize) throws IOException {
    boolean present = Objdump.present();
    if (!present) {
      System.out.println(
          "skipped: objdump (binutils) is not installed, the decoder has nothing to be compared"
              + " with");
    }
    assumeTrue(present, "objdump is not installed");
    List<byte[]> cases = Cases.all(codeSize);
    Objdump.Line[] lines = Objdump.disassemble(cases, codeSize);

    var decoder = new Decoder();
    var differences = new TreeMap<String, String>();
    int valid = 0;
    for (int i = 0; i < lines.length; i++) {
      byte[] code = Arrays.copyOf(cases.get(i), Objdump.RECORD);
      Arrays.fill(code, cases.get(i).length, code.length, (byte) 0x90);
      Insn insn = decoder.decode(code, 0, Decoder.MAX_LENGTH, codeSize);
      valid += insn.form == Form.UNDEFINED ? 0 : 1;
      String difference = Verdict.compare(insn, code, (long) i * Objdump.RECORD, lines[i]);
      if (difference != null) {
        differences.putIfAbsent(difference, HexFormat.ofDelimiter(" ").formatHex(code, 0, 15));
      }
    }

    assertThat(differences).isEmpty();
    assertThat(valid).isGreaterThan(50_000);
  }
}
