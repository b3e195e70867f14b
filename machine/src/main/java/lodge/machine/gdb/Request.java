package lodge.machine.gdb;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A packet from the debugger, read from front to back. */
final class Request {
  /** It is none that the protocol knows. */
  @SuppressWarnings("serial")
  static final class Malformed extends RuntimeException {
    Malformed() {
      super("malformed packet", null, false, false);
    }
  }

  private static final int LONGEST_NUMBER = 16;

  private final byte[] data;
  private int at;

  Request(byte[] data) {
    this.data = data;
    this.at = Math.min(1, data.length);
  }

  /** Its first character, or 0. What else is asked for comes behind it. */
  char command() {
    return data.length == 0 ? 0 : (char) (data[0] & 0xFF);
  }

  boolean atEnd() {
    return at == data.length;
  }

  char next() {
    if (atEnd()) {
      throw new Malformed();
    }
    return (char) (data[at++] & 0xFF);
  }

  void expect(char wanted) {
    if (next() != wanted) {
      throw new Malformed();
    }
  }

  void end() {
    if (!atEnd()) {
      throw new Malformed();
    }
  }

  /** Whether these words come next: then they are passed. A command's begin with its character. */
  boolean accept(String words) {
    int from = at == 1 && !words.isEmpty() && words.charAt(0) == command() ? 0 : at;
    byte[] wanted = words.getBytes(StandardCharsets.US_ASCII);
    int end = from + wanted.length;
    if (end > data.length || !Arrays.equals(data, from, end, wanted, 0, wanted.length)) {
      return false;
    }
    at = end;
    return true;
  }

  /** A number of 1 to 16 digits. */
  long hex() {
    long value = 0;
    int digits = 0;
    while (!atEnd() && Character.digit(data[at], 16) >= 0) {
      value = value << 4 | Character.digit(data[at++], 16);
      digits++;
    }
    if (digits == 0 || digits > LONGEST_NUMBER) {
      throw new Malformed();
    }
    return value;
  }

  /** A thread's number; -1 stands for all, 0 for any. More than any machine has at most. */
  int thread() {
    if (accept("-1")) {
      return -1;
    }
    long number = hex();
    return number < 0 || number > Integer.MAX_VALUE ? Integer.MAX_VALUE : (int) number;
  }

  /** What is left, as bytes in hexadecimal. */
  byte[] hexBytes() {
    if ((data.length - at) % 2 != 0) {
      throw new Malformed();
    }
    byte[] bytes = new byte[(data.length - at) / 2];
    for (int i = 0; i < bytes.length; i++) {
      int high = Character.digit(data[at++], 16);
      int low = Character.digit(data[at++], 16);
      if (high < 0 || low < 0) {
        throw new Malformed();
      }
      bytes[i] = (byte) (high << 4 | low);
    }
    return bytes;
  }

  /** What is left, as it is. */
  byte[] bytes() {
    byte[] rest = Arrays.copyOfRange(data, at, data.length);
    at = data.length;
    return rest;
  }

  /** What is left, as text. */
  String rest() {
    return new String(bytes(), StandardCharsets.ISO_8859_1);
  }
}
