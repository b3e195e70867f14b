package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.core.BusDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The A20 gate (SDM volume 3, 20.1.1 and 22.33): closed, physical address bit 20 is always 0. */
class AddressLine20Test {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void gate(boolean open) {
    c.setA20(open);
    c.look();
  }

  @Test
  void closed_the_second_megabyte_is_the_first() {
    m.protectedMode(0);
    m.memory.putInt(0x10_5000, 0x11);
    m.memory.putInt(0x5000, 0x22);
    assertThat(c.mmu.read32(0x10_5000)).isEqualTo(0x11);
    gate(false);
    assertThat(c.mmu.read32(0x10_5000)).isEqualTo(0x22);
    assertThat(c.mmu.read32(0x30_5000)).as("the line alone").isEqualTo(m.memory.getInt(0x20_5000));
    c.mmu.write32(0x10_5000, 0x33);
    assertThat(m.memory.getInt(0x5000)).isEqualTo(0x33);
    gate(true);
    assertThat(c.mmu.read32(0x10_5000)).isEqualTo(0x11);
  }

  @Test
  void real_mode_addresses_wrap_at_one_megabyte() {
    m.realMode();
    gate(false);
    m.memory.putByte(0x500, (byte) 0x77);
    // mov ax, 0xFFFF; mov ds, ax; mov al, [0x0510]
    m.run("B8 FF FF 8E D8 A0 10 05");
    assertThat(c.r[Cpu.RAX] & 0xFF).isEqualTo(0x77);
  }

  @Test
  void page_walks_pass_through_the_gate() {
    m.longMode(0);
    m.memory.putLong(0x2000 + TestMachine.PML4, 0x10_0000 | 0x7);
    m.memory.putLong(0x10_0000, 0xA000 | 7);
    m.memory.putLong(0, 0xB000 | 7);
    m.memory.putInt(0xA000, 0xA);
    m.memory.putInt(0xB000, 0xB);
    assertThat(c.mmu.read32(0)).isEqualTo(0xA);
    gate(false);
    assertThat(c.mmu.read32(0)).isEqualTo(0xB);
  }

  @Test
  void code_is_fetched_through_the_gate() {
    m.protectedMode(0);
    // The port closes the gate: what follows is another instruction.
    m.ports.map(
        0x92,
        1,
        1,
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {
            c.setA20((value & 2) != 0);
          }
        });
    // out 0x92, al; inc eax or inc ecx; hlt
    m.code(0x10_7000, "E6 92 40 F4");
    m.code(0x7000, "E6 92 41 F4");
    c.rip = 0x10_7000;
    m.run();
    assertThat(c.r[Cpu.RAX]).isZero();
    assertThat(c.r[Cpu.RCX]).isEqualTo(1);
  }
}
