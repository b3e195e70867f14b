package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HypercallsTest {
  private static final String VMCALL = "0F 01 C1";

  private final FakeApic apic = new FakeApic();
  private final TestMachine m = new TestMachine(apic);
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void calls_that_there_are_not_say_so() {
    m.longMode(0);
    m.run(VMCALL);
    assertThat(c.r[Cpu.RAX]).isEqualTo(-1000);
    m.run("0F 01 D9");
    assertThat(c.r[Cpu.RAX]).as("VMMCALL").isEqualTo(-1000);
    m.protectedMode(0);
    m.run(VMCALL);
    assertThat(c.r[Cpu.RAX]).as("32 bits of it").isEqualTo(0xFFFF_FC18L);
  }

  @Test
  void user_code_may_not_call() {
    m.longMode(3);
    c.r[Cpu.RAX] = 10;
    Hypercalls.execute(c);
    assertThat(c.r[Cpu.RAX]).isEqualTo(-1);
  }

  @Test
  void interrupts_go_to_the_processors_of_a_bitmap_that_exist() {
    m.longMode(0);
    send(0b1111, 1, 0x41);
    assertThat(c.r[Cpu.RAX]).as("APICs 1, 2 and 4").isEqualTo(3);
    assertThat(apic.sentTo).containsExactly(1, 2, 4);
    assertThat(apic.sentCommand).isEqualTo(0x41);

    send(-1, 0xFFFF_FFFFL, 0);
    assertThat(c.r[Cpu.RAX]).as("nobody is there, and nothing is broadcast").isZero();
    send(1, 0, 0x8_0041);
    assertThat(c.r[Cpu.RAX]).as("a shorthand").isEqualTo(-22);
    assertThat(apic.sentTo).hasSize(3);
  }

  private void send(long bitmap, long first, long command) {
    c.r[Cpu.RAX] = 10;
    c.r[Cpu.RBX] = bitmap;
    c.r[Cpu.RCX] = 0;
    c.r[Cpu.RDX] = first;
    c.r[Cpu.RSI] = command;
    Hypercalls.execute(c);
  }
}
