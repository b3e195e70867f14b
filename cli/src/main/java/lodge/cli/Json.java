package lodge.cli;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The little of JSON (RFC 8259) that output needs. */
final class Json {
  private static final String INDENT = "    ";

  private Json() {}

  /** A string with its quotation marks. */
  static String string(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append("\\u%04x".formatted((int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }

  /** A value on one line or several: maps, lists, strings, numbers and booleans. */
  static String pretty(Object value) {
    return pretty(value, "\n");
  }

  private static String pretty(Object value, String newLine) {
    String inner = newLine + INDENT;
    return switch (value) {
      case Map<?, ?> map when !map.isEmpty() ->
          map.entrySet().stream()
              .map(e -> string(e.getKey().toString()) + ": " + pretty(e.getValue(), inner))
              .collect(Collectors.joining("," + inner, "{" + inner, newLine + "}"));
      case List<?> list when !list.isEmpty() ->
          list.stream()
              .map(element -> pretty(element, inner))
              .collect(Collectors.joining("," + inner, "[" + inner, newLine + "]"));
      case Map<?, ?> _ -> "{}";
      case List<?> _ -> "[]";
      case String text -> string(text);
      default -> value.toString();
    };
  }
}
