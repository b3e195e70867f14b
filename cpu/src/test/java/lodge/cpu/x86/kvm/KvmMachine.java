package lodge.cpu.x86.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Feature;

/** Runs scenarios on the host's KVM: one VM with one vCPU, no interrupt controller. */
final class KvmMachine implements Machine {
  // linux/kvm.h: the ioctls.
  private static final long KVM_GET_API_VERSION = 0xAE00;
  private static final long KVM_CREATE_VM = 0xAE01;
  private static final long KVM_GET_VCPU_MMAP_SIZE = 0xAE04;
  private static final long KVM_GET_SUPPORTED_CPUID = 0xC008_AE05L;
  private static final long KVM_CREATE_VCPU = 0xAE41;
  private static final long KVM_SET_USER_MEMORY_REGION = 0x4020_AE46L;
  private static final long KVM_SET_TSS_ADDR = 0xAE47;
  private static final long KVM_RUN = 0xAE80;
  private static final long KVM_GET_REGS = 0x8090_AE81L;
  private static final long KVM_SET_REGS = 0x4090_AE82L;
  private static final long KVM_GET_SREGS = 0x8138_AE83L;
  private static final long KVM_SET_SREGS = 0x4138_AE84L;
  private static final long KVM_GET_MSRS = 0xC008_AE88L;
  private static final long KVM_SET_MSRS = 0x4008_AE89L;
  private static final long KVM_SET_CPUID2 = 0x4008_AE90L;
  private static final long KVM_SET_VCPU_EVENTS = 0x4040_AEA0L;
  private static final long KVM_GET_DEBUGREGS = 0x8080_AEA1L;
  private static final long KVM_SET_DEBUGREGS = 0x4080_AEA2L;

  // struct kvm_run.
  private static final int IMMEDIATE_EXIT = 1;
  private static final int EXIT_REASON = 8;
  private static final int RUN_CR8 = 16;
  private static final int EXIT_UNION = 32;
  private static final int KVM_EXIT_IO = 2;
  private static final int KVM_EXIT_HLT = 5;
  private static final int KVM_EXIT_MMIO = 6;
  private static final int KVM_EXIT_SHUTDOWN = 8;
  private static final int KVM_EXIT_INTERNAL_ERROR = 17;

  // struct kvm_sregs: segments of 24 bytes, then the tables, then the control registers.
  private static final int SREGS_SIZE = 0x138;
  private static final int SREGS_GDT = 0xC0;
  private static final int SREGS_IDT = 0xD0;
  private static final int SREGS_CR0 = 0xE0;
  private static final int SREGS_APIC_BASE = 0x108;

  /** Places of RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI in struct kvm_regs. */
  private static final int[] REGS = {0, 2, 3, 1, 6, 7, 4, 5};

  /** Places of ES, CS, SS, DS, FS, GS, LDTR, TR in struct kvm_sregs. */
  private static final int[] SEGMENTS = {2, 0, 5, 1, 3, 4, 7, 6};

  private static final int CPUID_ENTRIES = 256;
  private static final int CPUID_ENTRY = 40;

  /** Exits that one scenario may take. */
  private static final int EXITS = 64;

  private final Arena arena = Arena.ofShared();
  private int kvm = -1;
  private int vm = -1;
  private int vcpu = -1;
  private MemorySegment memory;
  private MemorySegment run;
  private final MemorySegment regs = arena.allocate(0x90, 8);
  private final MemorySegment sregs = arena.allocate(SREGS_SIZE, 8);
  private final MemorySegment debug = arena.allocate(0x80, 8);
  private final MemorySegment events = arena.allocate(0x40, 8);
  private final MemorySegment msrs = arena.allocate(8 + 16 * CpuState.MSR_NUMBERS.length, 8);
  private CpuModel model;
  private volatile boolean abandoned;

  /**
   * @throws IOException when this host has no KVM that answers
   */
  KvmMachine() throws IOException {
    boolean complete = false;
    try {
      kvm = HostCalls.open("/dev/kvm");
      int version = HostCalls.ioctl(kvm, KVM_GET_API_VERSION, 0);
      if (version != 12) {
        throw new IOException("KVM has API version " + version);
      }
      vm = HostCalls.ioctl(kvm, KVM_CREATE_VM, 0);
      HostCalls.ioctl(vm, KVM_SET_TSS_ADDR, 0xFFFB_D000L);
      memory = HostCalls.map(MEMORY, -1);
      MemorySegment region = arena.allocate(32, 8);
      region.set(JAVA_LONG, 16, MEMORY);
      region.set(JAVA_LONG, 24, memory.address());
      HostCalls.ioctl(vm, KVM_SET_USER_MEMORY_REGION, region.address());
      vcpu = HostCalls.ioctl(vm, KVM_CREATE_VCPU, 0);
      run = HostCalls.map(HostCalls.ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), vcpu);
      setCpuid();
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /** Makes the processor one that KVM and Lodge both know. */
  private void setCpuid() throws IOException {
    MemorySegment cpuid = arena.allocate(8 + CPUID_ENTRIES * CPUID_ENTRY, 8);
    cpuid.set(JAVA_INT, 0, CPUID_ENTRIES);
    HostCalls.ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid.address());
    CpuModel all = new CpuModel();
    Set<Feature> common = EnumSet.noneOf(Feature.class);
    int entries = cpuid.get(JAVA_INT, 0);
    for (int i = 0; i < entries; i++) {
      int at = 8 + i * CPUID_ENTRY;
      int leaf = cpuid.get(JAVA_INT, at);
      for (Feature feature : Feature.values()) {
        if (feature.leaf() == leaf && feature.subleaf() == cpuid.get(JAVA_INT, at + 4)) {
          int register = at + 12 + 4 * feature.register().ordinal();
          int value = cpuid.get(JAVA_INT, register);
          if (!all.has(feature)) {
            cpuid.set(JAVA_INT, register, value & ~(1 << feature.bit()));
          } else if ((value >> feature.bit() & 1) != 0) {
            common.add(feature);
          }
        }
      }
      if (leaf == 0x8000_0008) {
        int eax = cpuid.get(JAVA_INT, at + 12);
        cpuid.set(JAVA_INT, at + 12, eax & ~0xFF | all.physicalAddressBits());
      }
    }
    HostCalls.ioctl(vcpu, KVM_SET_CPUID2, cpuid.address());
    model = new CpuModel("kvm", common, 1);
  }

  /** What this KVM and Lodge's processor both have. */
  CpuModel model() {
    return model;
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public Outcome run(CpuState start) {
    abandoned = false;
    try {
      load(start.v);
      for (int i = 0; i < EXITS && !abandoned; i++) {
        run.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 0);
        HostCalls.ioctl(vcpu, KVM_RUN, 0);
        int reason = run.get(JAVA_INT, EXIT_REASON);
        switch (reason) {
          case KVM_EXIT_HLT:
            return new Outcome(End.HALT, state(), "");
          case KVM_EXIT_SHUTDOWN:
            return new Outcome(End.SHUTDOWN, state(), "");
          case KVM_EXIT_MMIO:
            return new Outcome(End.OUTSIDE, state(), "");
          case KVM_EXIT_IO:
            answerPort();
            break;
          case KVM_EXIT_INTERNAL_ERROR:
            return new Outcome(End.NOT_EXECUTED, state(), failure());
          default:
            return new Outcome(End.NOT_EXECUTED, state(), "exit " + reason);
        }
      }
      return new Outcome(End.HUNG, state(), "");
    } catch (IOException e) {
      return new Outcome(End.NOT_EXECUTED, new CpuState(), e.getMessage());
    }
  }

  /** Ports without devices read as ones. */
  private void answerPort() {
    if (run.get(JAVA_BYTE, EXIT_UNION) == 0) {
      int size = run.get(JAVA_BYTE, EXIT_UNION + 1) * run.get(JAVA_INT, EXIT_UNION + 4);
      run.asSlice(run.get(JAVA_LONG, EXIT_UNION + 8), size).fill((byte) -1);
    }
  }

  private String failure() {
    int suberror = run.get(JAVA_INT, EXIT_UNION);
    byte[] bytes = run.asSlice(EXIT_UNION + 17, 15).toArray(JAVA_BYTE);
    int length = Math.clamp(run.get(JAVA_BYTE, EXIT_UNION + 16), 0, 15);
    return "internal error " + suberror + " " + HexFormat.of().formatHex(bytes, 0, length);
  }

  private void load(long[] v) throws IOException {
    events.fill((byte) 0);
    // The interrupt shadow, too, is to be cleared.
    events.set(JAVA_INT, 20, 4);
    HostCalls.ioctl(vcpu, KVM_SET_VCPU_EVENTS, events.address());
    sregs.fill((byte) 0);
    for (int i = 0; i < 8; i++) {
      int at = CpuState.SEGMENTS + 4 * i;
      putSegment(24L * SEGMENTS[i], v, at);
    }
    sregs.set(JAVA_LONG, SREGS_GDT, v[CpuState.GDT_BASE]);
    sregs.set(JAVA_SHORT, SREGS_GDT + 8, (short) v[CpuState.GDT_LIMIT]);
    sregs.set(JAVA_LONG, SREGS_IDT, v[CpuState.IDT_BASE]);
    sregs.set(JAVA_SHORT, SREGS_IDT + 8, (short) v[CpuState.IDT_LIMIT]);
    for (int i = 0; i < 4; i++) {
      sregs.set(JAVA_LONG, SREGS_CR0 + 8 * i, v[CpuState.CR0 + i]);
    }
    sregs.set(JAVA_LONG, SREGS_CR0 + 40, v[CpuState.EFER]);
    sregs.set(JAVA_LONG, SREGS_APIC_BASE, 0xFEE0_0900L);
    run.set(JAVA_LONG, RUN_CR8, 0);
    run.set(JAVA_LONG, RUN_CR8 + 8, 0xFEE0_0900L);
    HostCalls.ioctl(vcpu, KVM_SET_SREGS, sregs.address());
    for (int i = 0; i < 16; i++) {
      regs.set(JAVA_LONG, 8 * (i < 8 ? REGS[i] : i), v[i]);
    }
    regs.set(JAVA_LONG, 0x80, v[CpuState.RIP]);
    regs.set(JAVA_LONG, 0x88, v[CpuState.RFLAGS]);
    HostCalls.ioctl(vcpu, KVM_SET_REGS, regs.address());
    debug.fill((byte) 0);
    MemorySegment.copy(
        MemorySegment.ofArray(v), JAVA_LONG, 8L * CpuState.DR, debug, JAVA_LONG, 0, 6);
    HostCalls.ioctl(vcpu, KVM_SET_DEBUGREGS, debug.address());
    int count = CpuState.MSR_NUMBERS.length;
    msrs.set(JAVA_INT, 0, count);
    for (int i = 0; i < count; i++) {
      msrs.set(JAVA_INT, 8 + 16 * i, CpuState.MSR_NUMBERS[i]);
      msrs.set(JAVA_LONG, 16 + 16 * i, v[CpuState.MSRS + i]);
    }
    if (HostCalls.ioctl(vcpu, KVM_SET_MSRS, msrs.address()) != count) {
      throw new IOException("KVM does not take the MSRs");
    }
  }

  private void putSegment(long at, long[] v, int from) {
    int access = (int) v[from + CpuState.ACCESS];
    sregs.set(JAVA_LONG, at, v[from + CpuState.BASE]);
    sregs.set(JAVA_INT, at + 8, (int) v[from + CpuState.LIMIT]);
    sregs.set(JAVA_SHORT, at + 12, (short) v[from]);
    int[] fields = {
      access & 0xF,
      access >> 7 & 1,
      access >> 5 & 3,
      access >> 14 & 1,
      access >> 4 & 1,
      access >> 13 & 1,
      access >> 15 & 1,
      access >> 12 & 1,
      access >> 7 & 1 ^ 1
    };
    for (int i = 0; i < fields.length; i++) {
      sregs.set(JAVA_BYTE, at + 14 + i, (byte) fields[i]);
    }
  }

  private int access(long at) {
    int[] shifts = {0, 7, 5, 14, 4, 13, 15, 12};
    int access = 0;
    for (int i = 0; i < shifts.length; i++) {
      access |= (sregs.get(JAVA_BYTE, at + 14 + i) & 0xFF) << shifts[i];
    }
    return sregs.get(JAVA_BYTE, at + 22) != 0 ? 0 : access;
  }

  private CpuState state() throws IOException {
    CpuState state = new CpuState();
    long[] v = state.v;
    HostCalls.ioctl(vcpu, KVM_GET_REGS, regs.address());
    for (int i = 0; i < 16; i++) {
      v[i] = regs.get(JAVA_LONG, 8 * (i < 8 ? REGS[i] : i));
    }
    v[CpuState.RIP] = regs.get(JAVA_LONG, 0x80);
    v[CpuState.RFLAGS] = regs.get(JAVA_LONG, 0x88);
    HostCalls.ioctl(vcpu, KVM_GET_SREGS, sregs.address());
    for (int i = 0; i < 8; i++) {
      long at = 24L * SEGMENTS[i];
      state.segment(
          i,
          sregs.get(JAVA_SHORT, at + 12) & 0xFFFF,
          sregs.get(JAVA_LONG, at),
          sregs.get(JAVA_INT, at + 8) & 0xFFFF_FFFFL,
          access(at));
    }
    v[CpuState.GDT_BASE] = sregs.get(JAVA_LONG, SREGS_GDT);
    v[CpuState.GDT_LIMIT] = sregs.get(JAVA_SHORT, SREGS_GDT + 8) & 0xFFFF;
    v[CpuState.IDT_BASE] = sregs.get(JAVA_LONG, SREGS_IDT);
    v[CpuState.IDT_LIMIT] = sregs.get(JAVA_SHORT, SREGS_IDT + 8) & 0xFFFF;
    for (int i = 0; i < 4; i++) {
      v[CpuState.CR0 + i] = sregs.get(JAVA_LONG, SREGS_CR0 + 8 * i);
    }
    v[CpuState.EFER] = sregs.get(JAVA_LONG, SREGS_CR0 + 40);
    HostCalls.ioctl(vcpu, KVM_GET_DEBUGREGS, debug.address());
    MemorySegment.copy(debug, JAVA_LONG, 0, v, CpuState.DR, 6);
    HostCalls.ioctl(vcpu, KVM_GET_MSRS, msrs.address());
    for (int i = 0; i < CpuState.MSR_NUMBERS.length; i++) {
      v[CpuState.MSRS + i] = msrs.get(JAVA_LONG, 16 + 16 * i);
    }
    return state;
  }

  /**
   * Nothing but memory can be reached while KVM runs: full of HLT it ends any loop, if only by a
   * triple fault.
   */
  @Override
  public void abandon() {
    abandoned = true;
    memory.fill((byte) 0xF4);
    run.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 1);
  }

  @Override
  public void close() {
    if (run != null) {
      HostCalls.unmap(run);
    }
    for (int fd : new int[] {vcpu, vm, kvm}) {
      if (fd >= 0) {
        HostCalls.close(fd);
      }
    }
    if (memory != null) {
      HostCalls.unmap(memory);
    }
    arena.close();
  }
}
