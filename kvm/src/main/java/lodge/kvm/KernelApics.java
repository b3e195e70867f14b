package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import lodge.core.ApicKeeper;
import lodge.cpu.x86.Cpu;

/**
 * The kernel's local APICs of a machine ("split irqchip"): timers, IPIs, halts and the APICs'
 * registers stay inside of KVM_RUN, and devices' messages are delivered there from any thread. The
 * I/O APIC and the 8259 are Lodge's.
 *
 * <p>The APICs are the kernel's from the first run on, all at once, because the first one to run
 * sends the others messages; and Lodge's again when the first vCPU is closed.
 */
final class KernelApics implements ApicKeeper {
  private static final List<Capability> NEEDED =
      List.of(
          Capability.SPLIT_IRQCHIP,
          Capability.MP_STATE,
          Capability.SIGNAL_MSI,
          Capability.IRQ_ROUTING);

  /**
   * So many different level-triggered interrupts have their ends told, the last ones. KVM takes
   * more, but keeps their number in a byte.
   */
  private static final int ROUTES = 255;

  // The address and data of a message (SDM volume 3, 12.11)
  private static final int DOORBELL = 0xFEE0_0000;
  private static final int LOGICAL = 1 << 2;
  private static final int ASSERT = 1 << 14;
  private static final int LEVEL_TRIGGERED = 1 << 15;

  private static final int KVM_IRQ_ROUTING_MSI = 2;

  private record Message(int address, int data) {}

  private final Fd vm;
  private final MemorySegment msi = Arena.ofAuto().allocate(Structs.MSI.size(), 8);
  private final SequencedSet<Message> routes = new LinkedHashSet<>();
  private final List<KvmVcpu> vcpus = new ArrayList<>();
  private volatile boolean taken;

  private KernelApics(Fd vm) {
    this.vm = vm;
  }

  /** Whether the kernel can have a machine's APICs. */
  static boolean arePossible(Kvm kvm) {
    return NEEDED.stream().allMatch(kvm::has);
  }

  /** Whether it is to have those of a machine with this processor. */
  static boolean areFor(Kvm kvm, Cpu cpu) {
    return cpu.apic.lendable() && arePossible(kvm);
  }

  /** Before there are vCPUs. */
  static KernelApics install(Fd vm) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment enable = arena.allocate(Structs.ENABLE_CAP.size(), 8);
      enable.set(JAVA_INT, Structs.ENABLE_CAP.offset("cap"), Capability.SPLIT_IRQCHIP.number());
      enable.set(JAVA_LONG, Structs.ENABLE_CAP.offset("args"), ROUTES);
      vm.call(Ioctl.ENABLE_CAP, enable);
    }
    return new KernelApics(vm.forAnotherThread());
  }

  synchronized void add(KvmVcpu vcpu) {
    vcpus.add(vcpu);
  }

  /** Takes the APICs from Lodge unless they are here already. */
  void take() {
    if (taken) {
      return;
    }
    synchronized (this) {
      if (!taken) {
        vcpus.forEach(vcpu -> vcpu.takeApic(this));
        taken = true;
      }
    }
  }

  /** Gives Lodge the APICs with all they hold, if they are here, before a vCPU is closed. */
  synchronized void giveBack(KvmVcpu closing) {
    if (taken) {
      taken = false;
      vcpus.forEach(KvmVcpu::giveApicBack);
    }
    vcpus.remove(closing);
  }

  /** The machine is reset, and Lodge's APICs with it: what KVM has does not count any more. */
  synchronized void drop() {
    taken = false;
  }

  @Override
  public synchronized boolean deliver(
      int destination, boolean logical, int deliveryMode, int vector, boolean level) {
    if (!taken) {
      return false;
    }
    Message message =
        new Message(
            DOORBELL | (destination & 0xFF) << 12 | (logical ? LOGICAL : 0),
            vector | deliveryMode << 8 | ASSERT | (level ? LEVEL_TRIGGERED : 0));
    if (level && !routes.contains(message)) {
      haveEndsTold(message);
    }
    msi.set(JAVA_INT, Structs.MSI.offset("address_lo"), message.address);
    msi.set(JAVA_INT, Structs.MSI.offset("data"), message.data);
    // That nobody takes it is no fault of ours: guests address whom they like.
    vm.attempt(Ioctl.SIGNAL_MSI, msi.address());
    return true;
  }

  /** KVM comes out at the ends of those interrupts that are in its table. */
  private void haveEndsTold(Message added) {
    if (routes.size() == ROUTES) {
      routes.removeFirst();
    }
    routes.add(added);
    try (Arena arena = Arena.ofConfined()) {
      long entryBytes = Structs.IRQ_ROUTING_ENTRY.size();
      MemorySegment table =
          arena.allocate(Structs.IRQ_ROUTING.size() + routes.size() * entryBytes, 8);
      table.set(JAVA_INT, Structs.IRQ_ROUTING.offset("nr"), routes.size());
      int i = 0;
      for (Message message : routes) {
        MemorySegment entry =
            table.asSlice(Structs.IRQ_ROUTING.size() + i * entryBytes, entryBytes);
        entry.set(JAVA_INT, Structs.IRQ_ROUTING_ENTRY.offset("gsi"), i++);
        entry.set(JAVA_INT, Structs.IRQ_ROUTING_ENTRY.offset("type"), KVM_IRQ_ROUTING_MSI);
        entry.set(JAVA_INT, Structs.IRQ_ROUTING_ENTRY.offset("u.msi.address_lo"), message.address);
        entry.set(JAVA_INT, Structs.IRQ_ROUTING_ENTRY.offset("u.msi.data"), message.data);
      }
      vm.call(Ioctl.SET_GSI_ROUTING, table);
    }
  }
}
