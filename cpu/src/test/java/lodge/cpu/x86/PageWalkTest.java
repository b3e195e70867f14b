package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PageWalkTest {
  private static final int P = 1;
  private static final int W = 2;
  private static final int U = 4;
  private static final int A = 1 << 5;
  private static final int D = 1 << 6;
  private static final int PS = 1 << 7;
  private static final int G = 1 << 8;
  private static final long NX = 1L << 63;
  private static final long GVA = 0x60_1234;
  private static final long PAGE = 0x30_0000;
  private static final long ROOT = 0x10_0000;

  /** A paging mode by its levels; tables lie one page apart from {@link #ROOT} on. */
  enum Mode {
    BITS_32(2, 4, 10),
    PAE(3, 8, 9),
    LEVEL_4(4, 8, 9),
    LEVEL_5(5, 8, 9);

    final int levels;
    final int entry;
    final int bits;

    Mode(int levels, int entry, int bits) {
      this.levels = levels;
      this.entry = entry;
      this.bits = bits;
    }

    boolean wide() {
      return entry == 8;
    }
  }

  private final TestMachine m = new TestMachine(model());
  private final Cpu c = m.c;
  private Mode mode;

  private static CpuModel model() {
    var features = EnumSet.copyOf(new CpuModel().features());
    features.add(Feature.LA57);
    features.add(Feature.PKU);
    return new CpuModel("test", features, 1);
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** Where the entry of a level lies, 0 is the last one. */
  private long entry(int level) {
    long table = ROOT + (long) (mode.levels - 1 - level) * 0x1000;
    long index = GVA >>> 12 + level * mode.bits & (1 << mode.bits) - 1;
    return table + index * mode.entry;
  }

  private void put(int level, long value) {
    if (mode.wide()) {
      m.memory.putLong(entry(level), value);
    } else {
      m.memory.putInt(entry(level), (int) value);
    }
  }

  private long get(int level) {
    return mode.wide()
        ? m.memory.getLong(entry(level))
        : m.memory.getInt(entry(level)) & 0xFFFF_FFFFL;
  }

  /** Maps {@link #GVA} to {@link #PAGE} with all rights in the upper levels. */
  private void map(Mode paging, long flags) {
    mode = paging;
    c.cr0 = 0x8001_0031L;
    c.cr4 = paging.wide() ? Cpu.CR4_PAE | Cpu.CR4_PGE : Cpu.CR4_PSE | Cpu.CR4_PGE;
    c.efer = paging.wide() ? Cpu.EFER_NXE : 0;
    if (paging.levels >= 4) {
      c.efer |= Cpu.EFER_LME | Cpu.EFER_LMA;
    }
    if (paging.levels == 5) {
      c.cr4 |= Cpu.CR4_LA57;
    }
    c.segAccess[Cpu.CS] = 0xA09B;
    put(0, PAGE | flags);
    for (int level = 1; level < paging.levels; level++) {
      boolean pdpte = paging == Mode.PAE && level == 2;
      put(level, ROOT + (long) (paging.levels - level) * 0x1000 | (pdpte ? P : P | W | U));
    }
    c.cr3 = ROOT;
    ControlRegisters.writeCr3(c, ROOT);
    privilege(0);
    c.mmu.flushAll();
  }

  private void privilege(int cpl) {
    c.cpl = cpl;
    c.modeChanged();
  }

  private void pageFault(int errorCode, ThrowingCallable access) {
    c.cr2 = 0;
    assertThatThrownBy(access)
        .isInstanceOfSatisfying(
            CpuException.class,
            e -> {
              assertThat(e.vector).isEqualTo(Vector.PF);
              assertThat(e.errorCode).isEqualTo(errorCode);
            });
    assertThat(c.cr2).isEqualTo(GVA);
  }

  private void read() {
    c.mmu.read32(GVA);
  }

  private void write() {
    c.mmu.write32(GVA, 0x1234);
  }

  private void fetch() {
    c.mmu.translateFetch(GVA);
  }

  @ParameterizedTest
  @EnumSource
  void accesses_set_accessed_and_dirty_bits_and_reach_the_page(Mode paging) {
    map(paging, P | W | U);
    m.memory.putInt(PAGE + 0x234, 0x5566_7788);
    assertThat(c.mmu.read32(GVA)).isEqualTo(0x5566_7788);
    for (int level = 1; level < paging.levels; level++) {
      boolean pdpte = paging == Mode.PAE && level == 2;
      assertThat(get(level) & A).as("level %d", level).isEqualTo(pdpte ? 0 : A);
      assertThat(get(level) & D).isZero();
    }
    assertThat(get(0) & (A | D)).isEqualTo(A);
    write();
    assertThat(get(0) & (A | D)).as("although the translation was cached").isEqualTo(A | D);
    assertThat(m.memory.getInt(PAGE + 0x234)).isEqualTo(0x1234);
  }

  @ParameterizedTest
  @EnumSource
  void absence_at_any_level_is_a_fault_that_tells_the_kind_of_access(Mode paging) {
    for (int level = 0; level < paging.levels; level++) {
      map(paging, P | W | U);
      put(level, get(level) & ~P);
      if (paging == Mode.PAE && level == 2) {
        ControlRegisters.writeCr3(c, ROOT);
      }
      pageFault(0, this::read);
      pageFault(2, this::write);
      pageFault(paging.wide() ? 0x10 : 0, this::fetch);
      privilege(3);
      pageFault(4, this::read);
      pageFault(6, this::write);
      pageFault(paging.wide() ? 0x14 : 4, this::fetch);
    }
  }

  @ParameterizedTest
  @EnumSource
  void user_and_write_rights_are_those_of_all_levels_together(Mode paging) {
    for (int level = 0; level < paging.levels; level++) {
      if (paging == Mode.PAE && level == 2) {
        continue;
      }
      map(paging, P | W | U);
      put(level, get(level) & ~U);
      read();
      privilege(3);
      pageFault(5, this::read);
      pageFault(7, this::write);
      pageFault(paging.wide() ? 0x15 : 5, this::fetch);
      map(paging, P | W | U);
      put(level, get(level) & ~W);
      pageFault(3, this::write);
      privilege(3);
      read();
      pageFault(7, this::write);
      privilege(0);
      c.cr0 &= ~Cpu.CR0_WP;
      c.mmu.flushAll();
      write();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PAE", "LEVEL_4", "LEVEL_5"})
  void no_execute_stops_fetches_where_it_is_enabled_and_is_reserved_where_not(Mode paging) {
    map(paging, P | W | U | NX);
    read();
    pageFault(0x11, this::fetch);
    privilege(3);
    pageFault(0x15, this::fetch);
    c.efer &= ~Cpu.EFER_NXE;
    c.mmu.flushAll();
    pageFault(0xD, this::read);
  }

  @ParameterizedTest
  @EnumSource(names = {"PAE", "LEVEL_4", "LEVEL_5"})
  void address_bits_beyond_the_physical_width_are_reserved(Mode paging) {
    map(paging, P | W | U);
    put(0, get(0) | 1L << 46);
    pageFault(9, this::read);
    pageFault(0xB, this::write);
    map(paging, P | W | U);
    put(1, get(1) | 1L << 51);
    pageFault(9, this::read);
  }

  @Test
  void bits_62_to_52_are_reserved_in_pae_mode_alone() {
    map(Mode.PAE, P | W | U | 1L << 52);
    pageFault(9, this::read);
    map(Mode.LEVEL_4, P | W | U | 1L << 52);
    read();
  }

  @Test
  void the_top_levels_have_no_large_pages() {
    map(Mode.LEVEL_4, P | W | U);
    put(3, get(3) | PS);
    pageFault(9, this::read);
    map(Mode.LEVEL_5, P | W | U);
    put(4, get(4) | PS);
    pageFault(9, this::read);
  }

  @ParameterizedTest
  @EnumSource(names = {"PAE", "LEVEL_4", "LEVEL_5"})
  void a_2_mib_page_ends_the_walk_early(Mode paging) {
    map(paging, 0);
    put(1, 0x20_0000 | P | W | U | PS);
    write();
    assertThat(m.memory.getInt(0x20_1234)).isEqualTo(0x1234);
    assertThat(get(1) & (A | D)).isEqualTo(A | D);
    put(1, 0x20_2000 | P | W | U | PS);
    c.mmu.flushAll();
    pageFault(9, this::read);
  }

  @Test
  void a_1_gib_page_ends_the_walk_at_the_third_level() {
    map(Mode.LEVEL_4, 0);
    put(2, P | W | U | PS);
    write();
    assertThat(m.memory.getInt(GVA)).isEqualTo(0x1234);
    put(2, P | W | U | PS | 1 << 21);
    c.mmu.flushAll();
    pageFault(9, this::read);
  }

  @Test
  void a_4_mib_page_needs_pse_and_has_40_bits_of_address() {
    map(Mode.BITS_32, 0);
    put(1, 0x40_0000 | P | W | U | PS);
    write();
    assertThat(m.memory.getInt(0x60_1234)).isEqualTo(0x1234);
    put(1, 0x40_0000 | 1 << 13 | P | W | U | PS);
    c.mmu.flushAll();
    assertThat(c.mmu.read32(GVA)).as("beyond 4 GiB there is nothing").isEqualTo(-1);
    put(1, 0x40_0000 | 1 << 21 | P | W | U | PS);
    c.mmu.flushAll();
    pageFault(9, this::read);
    c.cr4 &= ~Cpu.CR4_PSE;
    put(1, ROOT + 0x1000 | P | W | U | PS);
    put(0, PAGE | P);
    c.mmu.flushAll();
    read();
  }

  @Test
  void smep_keeps_the_supervisor_from_executing_user_pages() {
    map(Mode.LEVEL_4, P | W | U);
    fetch();
    c.cr4 |= Cpu.CR4_SMEP;
    pageFault(0x11, this::fetch);
    privilege(3);
    fetch();
  }

  @Test
  void smap_keeps_the_supervisor_from_user_data_unless_ac_is_set() {
    map(Mode.LEVEL_4, P | W | U);
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_SMAP);
    pageFault(1, this::read);
    pageFault(3, this::write);
    c.eflags |= Flags.AC;
    c.modeChanged();
    read();
    write();
    pageFault(1, () -> c.mmu.readSystem(GVA, 4));
    c.eflags &= ~Flags.AC;
    privilege(3);
    read();
  }

  @Test
  void protection_keys_deny_access_or_writes_to_user_pages() {
    map(Mode.LEVEL_4, P | W | U | 5L << 59);
    c.cr4 |= Cpu.CR4_PKE;
    c.pkru = 2 << 10;
    privilege(3);
    read();
    pageFault(0x27, this::write);
    privilege(0);
    pageFault(0x23, this::write);
    c.pkru = 1 << 10;
    c.mmu.flushAll();
    pageFault(0x21, this::read);
    put(0, PAGE | P | W | 5L << 59);
    c.mmu.flushAll();
    read();
  }

  @Test
  void an_address_that_is_not_canonical_is_a_general_protection_fault() {
    map(Mode.LEVEL_4, P | W | U);
    for (long gva : new long[] {0x8000_0000_0000L, -0x8000_0000_0001L, Long.MIN_VALUE}) {
      assertThatThrownBy(() -> c.mmu.read8(gva))
          .isInstanceOfSatisfying(
              CpuException.class, e -> assertThat(e.vector).isEqualTo(Vector.GP));
    }
    map(Mode.LEVEL_5, P | W | U);
    assertThatThrownBy(() -> c.mmu.read8(0x100_0000_0000_0000L))
        .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isEqualTo(Vector.GP));
    assertThatThrownBy(() -> c.mmu.read8(0x8000_0000_0000L))
        .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isEqualTo(Vector.PF));
  }

  @Test
  void loading_cr3_drops_all_but_global_translations() {
    map(Mode.LEVEL_4, P | W | U | G);
    read();
    put(0, 0);
    ControlRegisters.writeCr3(c, ROOT);
    read();
    ControlRegisters.invalidatePage(c, GVA);
    pageFault(0, this::read);
    map(Mode.LEVEL_4, P | W | U);
    read();
    put(0, 0);
    ControlRegisters.writeCr3(c, ROOT);
    pageFault(0, this::read);
  }

  @Test
  void a_write_to_two_pages_faults_before_it_changes_the_first() {
    map(Mode.LEVEL_4, P | W | U);
    long across = (GVA | 0xFFF) - 1;
    m.memory.putShort(PAGE + 0xFFE, (short) 0x1111);
    assertThatThrownBy(() -> c.mmu.write32(across, -1)).isInstanceOf(CpuException.class);
    assertThat(c.cr2).isEqualTo(across + 2);
    assertThat(m.memory.getShort(PAGE + 0xFFE)).isEqualTo((short) 0x1111);
  }
}
