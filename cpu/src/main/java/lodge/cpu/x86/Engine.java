package lodge.cpu.x86;

import lodge.core.Vcpu;

/** A way to execute guest instructions; found through {@link java.util.ServiceLoader}. */
public interface Engine {
  /** As {@code --engine} names it: {@code interpreter}, {@code translator}, {@code kvm}. */
  String name();

  /**
   * Gives a processor an engine; from then on the state in {@code cpu} belongs to the thread that
   * runs the vCPU.
   */
  Vcpu create(Cpu cpu);
}
