package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MsrStateTest {
  private static final int LSTAR = 0xC000_0082;
  private static final int STAR = 0xC000_0081;

  private Guest guest;
  private Kvm kvm;
  private Fd vm;
  private Fd vcpu;
  private MsrState state;

  @BeforeEach
  void start() {
    KvmAvailable.check();
    guest = new Guest();
    kvm = Kvm.open();
    vm = kvm.fd().create(Ioctl.CREATE_VM, 0);
    vm.call(Ioctl.SET_TSS_ADDR, 0xFEFF_D000L);
    vcpu = vm.create(Ioctl.CREATE_VCPU, 0);
    HostCpuid.of(kvm, KvmVcpu.tscKhz(kvm, vcpu)).install(vcpu, guest.cpu, false);
    state = new MsrState(kvm, vcpu, guest.cpu, false);
  }

  @AfterEach
  void close() {
    if (guest != null) {
      vcpu.close();
      vm.close();
      kvm.close();
      guest.close();
    }
  }

  @Test
  void whatKvmHasAlreadyIsNotWrittenToIt() {
    assertThat(state.collectChanges(guest.cpu)).isZero();
    guest.cpu.msrs.write(LSTAR, 0x1234);
    state.load(guest.cpu);
    assertThat(state.collectChanges(guest.cpu)).isZero();
    state.save(guest.cpu);
    assertThat(guest.cpu.msrs.read(LSTAR)).isEqualTo(0x1234);
    assertThat(state.collectChanges(guest.cpu)).isZero();
    guest.cpu.msrs.write(LSTAR, 0x1235);
    guest.cpu.msrs.write(STAR, 0x10L << 32);
    assertThat(state.collectChanges(guest.cpu)).isEqualTo(2);
  }

  @Test
  void whatKvmHasChangedIsTakenOver() {
    try (Arena arena = Arena.ofConfined()) {
      var msrs = arena.allocate(Structs.MSRS.size() + Structs.MSR_ENTRY.size(), 8);
      msrs.set(JAVA_INT, Structs.MSRS.offset("nmsrs"), 1);
      long entry = Structs.MSRS.size();
      msrs.set(JAVA_INT, entry + Structs.MSR_ENTRY.offset("index"), LSTAR);
      msrs.set(JAVA_LONG, entry + Structs.MSR_ENTRY.offset("data"), 42);
      vcpu.call(Ioctl.SET_MSRS, msrs);
    }
    state.save(guest.cpu);
    assertThat(guest.cpu.msrs.read(LSTAR)).isEqualTo(42);
    assertThat(state.collectChanges(guest.cpu)).isZero();
  }
}
