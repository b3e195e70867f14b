package lodge.cpu.x86.decode;

/** Makes a {@link Row} of one line of the opcode table, whose syntax {@link FormTable} explains. */
final class RowParser {
  private static final String[] NO_OPERANDS = {};

  private final String line;
  private final String encoding;

  /** The row is in the VEX tables. */
  boolean vex;

  /** 0 one byte, 1 0F, 2 0F 38, 3 0F 3A. */
  int map;

  /** The first opcode and how many there are. */
  int opcode = -1;

  int opcodes = 1;

  boolean modrm;

  private int allowed = Row.ANYTHING;
  private int formFlags;
  private int flags;
  private Row.Size size;
  private Row.Immediate immediate = Row.Immediate.NONE;

  RowParser(String line) {
    this.line = line;
    this.encoding = line.substring(0, line.indexOf('|') - 1);
  }

  Row row() {
    int bar = encoding.length() + 1;
    int secondBar = line.indexOf('|', bar + 1);
    parseEncoding();
    int nameEnd = line.indexOf(' ', bar + 2);
    Mnemonic mnemonic = Mnemonic.valueOf(line.substring(bar + 2, nameEnd));
    String[] operands =
        nameEnd + 1 == secondBar ? NO_OPERANDS : split(line.substring(nameEnd + 1, secondBar - 1));
    int featureEnd = line.indexOf(' ', secondBar + 2);
    if (featureEnd < 0) {
      featureEnd = line.length();
    }
    String feature = line.substring(secondBar + 2, featureEnd);
    for (int at = featureEnd; at < line.length(); ) {
      int end = line.indexOf(' ', at + 1);
      end = end < 0 ? line.length() : end;
      parseFlag(line.substring(at + 1, end));
      at = end;
    }
    boolean vvvv = false;
    for (int i = 0; i < operands.length; i++) {
      parseOperand(operands[i], i == 0);
      char kind = operands[i].charAt(0);
      vvvv |= kind == 'H' || kind == 'B';
    }
    if (vvvv) {
      allowed |= Row.VVVV;
    }
    if ((allowed & Row.PREFIXES) == Row.PREFIX_66) {
      flags |= Row.TAKES_66;
    } else if ((allowed & Row.PREFIXES & (Row.PREFIX_NONE | Row.PREFIX_66)) == 0) {
      flags |= Row.TAKES_REPEAT;
    }
    if (size == null) {
      size = size(operands);
    }
    var form = new Form(mnemonic, operands, feature, encoding, formFlags);
    return new Row(form, allowed, size, immediate, flags);
  }

  private void parseEncoding() {
    int at = 0;
    while (at < encoding.length()) {
      int end = encoding.indexOf(' ', at);
      end = end < 0 ? encoding.length() : end;
      if (end - at >= 2 && hex(encoding.charAt(at)) >= 0 && hex(encoding.charAt(at + 1)) >= 0) {
        parseByte(at, end);
      } else {
        parseWord(encoding.substring(at, end));
      }
      at = end + 1;
    }
  }

  /** A prefix, an escape, the opcode, or after it a fixed ModRM byte. */
  private void parseByte(int at, int end) {
    int value = hex(encoding.charAt(at)) << 4 | hex(encoding.charAt(at + 1));
    char count = end - at > 3 ? encoding.charAt(at + 3) : ' ';
    if (opcode >= 0) {
      modrm = true;
      allowed &= ~Row.MEMORY & ~Row.REGS | 1 << Row.REG_SHIFT + (value >> 3 & 7);
      if (count != 'i') {
        allowed &= ~Row.RMS | 1 << Row.RM_SHIFT + (value & 7);
      }
    } else if (at == 0 && value == 0x66) {
      prefix(Row.PREFIX_66);
    } else if (at == 0 && value == 0xF3) {
      prefix(Row.PREFIX_F3);
    } else if (at == 0 && value == 0xF2) {
      prefix(Row.PREFIX_F2);
    } else if (!vex && map == 0 && value == 0x0F) {
      map = 1;
    } else if (!vex && map == 1 && (value == 0x38 || value == 0x3A)) {
      map = value == 0x38 ? 2 : 3;
    } else {
      opcode = value;
      opcodes = count == 'r' ? 8 : count == 'c' ? 16 : 1;
    }
  }

  private void parseWord(String word) {
    switch (word) {
      case "NP" -> prefix(Row.PREFIX_NONE);
      case "NFx" -> prefix(Row.PREFIX_NONE | Row.PREFIX_66);
      case "W0" -> allowed &= ~Row.W1;
      case "W1" -> allowed &= ~Row.W0;
      case "/r" -> modrm = true;
      case "ib" ->
          immediate = immediate == Row.Immediate.IW ? Row.Immediate.IW_IB : Row.Immediate.IB;
      case "cb", "is4" -> immediate = Row.Immediate.IB;
      case "iw" -> immediate = Row.Immediate.IW;
      case "iz", "cz" -> immediate = Row.Immediate.IZ;
      case "iv" -> immediate = Row.Immediate.IV;
      case "cp" -> immediate = Row.Immediate.POINTER;
      default -> {
        if (word.length() == 2 && word.charAt(0) == '/') {
          modrm = true;
          allowed &= ~Row.REGS | 1 << Row.REG_SHIFT + word.charAt(1) - '0';
        } else if (word.startsWith("VEX.")) {
          vex = true;
          parseVex(word);
        } else {
          throw new IllegalStateException("unknown word " + word + " in opcode table: " + line);
        }
      }
    }
  }

  /** VEX.length.prefix.map.W */
  private void parseVex(String word) {
    int prefix = word.indexOf('.', 4) + 1;
    int mapAt = prefix + 3;
    int w = word.indexOf('.', mapAt) + 1;
    switch (word.charAt(4)) {
      case '1' -> allowed &= ~Row.L1;
      case '2' -> allowed &= ~Row.L0;
      default -> {}
    }
    switch (word.substring(prefix, prefix + 2)) {
      case "66" -> prefix(Row.PREFIX_66);
      case "F3" -> prefix(Row.PREFIX_F3);
      case "F2" -> prefix(Row.PREFIX_F2);
      default -> prefix(Row.PREFIX_NONE);
    }
    map = w - mapAt == 3 ? 1 : word.charAt(mapAt + 3) == '8' ? 2 : 3;
    switch (word.charAt(w + 1)) {
      case '0' -> allowed &= ~Row.W1;
      case '1' -> allowed &= ~Row.W0;
      default -> {}
    }
  }

  private void prefix(int prefixes) {
    allowed &= ~Row.PREFIXES | prefixes;
  }

  private void parseFlag(String flag) {
    switch (flag) {
      case "lock" -> formFlags |= Form.LOCKABLE;
      case "no64" -> {
        formFlags |= Form.NO_64;
        allowed &= ~Row.MODE_64;
      }
      case "only64" -> {
        formFlags |= Form.ONLY_64;
        allowed &= ~Row.MODE_OTHER;
      }
      case "d64" -> size = Row.Size.DEFAULT_64;
      case "f64" -> size = Row.Size.FORCED_64;
      case "fixed" -> size = Row.Size.FIXED;
      case "max32" -> size = Row.Size.MAX_32;
      case "b0" -> allowed &= ~Row.REX_B1;
      case "nomod" -> flags |= Row.NO_MOD;
      case "vsib" -> {
        flags |= Row.VSIB;
        allowed &= ~Row.RMS | 1 << Row.RM_SHIFT + 4;
      }
      default ->
          throw new IllegalStateException("unknown flag " + flag + " in opcode table: " + line);
    }
  }

  private void parseOperand(String operand, boolean first) {
    boolean either = operand.indexOf('/') >= 0;
    switch (operand.charAt(0)) {
      case 'm', 'M' -> allowed &= ~Row.REGISTER;
      case 'U', 'R' -> allowed &= either || (flags & Row.NO_MOD) != 0 ? -1 : ~Row.MEMORY;
      case 'N' -> {
        allowed &= ~Row.MEMORY;
        flags |= Row.SHORT_RM;
      }
      case 'Q' -> flags |= Row.SHORT_RM;
      case 'P' -> flags |= Row.SHORT_REG;
      case 'O' -> immediate = Row.Immediate.MOFFS;
      case 'C' -> flags |= operand.equals("Cy") ? Row.CONTROL : 0;
      case 'D' -> flags |= operand.equals("Dy") ? Row.DEBUG : 0;
      case 'S' -> {
        if (operand.equals("Sw")) {
          // There are six segment registers, and CS cannot be loaded.
          allowed &= ~(0xC0 << Row.REG_SHIFT);
          allowed &= first ? ~(2 << Row.REG_SHIFT) : -1;
          flags |= Row.SHORT_REG;
        } else if (operand.startsWith("ST")) {
          flags |= Row.SHORT_RM;
        }
      }
      default -> {}
    }
  }

  private static Row.Size size(String[] operands) {
    boolean y = false;
    for (String operand : operands) {
      if (operand.length() > 1) {
        char second = operand.charAt(1);
        if (second == 'v' || second == 'z') {
          return Row.Size.EFFECTIVE;
        }
        y |= second == 'y';
      }
    }
    if (y) {
      return Row.Size.Y;
    }
    for (int i = 0; i < Math.min(operands.length, 2); i++) {
      switch (operands[i]) {
        case "Eb", "Gb", "Zb", "Xb", "Yb", "Ob", "AL" -> {
          return Row.Size.BYTE;
        }
        case "Ib", "DX" -> {}
        default -> {
          return Row.Size.EFFECTIVE;
        }
      }
    }
    return Row.Size.EFFECTIVE;
  }

  private String[] split(String list) {
    int count = 1;
    for (int i = list.indexOf(','); i >= 0; i = list.indexOf(',', i + 1)) {
      count++;
    }
    String[] parts = new String[count];
    int at = 0;
    for (int i = 0; i < count; i++) {
      int end = list.indexOf(',', at);
      end = end < 0 ? list.length() : end;
      parts[i] = list.substring(at, end);
      at = end + 1;
    }
    return parts;
  }

  /** Upper case only: the names of immediates begin with lower-case letters. */
  private static int hex(char c) {
    if (c >= '0' && c <= '9') {
      return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }
}
