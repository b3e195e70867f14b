package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Optional;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.cpu.x86.Cpu;

/** A virtual machine of the kernel's: one for each guest memory, as long as it has vCPUs. */
final class Vm implements AutoCloseable {
  /**
   * Four pages that KVM wants for processors that cannot run real mode, in the hole where QEMU has
   * them, too.
   */
  private static final long IDENTITY_MAP = 0xFEFF_C000L;

  private static final long TSS = IDENTITY_MAP + GuestMemory.PAGE_SIZE;

  private final Kvm kvm;
  private final Fd fd;
  private final GuestMemory memory;
  private final MemorySlots slots;

  /** Null where interrupts are Lodge's. */
  private final KernelApics apics;

  private Optional<Doorbells> doorbells = Optional.empty();

  private Vm(Kvm kvm, GuestMemory memory, boolean kernelApics) {
    this.kvm = kvm;
    this.memory = memory;
    fd = kvm.fd().create(Ioctl.CREATE_VM, 0);
    slots = new MemorySlots(fd, memory, kvm.count(Capability.NR_MEMSLOTS));
    apics = kernelApics ? KernelApics.install(fd) : null;
  }

  /**
   * Opens KVM and makes a machine for a processor and others that share its memory.
   *
   * @throws lodge.cpu.x86.EngineException when the host does not give that
   */
  static Vm of(Cpu cpu) {
    Kvm kvm = Kvm.open();
    Vm vm = null;
    try {
      vm = new Vm(kvm, cpu.memory, KernelApics.areFor(kvm, cpu));
      vm.prepare(cpu.mmio);
      return vm;
    } catch (Throwable e) {
      if (vm != null) {
        vm.close();
      } else {
        kvm.close();
      }
      throw e;
    }
  }

  private void prepare(MmioBus bus) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocateFrom(JAVA_LONG, IDENTITY_MAP);
      fd.call(Ioctl.SET_IDENTITY_MAP_ADDR, address);
    }
    fd.call(Ioctl.SET_TSS_ADDR, TSS);
    MsrTraps.install(fd, apics != null);
    // Where there are none, small ones do.
    memory.hugePages();
    slots.update();
    memory.onSetWritable(this::memoryChanged);
    if (kvm.has(Capability.IOEVENTFD)) {
      doorbells = Optional.of(new Doorbells(fd, bus));
    }
  }

  private synchronized void memoryChanged() {
    slots.update();
  }

  /**
   * Others than the guest have filled its memory anew: what KVM has made of page tables there,
   * where it has to make something of them, does not hold.
   */
  synchronized void memoryReplaced() {
    slots.forget();
  }

  Kvm kvm() {
    return kvm;
  }

  /** The kernel's local APICs, if it has them. */
  Optional<KernelApics> apics() {
    return Optional.ofNullable(apics);
  }

  /** Makes the vCPU that a processor is to run on; its file is to be closed by the caller. */
  synchronized Fd createVcpu(Cpu cpu) {
    int limit = kvm.count(Capability.MAX_VCPU_ID);
    if (cpu.apicId >= limit) {
      throw Obstacles.tooManyVcpus(limit);
    }
    return fd.create(Ioctl.CREATE_VCPU, cpu.apicId);
  }

  /** Has the kernel list which pages of RAM are written to by guest code, or not any more. */
  synchronized void logDirty(boolean on) {
    slots.log(on);
  }

  /**
   * The pages that guest code has written to since the last call, or since {@link #logDirty}: by
   * frame number. Devices' writes are not among them.
   */
  synchronized BitSet dirtyPages() {
    BitSet pages = new BitSet();
    slots.collectDirty(pages);
    return pages;
  }

  @Override
  public synchronized void close() {
    doorbells.ifPresent(Doorbells::close);
    memory.onSetWritable(() -> {});
    fd.close();
    kvm.close();
  }
}
