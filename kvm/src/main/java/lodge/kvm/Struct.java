package lodge.kvm;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The layout of a C structure as the System V ABI for x86-64 gives it, made of a description in
 * text: declarations such as {@code u32 slot flags} or {@code u64[4] args}, separated by
 * semicolons. What is nested has a name with a dot in it. Where the structure has a union, its
 * members follow as {@code | name: declarations}; a member without a name is the union's padding
 * and what comes behind it.
 */
final class Struct {
  private static final Map<String, Integer> SIZES = Map.of("u8", 1, "u16", 2, "u32", 4, "u64", 8);

  private final String name;
  private final Map<String, Long> offsets = new LinkedHashMap<>();
  private long size;
  private long alignment = 1;

  private Struct(String name) {
    this.name = name;
  }

  /**
   * @param name as linux/kvm.h has it, without {@code struct}
   */
  static Struct of(String name, String description) {
    Struct struct = new Struct(name);
    String[] parts = description.split("\\|");
    struct.declare("", parts[0], 0);
    long union = struct.size;
    for (int i = 1; i < parts.length; i++) {
      int colon = parts[i].indexOf(':');
      String member = parts[i].substring(0, colon).strip();
      String prefix = member.isEmpty() ? "" : member + ".";
      struct.declare(prefix, parts[i].substring(colon + 1), union);
    }
    struct.size = -struct.alignment & struct.size + struct.alignment - 1;
    return struct;
  }

  private void declare(String prefix, String declarations, long start) {
    long at = start;
    for (String declaration : declarations.strip().split("\\s*;\\s*")) {
      String[] words = declaration.split("\\s+");
      int bracket = words[0].indexOf('[');
      String type = bracket < 0 ? words[0] : words[0].substring(0, bracket);
      int count =
          bracket < 0
              ? 1
              : Integer.parseInt(words[0].substring(bracket + 1, words[0].length() - 1));
      int bytes = SIZES.get(type);
      alignment = Math.max(alignment, bytes);
      at = -bytes & at + bytes - 1;
      for (int i = 1; i < words.length; i++) {
        offsets.put(prefix + words[i], at);
        at += (long) bytes * count;
      }
    }
    size = Math.max(size, at);
  }

  /** As linux/kvm.h has it, without {@code struct}. */
  String name() {
    return name;
  }

  /** In bytes. */
  long size() {
    return size;
  }

  /** Where a field is, in bytes from the structure's start. */
  long offset(String field) {
    Long offset = offsets.get(field);
    if (offset == null) {
      throw new IllegalArgumentException(name + " has no field " + field);
    }
    return offset;
  }

  /** Field by field. */
  Map<String, Long> offsets() {
    return Map.copyOf(offsets);
  }
}
