package lodge.cpu.x86.decode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The opcode table: the rows of the {@code .forms} files by opcode map and opcode.
 *
 * <p>A line is {@code encoding | mnemonic operands | feature flags}; {@code #} starts a comment
 * line. Where several rows match, the first one counts.
 *
 * <p>The encoding is that of the SDM's instruction pages: opcode bytes, {@code /r} or {@code
 * /digit}, immediates ({@code ib iw iz iv cb cz cp is4}); a byte after the opcode is a fixed ModRM
 * byte. {@code +r} and {@code +cc} stand for 8 and 16 opcodes, {@code +i} for 8 ModRM bytes. {@code
 * NP} means none of 66, F2, F3; {@code NFx} neither F2 nor F3; without any such word these prefixes
 * do not select the row. {@code W0 W1} ask for REX.W. Operands restrict too: {@code M} and {@code
 * m} ask for memory, {@code U N R} for a register, {@code H} and {@code B} use VEX.vvvv.
 *
 * <p>Flags: {@code lock} may be locked; {@code no64} and {@code only64} the modes; {@code d64} the
 * operand size is 64 bits by default in 64-bit mode, {@code f64} always; {@code fixed} it is 64
 * bits there and 32 elsewhere; {@code max32} REX.W does not widen it; {@code b0} REX.B must be 0;
 * {@code nomod} ModRM.mod counts as 3; {@code vsib} vector index.
 */
final class FormTable {
  /** Opcode maps: one byte, 0F, 0F 38, 0F 3A; each has 256 slots. */
  static final Row[][] LEGACY = new Row[4 * 256][];

  /** As {@link #LEGACY}, for VEX.mmmmm 1 to 3. */
  static final Row[][] VEX = new Row[4 * 256][];

  /** By slot of {@link #LEGACY}: a ModRM byte follows. */
  static final boolean[] LEGACY_MODRM = new boolean[4 * 256];

  static final boolean[] VEX_MODRM = new boolean[4 * 256];

  static final List<Form> FORMS;

  static {
    var forms = new ArrayList<Form>(1700);
    for (String file : new String[] {"integer", "system", "x87", "sse", "vex"}) {
      String text = text(file + ".forms");
      int start = 0;
      while (start < text.length()) {
        int end = text.indexOf('\n', start);
        if (end > start && text.charAt(start) != '#') {
          forms.add(add(text.substring(start, end)));
        }
        start = end + 1;
      }
    }
    FORMS = Collections.unmodifiableList(forms);
  }

  private FormTable() {}

  private static String text(String file) {
    try (InputStream in = FormTable.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("opcode table " + file + " is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read opcode table " + file, e);
    }
  }

  private static Form add(String line) {
    var parser = new RowParser(line);
    Row row = parser.row();
    Row[][] table = parser.vex ? VEX : LEGACY;
    boolean[] modrm = parser.vex ? VEX_MODRM : LEGACY_MODRM;
    for (int i = 0; i < parser.opcodes; i++) {
      int slot = parser.map << 8 | parser.opcode + i;
      Row[] before = table[slot];
      if (before == null) {
        table[slot] = new Row[] {row};
        modrm[slot] = parser.modrm;
      } else if (modrm[slot] != parser.modrm) {
        throw new IllegalStateException("rows of one opcode differ in ModRM: " + line);
      } else {
        Row[] after = Arrays.copyOf(before, before.length + 1);
        after[before.length] = row;
        table[slot] = after;
      }
    }
    return row.form;
  }
}
