package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import lodge.core.BusDevice;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Feature;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class KvmVcpuTest {
  private Guest guest;
  private Cpu cpu;
  private final Recorder device = new Recorder();

  /** Says 0xAB to every read and writes down what it is asked. */
  private static final class Recorder implements BusDevice {
    final List<String> asked = new ArrayList<>();

    @Override
    public long read(long offset, int size) {
      asked.add("read %x %d".formatted(offset, size));
      return 0xABAB_ABAB_ABAB_ABABL;
    }

    @Override
    public void write(long offset, int size, long value) {
      asked.add("write %x %d %x".formatted(offset, size, value));
    }
  }

  @BeforeEach
  void start() {
    KvmAvailable.check();
    make(new Guest());
  }

  private void make(Guest made) {
    guest = made;
    cpu = guest.cpu;
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.close();
    }
  }

  private Exit run(String hex) {
    guest.code(hex).on(new KvmEngine());
    return guest.run();
  }

  @Test
  void theStateIsLodgesAfterTheRun() {
    // mov ax, 0x1234; mov ds, ax; sub bx, bx; hlt
    assertThat(run("b83412 8ed8 29db f4")).isEqualTo(Exit.HALTED);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x1234);
    assertThat(cpu.segBase[Cpu.DS]).isEqualTo(0x1_2340);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 8);
    assertThat(Flags.get(cpu) & Flags.ZF).isNotZero();
    assertThat(cpu.halted).isTrue();
  }

  @Test
  void whatIsChangedBetweenTwoRunsIsSeenByTheGuest() {
    // 1: hlt; add ax, bx; jmp 1b
    assertThat(run("f4 01d8 ebfb")).isEqualTo(Exit.HALTED);
    for (int i = 1; i <= 3; i++) {
      cpu.r[Cpu.RBX] = i;
      cpu.halted = false;
      assertThat(guest.run()).isEqualTo(Exit.HALTED);
    }
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(6);
  }

  @Test
  void portsAreTheDevices() {
    guest.ports.map(0x500, 8, 4, device);
    // mov dx, 0x504; in al, dx; out dx, ax; inc dx; in eax, dx; hlt
    run("ba0405 ec ef 42 66ed f4");
    assertThat(device.asked)
        .containsExactly("read 4 1", "write 4 2 ab", "read 5 1", "read 6 1", "read 7 1");
    assertThat(cpu.r[Cpu.RAX]).as("the last one is nobody's port").isEqualTo(0xFFAB_ABABL);
  }

  @Test
  void stringsOfPortsAreServedElementByElement() {
    guest.ports.map(0x500, 8, 4, device);
    // mov dx, 0x500; mov cx, 3; mov si, 0x6000; rep outsw; mov cx, 2; mov di, 0x6100; rep insb; hlt
    guest.memory.putLong(0x6000, 0x6666_5555_4444L);
    run("ba0005 b90300 be0060 f36f b90200 bf0061 f36c f4");
    assertThat(device.asked)
        .containsExactly(
            "write 0 2 4444", "write 0 2 5555", "write 0 2 6666", "read 0 1", "read 0 1");
    assertThat(guest.memory.getInt(0x6100)).isEqualTo(0xABAB);
    assertThat(cpu.r[Cpu.RDI]).isEqualTo(0x6102);
  }

  @Test
  void memoryOutsideOfRamIsTheDevices() {
    guest.mmio.map(0xD000_0000L, 0x1000, 8, device);
    guest.longMode();
    // mov ebx, 0xd0000010; mov [rbx], rax; mov al, [rbx + 2]; mov ecx, [rbx + 0x10000]; hlt
    assertThat(run("bb100000d0 488903 8a4302 8b8b00000100 f4")).isEqualTo(Exit.HALTED);
    assertThat(device.asked).containsExactly("write 10 8 0", "read 12 1");
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0xAB);
    assertThat(cpu.r[Cpu.RCX]).as("nobody is there").isEqualTo(0xFFFF_FFFFL);
  }

  @Test
  void theApicsPageAndRegistersAreTheApics() {
    guest.longMode();
    // mov ebx, 0xfee000b0; mov dword [rbx], 5; mov esi, [rbx]; mov ecx, 0x802; rdmsr; hlt
    run("bbb000e0fe c70305000000 8b33 b902080000 0f32 f4");
    assertThat(guest.apic.lastOffset).isEqualTo(0xB0);
    assertThat(guest.apic.lastValue).isEqualTo(5);
    assertThat(cpu.r[Cpu.RSI]).isEqualTo(0x1234_5678);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x77);
  }

  @Test
  void anUnknownRegisterIsAFaultAndIsCounted() {
    guest.memory.putInt(13 * 4, 0x9000);
    guest.code(0x9000, "f4");
    // mov ecx, 0x4711; rdmsr
    run("66b911470000 0f32");
    assertThat(cpu.rip).isEqualTo(0x9001);
    Counters counters = new Counters();
    cpu.msrs.count(counters);
    assertThat(counters.totals()).containsEntry("unknown_msr_0x4711", 1L);
  }

  @Test
  void theGuestIsToldOfNoImmunityThatTheHostLacks() {
    long host;
    try (Kvm kvm = Kvm.open()) {
      host = MsrState.immunities(kvm);
    }
    guest.longMode();
    // mov ecx, 0x10a; rdmsr; hlt
    run("b90a010000 0f32 f4");
    assertThat((cpu.r[Cpu.RDX] << 32 | cpu.r[Cpu.RAX]) & ~host).isZero();
  }

  @Test
  void anInterruptWaitsUntilTheGuestTakesIt() {
    guest.memory.putInt(0x21 * 4, 0x9000);
    // mov bx, cx; hlt
    guest.code(0x9000, "89cb f4");
    guest.apic.waiting.set(0x21);
    // inc cx; inc cx; sti; inc cx; inc cx; jmp $
    run("41 41 fb 41 41 ebfe");
    assertThat(cpu.rip).isEqualTo(0x9003);
    assertThat(cpu.r[Cpu.RBX]).as("STI holds it up").isBetween(3L, 4L);
  }

  @Test
  void aHaltedProcessorWakesUpForAnInterrupt() {
    guest.memory.putInt(0x21 * 4, 0x9000);
    guest.code(0x9000, "40 cf");
    // sti; hlt; hlt
    assertThat(run("fb f4 f4")).isEqualTo(Exit.HALTED);
    assertThat(guest.run()).as("nothing has come").isEqualTo(Exit.HALTED);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 2);
    guest.apic.waiting.set(0x21);
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 3);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(1);
  }

  @Test
  void anInterruptThatWaitsDoesNotBringAHaltedProcessorOut() {
    guest.memory.putInt(0x21 * 4, 0x9000);
    // inc ax; iret
    guest.code(0x9000, "40 cf");
    int[] left = {1000};
    guest.apic.wake(
        cpu,
        () -> {
          if (--left[0] == 0) {
            guest.vcpu.kick();
          }
          return 0x21;
        });
    // sti; 1: hlt; jmp 1b
    guest.code("fb f4 ebfd").on(new KvmEngine());
    assertThat(guest.vcpu.run()).isEqualTo(Exit.KICKED);
    assertThat(left[0]).isZero();
    // The last one has its processor's state in memory, and its handler has not run.
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(999);
    assertThat(cpu.rip).isEqualTo(0x9000);
  }

  @Test
  void anInterruptOfAnotherThreadIsNotLostWhereverTheProcessorIs() throws Exception {
    guest.memory.putInt(0x21 * 4, 0x9000);
    // inc ax; mov dx, 0x500; out dx, al; iret
    guest.code(0x9000, "40 ba0005 ee cf");
    SynchronousQueue<Integer> taken = new SynchronousQueue<>();
    guest.ports.map(0x500, 1, 1, new Handing(taken));
    // sti; 1: hlt; jmp 1b
    guest.code("fb f4 ebfd").on(new KvmEngine());
    AtomicBoolean done = new AtomicBoolean();
    Thread device =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 1; i <= 200; i++) {
                    guest.apic.waiting.set(0x21);
                    guest.vcpu.kick();
                    try {
                      assertThat(taken.take()).isEqualTo(i);
                    } catch (InterruptedException e) {
                      return;
                    }
                  }
                  done.set(true);
                  guest.vcpu.kick();
                });
    while (!done.get()) {
      guest.vcpu.run();
    }
    device.join();
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(200);
  }

  /** Hands over what is written to it. */
  private record Handing(SynchronousQueue<Integer> taken) implements BusDevice {
    @Override
    public long read(long offset, int size) {
      return 0;
    }

    @Override
    public void write(long offset, int size, long value) {
      try {
        taken.put((int) value);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void aStepThatEndsWithHltIsATrapAndNoHalt() {
    guest.memory.putInt(4, 0x9000);
    guest.code(0x9000, "40 f4");
    cpu.eflags |= Flags.TF;
    run("f4");
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(1);
    assertThat(cpu.rip).isEqualTo(0x9002);
  }

  @Test
  void anNmiComesThoughInterruptsAreOff() {
    guest.memory.putInt(2 * 4, 0x9000);
    guest.code(0x9000, "40 f4");
    guest.apic.nmis.set(1);
    guest.on(new KvmEngine()).vcpu.kick();
    run("ebfe");
    assertThat(cpu.rip).isEqualTo(0x9002);
    assertThat(cpu.nmiBlocked).isTrue();
  }

  @Test
  void aKickGetsAComputingGuestBackSoon() throws Exception {
    guest.code("40 ebfd").on(new KvmEngine());
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; i < 100; i++) {
                    guest.vcpu.kick();
                    Thread.onSpinWait();
                  }
                });
    assertThat(guest.vcpu.run()).isEqualTo(Exit.KICKED);
    kicker.join();
    guest.vcpu.kick();
    assertThat(guest.vcpu.run()).as("a kick before is not lost").isEqualTo(Exit.KICKED);
    assertThat(cpu.rip).isBetween(Guest.CODE, Guest.CODE + 1);
  }

  @Test
  void aKickInTheMiddleOfADevicesAccessLeavesTheInstructionDone() {
    BusDevice kicking =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            guest.vcpu.kick();
            return 0x55;
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    guest.ports.map(0x500, 1, 1, kicking);
    // mov dx, 0x500; in al, dx; hlt
    guest.code("ba0005 ec f4").on(new KvmEngine());
    assertThat(guest.vcpu.run()).isEqualTo(Exit.KICKED);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x55);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 4);
  }

  @Test
  void whatCannotBeDeliveredIsAShutdown() {
    guest.longMode();
    cpu.idtLimit = 0;
    assertThat(run("0f0b")).isEqualTo(Exit.SHUTDOWN);
    assertThat(guest.run()).as("until a reset").isEqualTo(Exit.SHUTDOWN);
    guest.vcpu.reset();
    guest.start();
    assertThat(run2("f4")).isEqualTo(Exit.HALTED);
  }

  private Exit run2(String hex) {
    guest.code(hex);
    return guest.run();
  }

  @Test
  void storesToRomAreTheDevicesAndChangesOfThatAreSeen() {
    guest.mmio.map(0xC_0000, 0x1000, 8, device);
    guest.memory.putByte(0xC_0010, (byte) 0x77);
    guest.memory.setWritable(0xC_0000, 0x4000, false);
    // mov ax, 0xc000; mov ds, ax; mov cl, [0x10]; mov byte [0x10], 5; mov ch, [0x10]; hlt
    String code = "b800c0 8ed8 8a0e1000 c606100005 8a2e1000 f4";
    run(code);
    assertThat(cpu.r[Cpu.RCX]).isEqualTo(0x7777);
    assertThat(device.asked).containsExactly("write 10 1 5");
    guest.memory.setWritable(0xC_0000, 0x4000, true);
    cpu.rip = Guest.CODE;
    cpu.halted = false;
    run2(code);
    assertThat(cpu.r[Cpu.RCX]).isEqualTo(0x577);
    assertThat(device.asked).hasSize(1);
  }

  @Test
  void theResetVectorIsInTheRom() {
    guest.close();
    byte[] rom = new byte[0x1_0000];
    // mov al, 0x42; hlt
    rom[0xFFF0] = (byte) 0xB0;
    rom[0xFFF1] = 0x42;
    rom[0xFFF2] = (byte) 0xF4;
    make(new Guest(GuestMemory.allocate(16 << 20, rom)));
    cpu.reset();
    guest.on(new KvmEngine());
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x42);
    assertThat(cpu.rip).isEqualTo(0xFFF3);
  }

  @Test
  void cr8IsTheApicsPriority() {
    guest.longMode();
    guest.apic.cr8 = 3;
    // mov rax, cr8; mov ecx, 7; mov cr8, rcx; hlt
    run("440f20c0 b907000000 440f22c1 f4");
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(3);
    assertThat(guest.apic.cr8).isEqualTo(7);
  }

  @Test
  void anInstructionThatIsNotExecutedIsNamedWithItsPlace() {
    guest.longMode();
    // xrstor [rdi], which KVM's emulator does not know; processors execute it
    Exit exit = run("bf00600000 0fae2f f4");
    if (exit == Exit.FAILED) {
      assertThat(guest.vcpu.failure())
          .startsWith("KVM cannot go on: its instruction emulator does not know the instruction")
          .contains("\n--engine translator needs no KVM\n")
          .contains("0f ae 2f", "RIP 0000000000008005");
      assertThat(cpu.rip).isEqualTo(Guest.CODE + 5);
    }
  }

  /** No KVM's emulator knows XORPS, which has to come from it when a device is read. */
  @Test
  void beforeAnInstructionThatIsNotExecutedAnotherEngineGoesOn() {
    guest.longMode();
    cpu.idtBase = 0x5000;
    guest.memory.putLong(0x5000 + 16 * Vector.UD, 0x9000 | 0x08 << 16 | 0x8E00L << 32);
    guest.code(0x9000, "f4");
    // mov edi, 0xd0000000; xorps xmm0, [rdi]; movq rax, xmm0; hlt
    assertThat(run("bf000000d0 0f5707 66480f7ec0 f4")).isEqualTo(Exit.FAILED);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 5);
    assertThat(guest.vcpu.limit())
        .hasValueSatisfying(
            line ->
                assertThat(line)
                    .startsWith("the host's KVM cannot go on: its instruction emulator does not")
                    .doesNotContain("\n"));
    guest.vcpu.close();
    guest.on(new InterpreterEngine());
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(cpu.r[Cpu.RAX]).as("nobody is there").isEqualTo(-1);
    assertThat(cpu.rip).isEqualTo(Guest.CODE + 14);
  }

  @Test
  void aStateThatKvmRefusesIsNamedAndTheNextOneIsTaken() {
    guest.code("f4").on(new KvmEngine());
    long good = cpu.cr0;
    // Paging without protection.
    cpu.cr0 = 1L << 31;
    assertThat(guest.run()).isEqualTo(Exit.FAILED);
    assertThat(guest.vcpu.failure())
        .startsWith(
            "KVM cannot go on: the host's KVM refuses KVM_RUN with KVM_SYNC_X86_SREGS: Invalid");
    assertThat(guest.vcpu.limit()).as("other engines would not take it for good").isEmpty();
    cpu.cr0 = good;
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
  }

  @Test
  void theTimeStampCounterGoesOnFromWhereItWas() {
    guest.longMode();
    cpu.msrs.write(0x10, 1L << 50);
    // rdtsc; hlt
    run("0f31 f4");
    long seen = cpu.r[Cpu.RDX] << 32 | cpu.r[Cpu.RAX];
    assertThat(cpu.tsc()).isBetween(seen, seen + (1L << 45));
    if (seen < 1L << 50) {
      System.out.println("this KVM leaves guests the host's time-stamp counter");
      Assumptions.abort("the counter cannot be set");
    }
    assertThat(seen).isBetween(1L << 50, (1L << 50) + (1L << 45));
  }

  @Test
  void registersOfEachKindGoBothWays() {
    guest.longMode();
    cpu.xmm[0] = 0x1111_2222_3333_4444L;
    cpu.xmm[61] = -5;
    cpu.mxcsr = 0x1FA0;
    cpu.x87.init();
    cpu.x87.top = 3;
    cpu.x87.valid = 1 << 3;
    cpu.x87.significand[3] = 1L << 63;
    cpu.x87.signExponent[3] = 0x3FFF;
    cpu.dr[1] = 0x1234;
    cpu.msrs.lstar = 0x7777;
    cpu.msrs.kernelGsBase = 0x5555;
    cpu.segBase[Cpu.FS] = 0x9999_0000_0000L >>> 4;
    run("f4");
    assertThat(cpu.xmm[0]).isEqualTo(0x1111_2222_3333_4444L);
    assertThat(cpu.xmm[61]).isEqualTo(-5);
    assertThat(cpu.mxcsr).isEqualTo(0x1FA0);
    assertThat(cpu.x87.top).isEqualTo(3);
    assertThat(cpu.x87.valid).isEqualTo(1 << 3);
    assertThat(cpu.x87.significand[3]).isEqualTo(1L << 63);
    assertThat(cpu.x87.signExponent[3]).isEqualTo(0x3FFF);
    assertThat(cpu.dr[1]).isEqualTo(0x1234);
    assertThat(cpu.msrs.lstar).isEqualTo(0x7777);
    assertThat(cpu.msrs.kernelGsBase).isEqualTo(0x5555);
    assertThat(cpu.segBase[Cpu.FS]).isEqualTo(0x9999_0000_0000L >>> 4);
    // mov rax, dr1; mov ecx, 0xc0000082; rdmsr; hlt
    cpu.halted = false;
    guest.code(cpu.rip, "0f21cb b9820000c0 0f32 f4");
    guest.run();
    assertThat(cpu.r[Cpu.RBX]).isEqualTo(0x1234);
    assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x7777);
  }

  @Test
  void dirtyPagesAreThoseThatTheGuestWroteTo() {
    guest.longMode();
    KvmEngine engine = new KvmEngine();
    // mov [0x300000], al; mov [0x900fff], ax: two pages, the second one across their border
    guest.code("88042500003000 66890425ff0f9000 f4 88042500504000 f4").on(engine);
    Vm vm = engine.vm(guest.memory);
    vm.logDirty(true);
    guest.run();
    assertThat(vm.dirtyPages().stream().filter(page -> page >= 0x100))
        .containsExactly(0x300, 0x900, 0x901);
    cpu.halted = false;
    guest.run();
    assertThat(vm.dirtyPages().stream().filter(page -> page >= 0x100)).containsExactly(0x405);
    vm.logDirty(false);
    assertThat(vm.dirtyPages().isEmpty()).isTrue();
  }

  @Test
  void whatNeedsTheKernelsApicIsNotAnnouncedWithoutIt() {
    // mov eax, 0x40000001; cpuid; hlt
    guest.code("66b801000040 0fa2 f4").on(new KvmEngine());
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    long features = guest.cpu.r[Cpu.RAX];
    assertThat(features >> Feature.KVMCLOCK.bit() & 1).isEqualTo(1);
    assertThat(features >> Feature.KVM_PV_TLB_FLUSH.bit() & 1).isZero();
    assertThat(features >> Feature.KVM_PV_IPI.bit() & 1).isZero();
  }
}
