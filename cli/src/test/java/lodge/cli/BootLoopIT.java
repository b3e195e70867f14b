package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.machine.Outcome;
import org.junit.jupiter.api.Test;

/**
 * Machines one after the other in one JVM: nothing of them stays. {@code -Dlodge.boots=N} is how
 * many.
 */
class BootLoopIT {
  private static final int BOOTS = Integer.getInteger("lodge.boots", 4);

  /** After so many boots every class and thread of Lodge's and the JDK's is there. */
  private static final int SETTLED = 2;

  private static final long MIB = 1 << 20;

  /** HotSpot goes on to compile Lodge itself, and maps as it likes. */
  private static final JvmUse MOST = new JvmUse(8 * MIB, 2 * MIB, 24 * MIB, 150, 1, 60, 1);

  @Test
  void nothingGrowsFromMachineToMachine() throws Exception {
    JvmUse settled = null;
    for (int boot = 1; boot <= BOOTS; boot++) {
      boot(boot % 2 == 0);
      JvmUse use = JvmUse.now();
      System.out.println("after boot " + boot + ": " + use);
      if (boot == SETTLED) {
        settled = use;
      } else if (boot > SETTLED) {
        use.assertGrownAtMost(MOST, settled);
      }
    }
  }

  /** Boots to the shell; closes the machine there or after it has powered off. */
  private static void boot(boolean powerOff) throws Exception {
    try (GuestShell guest = new GuestShell(TinyGuest.machine().cpus(2))) {
      guest.awaitPrompt();
      // What the kernel says of a busy host stays out of what programs print.
      guest.run("dmesg -n 1");
      assertThat(guest.run("seq 1 20000 | md5sum").output())
          .isEqualTo("e071f707df7bbeee2a6a1eb48011ddd0  -\n");
      if (powerOff) {
        guest.type("exit\n");
        assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
      }
    }
  }
}
