package lodge.cli;

import java.nio.file.Path;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.GuestSession;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;

/** The guest {@code tiny}, fetched if need be, for tests that run a machine in their own JVM. */
final class TinyGuest {
  private TinyGuest() {}

  static Guest.RamDisk guest() {
    return (Guest.RamDisk)
        new GuestCache(GuestCache.home(System.getenv()), Progress.silent())
            .guest(Recipe.named("tiny", LodgeScript.ROOT.resolve("guests")));
  }

  /** A machine that boots it to a shell; further archives are unpacked over its own. */
  static MachineBuilder machine(byte[]... archives) {
    Guest.RamDisk guest = guest();
    MachineBuilder builder =
        Machine.builder()
            .kernel(guest.kernel())
            .initrd(new Path[] {guest.initrd()})
            .initrd(GuestSession.shell("dumb", 24, 80))
            .append(guest.append())
            .memory(guest.memory())
            .debugExit(true);
    for (byte[] archive : archives) {
      builder.initrd(archive);
    }
    return builder;
  }
}
