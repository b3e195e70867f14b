package lodge.cli.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * What says that a guest's folder is whole: lines "SHA-256 size name" of its files, then where they
 * came from.
 */
final class Manifest {
  static final String NAME = "manifest";

  private Manifest() {}

  /** Makes the files durable and writes them down. */
  static void write(Path folder, List<String> files, List<String> origins) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String name : files) {
      Path file = folder.resolve(name);
      force(file);
      lines.add(sha256(file) + " " + Files.size(file) + " " + name);
    }
    origins.forEach(origin -> lines.add("# " + origin));
    Files.write(folder.resolve(NAME), lines);
    force(folder.resolve(NAME));
  }

  /** Whether these files are there and have their sizes. */
  static boolean complete(Path folder, List<String> files) {
    try (Stream<String> lines = Files.lines(folder.resolve(NAME))) {
      List<String> found = new ArrayList<>();
      for (String line : lines.filter(line -> !line.startsWith("#")).toList()) {
        String[] words = line.split(" ");
        if (words.length != 3 || Files.size(folder.resolve(words[2])) != Long.parseLong(words[1])) {
          return false;
        }
        found.add(words[2]);
      }
      return found.equals(files);
    } catch (IOException | NumberFormatException e) {
      return false;
    }
  }

  /** The SHA-256 of a file as it is written down. */
  static String sum(Path folder, String file) throws IOException {
    try (Stream<String> lines = Files.lines(folder.resolve(NAME))) {
      return lines
          .map(line -> line.split(" "))
          .filter(words -> words.length == 3 && words[2].equals(file))
          .map(words -> words[0])
          .findFirst()
          .orElse("");
    }
  }

  static String sha256(Path file) throws IOException {
    MessageDigest digest = digest();
    try (InputStream in = Files.newInputStream(file);
        OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      in.transferTo(out);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  static String sha256(byte[] content) {
    return HexFormat.of().formatHex(digest().digest(content));
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }
}
