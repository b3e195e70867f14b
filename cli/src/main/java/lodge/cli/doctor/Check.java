package lodge.cli.doctor;

import java.util.function.Function;

/**
 * One thing to look at.
 *
 * @param name for programs
 * @param title what it looks for, for people
 * @param where on which hosts it has a sense
 * @param look what it does
 */
public record Check(String name, String title, Where where, Function<Host, Finding> look) {
  /** Kinds of hosts. */
  public enum Where {
    ANYWHERE,
    LINUX,
    LINUX_X86
  }

  /** What it comes to. */
  public Finding on(Host host) {
    if (where != Where.ANYWHERE && !host.linux()) {
      return Finding.note("only on Linux; this is " + host.system());
    }
    if (where == Where.LINUX_X86 && !host.x86()) {
      return Finding.note("only on x86-64; this is " + host.architecture());
    }
    return look.apply(host);
  }
}
