package lodge.kvm;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lodge.core.GuestMemory;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.EngineException;
import lodge.cpu.x86.Feature;

/**
 * Has the host's processor execute guests. Processors that share memory share a machine of KVM's.
 */
public final class KvmEngine implements Engine {
  /** A machine of the kernel's and how many vCPUs it has. */
  private static final class Shared {
    final Vm vm;
    int vcpus;

    Shared(Vm vm) {
      this.vm = vm;
    }
  }

  private final Map<GuestMemory, Shared> machines = new IdentityHashMap<>();

  @Override
  public String name() {
    return "kvm";
  }

  @Override
  public Set<Feature> features() {
    try (Kvm kvm = Kvm.open();
        Fd vm = kvm.fd().create(Ioctl.CREATE_VM, 0);
        Fd vcpu = vm.create(Ioctl.CREATE_VCPU, 0)) {
      return HostCpuid.of(kvm, KvmVcpu.tscKhz(kvm, vcpu)).features();
    }
  }

  @Override
  public Optional<String> obstacle() {
    try (Kvm _ = Kvm.open()) {
      return Optional.empty();
    } catch (EngineException e) {
      return Optional.of(e.getMessage());
    }
  }

  @Override
  public Optional<String> objection() {
    return obstacle().or(() -> Probe.run(this));
  }

  /**
   * {@inheritDoc}
   *
   * @throws EngineException when the host does not give that
   */
  @Override
  public synchronized Vcpu create(Cpu cpu) {
    Shared shared = machines.get(cpu.memory);
    if (shared == null) {
      shared = new Shared(Vm.of(cpu));
      machines.put(cpu.memory, shared);
    }
    shared.vcpus++;
    try {
      return KvmVcpu.of(shared.vm, cpu, () -> release(cpu.memory));
    } catch (Throwable e) {
      release(cpu.memory);
      throw e;
    }
  }

  private synchronized void release(GuestMemory memory) {
    Shared shared = machines.get(memory);
    shared.vcpus--;
    if (shared.vcpus == 0) {
      machines.remove(memory);
      shared.vm.close();
    }
  }

  /** The kernel's machine that runs on a memory. */
  synchronized Vm vm(GuestMemory memory) {
    return machines.get(memory).vm;
  }
}
