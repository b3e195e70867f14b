package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import lodge.core.Exit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When interrupts and NMIs come: SDM volume 3, 6.7, 6.8 and 6.9. */
class EventOrderTest {
  private static final int VECTOR = 0x30;
  private static final long NMI_HANDLER = 0x9800;

  // wrmsr with ECX = 0x80B: a write to a register of the APIC
  private static final String WRITE_APIC = "0F 30";

  private final FakeApic apic = new FakeApic();
  private final TestMachine m = new TestMachine(apic);
  private final Cpu c = m.c;

  @BeforeEach
  void prepare() {
    m.longMode(0);
    m.gate64(VECTOR, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    m.gate64(Vector.NMI, CODE_64, NMI_HANDLER, INTERRUPT_GATE, 0, 0);
    // inc r8d; mov r9, [rsp]; iretq
    m.code(HANDLER, "41 FF C0 4C 8B 0C 24 48 CF");
    // inc r10d; mov r11, [rsp]; iretq
    m.code(NMI_HANDLER, "41 FF C2 4C 8B 1C 24 48 CF");
    c.r[Cpu.RCX] = 0x80B;
  }

  @AfterEach
  void close() {
    m.close();
  }

  private long interrupts() {
    return c.r[8];
  }

  private long interruptedAt() {
    return c.r[9];
  }

  private long nmis() {
    return c.r[10];
  }

  private long nmiAt() {
    return c.r[11];
  }

  @Test
  void an_interrupt_comes_right_behind_the_register_write_that_raises_it() {
    c.eflags |= Flags.IF;
    apic.vectorOnWrite = VECTOR;
    m.run("90" + WRITE_APIC + "FA");
    assertThat(interrupts()).isEqualTo(1);
    assertThat(interruptedAt()).isEqualTo(CODE + 3);
  }

  @Test
  void a_write_to_the_apics_page_is_as_exact_and_happens_once() {
    apic.base = 0x20_0000;
    c.mmu.flushAll();
    c.eflags |= Flags.IF;
    apic.vectorOnWrite = VECTOR;
    // mov [0x2000B0], eax; cli
    m.run("89 04 25 B0 00 20 00 FA");
    assertThat(apic.writes).isEqualTo(1);
    assertThat(interruptedAt()).isEqualTo(CODE + 7);
  }

  @Test
  void a_read_modify_write_of_a_device_changes_flags_once() {
    apic.base = 0x20_0000;
    c.mmu.flushAll();
    // stc; adc dword [0x200000], 0: the sum is nonzero and carries nothing
    m.run("F9 83 14 25 00 00 20 00 00");
    assertThat(apic.writes).isEqualTo(1);
    assertThat(Flags.cf(c)).isFalse();
  }

  @Test
  void the_apics_page_lies_over_memory() {
    m.memory.putInt(0x20_0080, 0x55);
    assertThat(c.mmu.read32(0x20_0080)).isEqualTo(0x55);
    c.msrs.write(0x1B, 0x20_0000 | 1 << 11);
    assertThat(c.mmu.read32(0x20_0080)).isEqualTo(0x1234_5678);
    c.msrs.write(0x1B, 0x20_0000);
    assertThat(c.mmu.read32(0x20_0080)).isEqualTo(0x55);
  }

  @Test
  void cpuid_shows_whether_the_apic_is_enabled() {
    int[] out = new int[4];
    Cpuid.read(c, 1, 0, out);
    assertThat(out[3] >> 9 & 1).isEqualTo(1);
    c.msrs.write(0x1B, FakeApic.BASE);
    Cpuid.read(c, 1, 0, out);
    assertThat(out[3] >> 9 & 1).isZero();
  }

  @Test
  void sti_keeps_nmis_out_for_one_instruction_too() {
    apic.nmis = 1;
    c.kick();
    c.interruptShadow = true;
    m.run("90 90 90");
    assertThat(nmis()).isEqualTo(1);
    assertThat(nmiAt()).isEqualTo(CODE + 1);
  }

  @Test
  void mov_ss_keeps_interrupts_out_for_one_instruction() {
    c.eflags |= Flags.IF;
    apic.vectorOnWrite = VECTOR;
    c.r[Cpu.RBX] = DATA;
    apic.base = 0x20_0000;
    c.mmu.flushAll();
    m.memory.putInt(0x20_0000, 0);
    // wrmsr with interrupts off; sti; mov ss, ebx; nop; nop
    m.run("FA" + WRITE_APIC + "FB 8E D3 90 90");
    assertThat(interruptedAt()).as("behind MOV SS comes one more").isEqualTo(CODE + 7);
  }

  @Test
  void a_second_sti_does_not_make_the_shadow_longer() {
    apic.vectorOnWrite = VECTOR;
    m.run(WRITE_APIC + "FB FB 90");
    assertThat(interruptedAt()).isEqualTo(CODE + 4);
  }

  @Test
  void an_nmi_comes_before_an_interrupt() {
    c.eflags |= Flags.IF;
    apic.vectorOnWrite = VECTOR;
    apic.nmisOnWrite = 1;
    m.run(WRITE_APIC + "90");
    assertThat(nmiAt()).isEqualTo(CODE + 2);
    assertThat(interruptedAt()).isEqualTo(CODE + 2);
  }

  @Test
  void while_an_nmi_is_handled_one_more_is_remembered() {
    // The handler's first run asks for three more. cmp r10d, 1; jne +2; wrmsr
    m.code(NMI_HANDLER, "41 FF C2 4C 8B 1C 24 41 83 FA 01 75 02 0F 30 48 CF");
    apic.nmis = 1;
    apic.nmisOnWrite = 3;
    c.kick();
    m.run("90");
    assertThat(nmis()).isEqualTo(2);
    assertThat(nmiAt()).as("IRET is done when the second one comes").isEqualTo(CODE);
  }

  @Test
  void two_nmis_that_come_before_the_first_is_handled_are_both_delivered() {
    apic.nmisOnWrite = 5;
    m.run(WRITE_APIC + "90");
    assertThat(nmis()).isEqualTo(2);
  }

  @Test
  void an_iret_that_faults_lets_nmis_in_again() {
    m.gate64(Vector.GP, CODE_64, 0x9C00, INTERRUPT_GATE, 0, 0);
    m.code(0x9C00, "F4");
    apic.nmis = 2;
    c.kick();
    // The handler returns to a null selector: mov qword [rsp + 8], 0; iretq
    m.code(NMI_HANDLER, "41 FF C2 48 C7 44 24 08 00 00 00 00 48 CF");
    m.code(CODE, "90");
    m.run();
    assertThat(nmis()).as("the second one interrupts the fault's handler").isEqualTo(2);
  }

  @Test
  void hlt_is_left_for_an_nmi_with_interrupts_off() {
    var vcpu = TestMachine.engine().create(c);
    m.code(CODE, "F4 F4");
    assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
    assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
    apic.nmis = 1;
    c.kick();
    assertThat(vcpu.run()).isEqualTo(Exit.KICKED);
    assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
    assertThat(nmis()).isEqualTo(1);
    assertThat(c.rip).isEqualTo(CODE + 2);
  }
}
