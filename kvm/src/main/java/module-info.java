/** The engine that executes guests on the host's processor, through {@code /dev/kvm} of Linux. */
module lodge.kvm {
  requires lodge.core;
  requires lodge.cpu;

  provides lodge.cpu.x86.Engine with
      lodge.kvm.KvmEngine;
}
