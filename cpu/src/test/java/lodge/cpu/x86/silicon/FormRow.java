package lodge.cpu.x86.silicon;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * A row of the processor's own opcode tables, taken apart for writing instructions. The tables are
 * read as text, so that a decoder that misunderstands a row cannot hide it from the tests.
 */
final class FormRow {
  static final int NO_MODRM = -1;
  static final int ANY_REGISTER = 8;

  final String text;
  final String mnemonic;
  final String[] operands;
  final String feature;
  final Set<String> flags;

  /** 0, 0x66, 0xF2 or 0xF3. */
  int mandatoryPrefix;

  /** 66 would select another row or is #UD. */
  boolean noOperandSizePrefix;

  /** F2 and F3 would select another row. */
  boolean noRepeatPrefix;

  /** REX.W or VEX.W: 0, 1 or -1 when either will do. */
  int w = -1;

  boolean vex;

  /** VEX.L: 0, 1 or -1 when either will do. */
  int vexL = -1;

  /** VEX.mmmmm: 1 (0F), 2 (0F38), 3 (0F3A). */
  int vexMap;

  /** Opcode bytes with escapes (without them under VEX). */
  int[] opcode = {};

  /**
   * How many values the last opcode byte may add: 1, 8 (a register or stack slot) or 16 (a
   * condition).
   */
  int variants = 1;

  /** ModRM.reg as opcode extension 0 to 7, {@link #ANY_REGISTER} or {@link #NO_MODRM}. */
  int modrm = NO_MODRM;

  /** Of ib iw iz iv is4 cb cz cp. */
  final List<String> immediates = new ArrayList<>();

  private FormRow(String line) {
    String[] columns = line.split("\\|");
    text = line.strip();
    String[] names = columns[1].strip().split(" ");
    mnemonic = names[0];
    operands = names.length > 1 ? names[1].split(",") : new String[0];
    String[] rest = columns[2].strip().split(" ");
    feature = rest[0];
    flags = Set.copyOf(Arrays.asList(rest).subList(1, rest.length));
    String[] tokens = columns[0].strip().split(" ");
    for (int i = 0; i < tokens.length; i++) {
      parse(tokens[i], i == 0 && tokens.length > 1);
    }
  }

  private void parse(String token, boolean first) {
    switch (token) {
      case "NP" -> {
        noOperandSizePrefix = true;
        noRepeatPrefix = true;
      }
      case "NFx" -> noRepeatPrefix = true;
      case "W0" -> w = 0;
      case "W1" -> w = 1;
      case "/r" -> modrm = ANY_REGISTER;
      case "ib", "iw", "iz", "iv", "is4", "cb", "cz", "cp" -> immediates.add(token);
      default -> {
        if (token.startsWith("VEX.")) {
          parseVex(token.split("\\."));
        } else if (token.startsWith("/")) {
          modrm = Integer.parseInt(token.substring(1));
        } else if (first && Set.of("66", "F2", "F3").contains(token)) {
          mandatoryPrefix = Integer.parseInt(token, 16);
          noOperandSizePrefix = true;
          noRepeatPrefix = true;
        } else {
          parseOpcode(token);
        }
      }
    }
  }

  private void parseVex(String[] fields) {
    vex = true;
    noOperandSizePrefix = true;
    noRepeatPrefix = true;
    vexL =
        switch (fields[1]) {
          case "128", "L0", "LZ" -> 0;
          case "256", "L1" -> 1;
          default -> -1;
        };
    mandatoryPrefix = fields[2].equals("NP") ? 0 : Integer.parseInt(fields[2], 16);
    vexMap =
        switch (fields[3]) {
          case "0F" -> 1;
          case "0F38" -> 2;
          default -> 3;
        };
    w =
        switch (fields[4]) {
          case "W0" -> 0;
          case "W1" -> 1;
          default -> -1;
        };
  }

  private void parseOpcode(String token) {
    int plus = token.indexOf('+');
    if (plus >= 0) {
      variants = token.endsWith("cc") ? 16 : 8;
    }
    opcode = Arrays.copyOf(opcode, opcode.length + 1);
    opcode[opcode.length - 1] = Integer.parseInt(plus < 0 ? token : token.substring(0, plus), 16);
  }

  boolean has(String flag) {
    return flags.contains(flag);
  }

  boolean hasOperand(String name) {
    return Arrays.asList(operands).contains(name);
  }

  /** Whether an operand may have one of these addressing letters (SDM volume 2, A.2.1). */
  boolean addresses(String letters) {
    for (String operand : operands) {
      for (String way : operand.split("/")) {
        if (letters.indexOf(way.charAt(0)) >= 0) {
          return true;
        }
      }
    }
    return false;
  }

  /** ModRM may name a register. */
  boolean takesRegister() {
    return has("nomod") || addresses("EWQRUN") || modrm >= 0 && operands.length == 0;
  }

  /** ModRM may name memory. */
  boolean takesMemory() {
    return !has("nomod") && addresses("EWQMm");
  }

  boolean inMode(int codeSize) {
    return !(codeSize == 8 ? has("no64") : has("only64"));
  }

  /** The rows of one of the tables: integer, system, x87, sse, vex. */
  static List<FormRow> table(String table) {
    List<FormRow> rows = new ArrayList<>();
    String name = "/lodge/cpu/x86/decode/" + table + ".forms";
    try (InputStream in = FormRow.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("no opcode table " + name);
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank() && !line.startsWith("#")) {
          rows.add(new FormRow(line));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return rows;
  }

  @Override
  public String toString() {
    return text;
  }
}
