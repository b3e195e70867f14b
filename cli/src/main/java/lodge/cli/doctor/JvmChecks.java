package lodge.cli.doctor;

/** The JVM under Lodge. That it is new enough is known: an older one does not load Lodge. */
final class JvmChecks {
  private JvmChecks() {}

  static Finding compiler(Host host) {
    Jvm jvm = host.jvm();
    String what = jvm.name() + " " + jvm.version();
    if (!jvm.name().contains("Server VM")) {
      return Finding.warn(
          what, "translated guests are fast with HotSpot's compilers: install an OpenJDK");
    }
    return jvm.info().contains("interpreted")
        ? Finding.warn(what + ", interpreted", "start it without -Xint")
        : Finding.pass(what);
  }

  static Finding options(Host host) {
    return host.jvm().missing().isEmpty()
        ? Finding.pass("")
        : Finding.warn(
            "guests run slower, or not on KVM",
            "start Lodge by its script, or with " + String.join(" ", host.jvm().missing()));
  }
}
