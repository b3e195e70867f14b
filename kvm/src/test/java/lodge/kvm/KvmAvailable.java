package lodge.kvm;

import org.junit.jupiter.api.Assumptions;

/** For tests that take the host's KVM. */
final class KvmAvailable {
  private KvmAvailable() {}

  static void check() {
    new KvmEngine()
        .obstacle()
        .ifPresent(
            obstacle -> {
              System.out.println("not run on KVM: " + obstacle);
              Assumptions.abort(obstacle);
            });
  }
}
