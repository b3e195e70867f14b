package lodge.cpu.x86;

import lodge.core.Vcpu;

/** A way to execute guest instructions; found through {@link java.util.ServiceLoader}. */
public interface Engine {
  /** The name users choose it by. */
  String name();

  /** A vCPU whose architectural state is {@code cpu}. */
  Vcpu create(Cpu cpu);
}
