package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import lodge.core.BusDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PortTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;
  private final List<String> log = new ArrayList<>();
  private int next = 0x11;

  @AfterEach
  void close() {
    m.close();
  }

  @BeforeEach
  void device() {
    m.ports.map(
        0x300,
        8,
        4,
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            log.add("read " + offset + " " + size);
            return 0x4433_2200L + next++;
          }

          @Override
          public void write(long offset, int size, long value) {
            log.add("write " + offset + " " + size + " " + Long.toHexString(value));
          }
        });
  }

  @Test
  void in_and_out_move_bytes_words_and_doublewords() {
    m.longMode(0);
    c.r[Cpu.RDX] = 0x302;
    c.r[Cpu.RAX] = 0xAABB_CCDD_1122_3344L;
    m.run("EE 66 EF EF EC");
    assertThat(log)
        .containsExactly("write 2 1 44", "write 2 2 3344", "write 2 4 11223344", "read 2 1");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0xAABB_CCDD_1122_3311L);
    m.run("ED");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x4433_2212L);
  }

  @Test
  void ports_nobody_owns_read_as_ones() {
    m.longMode(0);
    m.run("E5 80");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0xFFFF_FFFFL);
  }

  @Test
  void user_code_needs_a_clear_bit_for_each_port_in_the_tss() {
    m.longMode(3);
    c.r[Cpu.RDX] = 0x300;
    m.gate64(0x80, CODE_64, HANDLER, INTERRUPT_GATE, 3, 0);
    m.code(HANDLER, "F4");
    m.run("EC CD 80");
    assertThat(log).hasSize(1);
    m.longMode(3);
    m.memory.putByte(TSS_BASE + 0x68 + 0x60, (byte) 2);
    assertThat(m.errorCode(Vector.GP, "66 ED")).isZero();
    assertThat(log).hasSize(1);
    m.longMode(3);
    m.run("EC CD 80");
    assertThat(log).hasSize(2);
  }

  @Test
  void a_bitmap_beyond_the_limit_denies() {
    m.longMode(3);
    m.memory.putShort(TSS_BASE + 0x66, (short) 0x2067);
    assertThat(m.errorCode(Vector.GP, "EC")).isZero();
    m.longMode(3);
    c.eflags |= Flags.IOPL;
    m.gate64(0x80, CODE_64, HANDLER, INTERRUPT_GATE, 3, 0);
    m.run("EC CD 80");
    assertThat(c.rip).as("IOPL 3 needs no bitmap").isEqualTo(HANDLER + 1);
  }

  @Test
  void rep_ins_stores_and_counts_down_and_rep_outs_sends() {
    m.longMode(0);
    c.r[Cpu.RDX] = 0x300;
    c.r[Cpu.RCX] = 3;
    c.r[Cpu.RDI] = 0x5_0000;
    m.run("F3 6C");
    assertThat(m.memory.getInt(0x5_0000)).isEqualTo(0x0013_1211);
    assertThat(c.r[Cpu.RCX]).isZero();
    assertThat(c.r[Cpu.RDI]).isEqualTo(0x5_0003);
    log.clear();
    c.r[Cpu.RCX] = 2;
    c.r[Cpu.RSI] = 0x5_0001;
    m.run("FD F3 6E");
    assertThat(log).containsExactly("write 0 1 12", "write 0 1 11");
    assertThat(c.r[Cpu.RSI]).isEqualTo(0x4_FFFF);
  }

  @Test
  void rep_ins_that_faults_in_the_middle_shows_its_progress_and_reads_no_more_than_it_stores() {
    m.longMode(0);
    c.r[Cpu.RDX] = 0x300;
    c.r[Cpu.RCX] = 5;
    c.r[Cpu.RDI] = 0xFF_FFFE;
    long[] frame = m.fault(Vector.PF, "F3 6C");
    assertThat(frame[0]).as("a write that finds nothing").isEqualTo(2);
    assertThat(frame[1]).isEqualTo(CODE);
    assertThat(c.cr2).isEqualTo(0x100_0000);
    assertThat(c.r[Cpu.RCX]).isEqualTo(3);
    assertThat(c.r[Cpu.RDI]).isEqualTo(0x100_0000);
    assertThat(log).hasSize(2);
  }
}
