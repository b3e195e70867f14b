package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import lodge.core.Counters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MsrsTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void refused(int msr, long value) {
    assertThatThrownBy(() -> c.msrs.write(msr, value))
        .as("%x = %x", msr, value)
        .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isEqualTo(Vector.GP));
  }

  @Test
  void every_register_of_the_table_has_its_reset_value_and_refuses_reserved_bits() {
    var numbers = new HashSet<Integer>();
    for (Msr row : MsrTable.rows(c.model)) {
      assertThat(numbers.add(row.number())).as(row.name()).isTrue();
      assertThat(row.name()).isNotBlank();
      switch (row.rule()) {
        case PLAIN, READ_ONLY, PAT, MTRR_TYPE, MTRR_TYPES, ONLY_ZERO -> {
          assertThat(c.msrs.read(row.number())).as(row.name()).isEqualTo(row.reset());
          for (int bit = 0; bit < 64; bit++) {
            if ((row.writable() | row.ignored()) >>> bit % 64 << 63 == 0) {
              refused(row.number(), row.reset() ^ 1L << bit);
            }
          }
          assertThat(c.msrs.read(row.number())).isEqualTo(row.reset());
        }
        default -> {}
      }
    }
  }

  @Test
  void only_who_has_the_register_of_ibrs_is_told_to_set_it_once() {
    assertThat(archCapabilities("max") >> 1 & 1).isOne();
    assertThat(archCapabilities("max,-bhi-ctrl,-spec-ctrl") >> 1 & 1).isZero();
  }

  private static long archCapabilities(String model) {
    return MsrTable.rows(CpuModels.parse(model)).stream()
        .filter(row -> row.number() == 0x10A)
        .findFirst()
        .orElseThrow()
        .reset();
  }

  @ParameterizedTest
  @ValueSource(
      ints = {0xC000_0100, 0xC000_0101, 0xC000_0102, 0xC000_0082, 0xC000_0083, 0x175, 0x176})
  void base_and_entry_registers_take_canonical_addresses_alone(int msr) {
    c.msrs.write(msr, 0x7FFF_FFFF_FFFFL);
    assertThat(c.msrs.read(msr)).isEqualTo(0x7FFF_FFFF_FFFFL);
    c.msrs.write(msr, 0xFFFF_8000_0000_0000L);
    refused(msr, 1L << 56);
    refused(msr, Long.MIN_VALUE);
    assertThat(c.msrs.read(msr)).isEqualTo(0xFFFF_8000_0000_0000L);
  }

  @Test
  void efer_refuses_unknown_bits_and_lme_under_paging_and_ignores_lma() {
    refused(0xC000_0080, 1 << 1);
    refused(0xC000_0080, 1 << 12);
    refused(0xC000_0080, 1L << 32);
    c.msrs.write(0xC000_0080, 0xD01);
    assertThat(c.msrs.read(0xC000_0080)).isEqualTo(0x901);
    m.longMode(0);
    refused(0xC000_0080, 0xC01 & ~0x100);
    assertThat(c.efer).isEqualTo(0xD01);
  }

  @Test
  void pat_and_mtrrs_take_valid_memory_types_alone() {
    c.msrs.write(0x277, 0x0107_0506_0007_0406L);
    refused(0x277, 2);
    refused(0x277, 3L << 56);
    refused(0x277, 8);
    c.msrs.write(0x250, 0x0606_0606_0504_0100L);
    refused(0x250, 7);
    c.msrs.write(0x200, 0xC000_0006L);
    refused(0x200, 2);
    refused(0x200, 0x106);
    c.msrs.write(0x201, 0x3FFF_C000_0800L);
    refused(0x201, 1L << 46);
    c.msrs.write(0x2FF, 0xC06);
    refused(0x2FF, 0x1000);
  }

  @Test
  void writing_the_time_stamp_counter_moves_tsc_adjust_too() {
    m.clock.now = 1000;
    assertThat(c.tsc()).isEqualTo(1000);
    c.msrs.write(0x10, 5000);
    m.clock.now = 1010;
    assertThat(c.msrs.read(0x10)).isEqualTo(5010);
    assertThat(c.msrs.read(0x3B)).isEqualTo(4000);
    c.msrs.write(0x3B, -1000);
    assertThat(c.tsc()).isEqualTo(10);
  }

  @Test
  void the_time_stamp_counter_goes_on_at_another_pace_from_where_it_is() {
    m.clock.now = 1000;
    c.msrs.setTscPace(2_600_000);
    assertThat(c.tsc()).isEqualTo(1000);
    m.clock.now += 10_000_000_000_000L;
    assertThat(c.tsc()).isEqualTo(26_000_000_001_000L);
  }

  @Test
  void counters_that_were_started_at_one_moment_agree_whatever_their_pace_is() {
    m.clock.now = 1000;
    c.msrs.setTscPace(2_600_000);
    c.msrs.startTsc(1000);
    m.clock.now = 3000;
    assertThat(c.tsc()).isEqualTo(5200);
    c.msrs.restoreTsc(70, 0, 3000, 3000);
    m.clock.now = 4000;
    assertThat(c.tsc()).isEqualTo(2670);
  }

  @Test
  void a_counter_that_can_have_been_what_it_was_does_not_move() {
    m.clock.now = 1000;
    c.msrs.startTsc(0);
    // Read at some time from 400 to 900, when it went from 400 to 900.
    c.msrs.restoreTsc(500, 0, 400, 900);
    assertThat(c.tsc()).isEqualTo(1000);
    c.msrs.restoreTsc(950, 0, 400, 900);
    assertThat(c.tsc()).as("50 ahead at least").isEqualTo(1050);
    c.msrs.restoreTsc(300, 0, 400, 900);
    assertThat(c.tsc()).as("100 behind at least").isEqualTo(900);
    for (long value : new long[] {Long.MIN_VALUE + 600, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
      c.msrs.restoreTsc(value, 0, 400, 900);
      assertThat(c.tsc() - value).isBetween(100L, 600L);
    }
  }

  @Test
  void commands_cannot_be_read_and_read_only_registers_not_written() {
    c.msrs.write(0x49, 1);
    refused(0x49, 2);
    assertThatThrownBy(() -> c.msrs.read(0x49)).isInstanceOf(CpuException.class);
    refused(0x10A, 0);
    refused(0x17, 0);
    refused(0x401, 1);
    c.msrs.write(0x401, 0);
  }

  @Test
  void machine_check_enables_are_all_or_nothing_and_status_is_only_cleared() {
    for (int bank = 0; bank < 10; bank++) {
      int first = 0x400 + 4 * bank;
      c.msrs.write(first, -1);
      assertThat(c.msrs.read(first)).isEqualTo(-1);
      refused(first, 0xAAAA_AAAA_AAAA_AAAAL);
      c.msrs.write(first, 0);
      c.msrs.write(first + 1, 0);
      refused(first + 1, 1);
      c.msrs.write(first + 2, 0xAAAA_AAAA_AAAA_AAAAL);
      assertThat(c.msrs.read(first + 2)).isEqualTo(0xAAAA_AAAA_AAAA_AAAAL);
    }
    refused(0x428, 0);
  }

  @Test
  void misc_enable_limits_cpuid_and_hides_nx() {
    long value = 0x4_00C5_0809L | c.msrs.read(0x1A0) & 0x1880;
    c.msrs.write(0x1A0, value);
    assertThat(c.msrs.read(0x1A0)).isEqualTo(value);
    int[] out = new int[4];
    Cpuid.read(c, 0, 0, out);
    assertThat(out[0]).isEqualTo(2);
    Cpuid.read(c, 0x8000_0001, 0, out);
    assertThat(out[3] >> 20 & 1).isZero();
    refused(0xC000_0080, 0x800);
    c.msrs.write(0x1A0, value & ~(1L << 34 | 1 << 22));
    c.msrs.write(0xC000_0080, 0x800);
    refused(0x1A0, 1 << 1);
    refused(0x1A0, 1L << 35);
  }

  @Test
  void debugctl_has_lbr_and_btf() {
    c.msrs.write(0x1D9, 3);
    assertThat(c.msrs.read(0x1D9)).isEqualTo(3);
    refused(0x1D9, 4);
  }

  @Test
  void the_microcode_revision_survives_the_write_that_asks_for_it() {
    long revision = c.msrs.read(0x8B);
    c.msrs.write(0x8B, 0);
    assertThat(c.msrs.read(0x8B)).isEqualTo(revision);
    assertThat(revision >>> 32).isNotZero();
  }

  @Test
  void unknown_registers_fault_and_are_counted_by_number_without_bound_on_their_kinds() {
    for (int i = 0; i < 100; i++) {
      int msr = 0x1234_0000 + i;
      assertThatThrownBy(() -> c.msrs.read(msr)).isInstanceOf(CpuException.class);
    }
    refused(0x1234_0000, 0);
    var counters = new Counters();
    c.msrs.count(counters);
    assertThat(counters.totals()).containsEntry("unknown_msr_0x12340000", 2L);
    assertThat(counters.totals()).containsEntry("unknown_msr_others", 68L);
    assertThat(counters.totals()).hasSize(33);
  }

  @Test
  void rdmsr_and_wrmsr_split_the_value_and_need_level_0() {
    m.longMode(0);
    c.r[Cpu.RCX] = 0xFFFF_FFFF_C000_0102L;
    c.r[Cpu.RAX] = 0xDEAD_0000_9ABC_DEF0L;
    c.r[Cpu.RDX] = 0xDEAD_0000_0000_5678L;
    // wrmsr; xor eax, eax; xor edx, edx; rdmsr
    m.run("0F 30 31 C0 31 D2 0F 32");
    assertThat(c.msrs.kernelGsBase).isEqualTo(0x5678_9ABC_DEF0L);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x9ABC_DEF0L);
    assertThat(c.r[Cpu.RDX]).isEqualTo(0x5678);
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 32")).isZero();
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 30")).isZero();
  }

  @Test
  void reset_restores_everything() {
    c.msrs.write(0x277, 0);
    c.msrs.write(0xC000_0082, 0x1000);
    c.msrs.write(0x3B, 77);
    c.reset();
    assertThat(c.msrs.read(0x277)).isEqualTo(0x0007_0406_0007_0406L);
    assertThat(c.msrs.read(0xC000_0082)).isZero();
    assertThat(c.msrs.read(0x3B)).isZero();
  }
}
