package lodge.cli.guest;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Puts together the initial RAM disk of a guest from files, a small busybox userland and Lodge's
 * own init.
 */
final class Initramfs {
  /**
   * Goes up when what Lodge adds to an initramfs changes in a way that {@link #fingerprint} does
   * not see.
   */
  private static final String LAYOUT = "2";

  /** Scripts of Lodge's own, by their path in the guest and their resource. */
  private static final Map<String, String> SCRIPTS =
      Map.of(
          "init",
          "init",
          "lodge/shell",
          "shell",
          "etc/profile",
          "profile",
          "etc/inittab",
          "inittab");

  private Initramfs() {}

  /**
   * The archive.
   *
   * @param hostname what the guest calls itself
   * @param files contents by path in the guest
   */
  static byte[] archive(String hostname, Map<String, byte[]> files) {
    CpioWriter cpio = new CpioWriter();
    SortedSet<String> directories =
        new TreeSet<>(
            List.of("bin", "dev", "etc", "lodge", "proc", "root", "sys", "tmp", "usr", "var"));
    files.keySet().forEach(path -> addParents(path, directories));
    directories.forEach(path -> cpio.directory(path, path.equals("tmp") ? 01777 : 0755));
    // The kernel opens the console for init before anything is mounted.
    cpio.characterDevice("dev/console", 0600, 5, 1);
    cpio.symlink("sbin", "bin").symlink("usr/bin", "../bin").symlink("usr/sbin", "../bin");
    cpio.file("lodge/session", 0644, GuestSession.settings("vt100", 24, 80));
    cpio.file("etc/hostname", 0644, hostname + "\n");
    cpio.file("etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\n")
        .file("etc/group", 0644, "root:x:0:\n");
    new TreeMap<>(SCRIPTS).forEach((path, name) -> cpio.file(path, 0755, Resources.text(name)));
    cpio.file("bin/lodge-exit", 0755, StatusTool.elf());
    new TreeMap<>(files).forEach((path, content) -> cpio.file(path, 0755, content));
    return cpio.finish();
  }

  /** All that decides what {@link #archive} makes of the same files. */
  static byte[] fingerprint() {
    StringBuilder all = new StringBuilder(LAYOUT);
    new TreeMap<>(SCRIPTS)
        .forEach((path, name) -> all.append('\0').append(path).append(Resources.text(name)));
    return all.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void addParents(String path, SortedSet<String> directories) {
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      directories.add(path.substring(0, slash));
    }
  }
}
