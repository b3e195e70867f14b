package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.PML4;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a change of CR3, INVLPG and INVPCID leave of cached translations (SDM volume 3, 4.10). A
 * stale translation is visible as the old value after the page tables have changed.
 */
class AddressSpacesTest {
  private static final long PAGE = 0x4000_0000L;
  private static final long TABLES = 0x5_0000;
  private static final long OLD = 0x20_0000;
  private static final long NEW = 0x40_0000;
  private static final long NO_FLUSH = 1L << 63;

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @BeforeEach
  void prepare() {
    m.longMode(0);
    c.cr4 |= Cpu.CR4_PCIDE | Cpu.CR4_PGE;
    m.memory.putLong(PML4 + 0x1000 + 8, TABLES | 7);
    c.mmu.flushAll();
    for (int i = 0; i < 16; i++) {
      m.memory.putInt(OLD + i * 0x1000, 100 + i);
      m.memory.putInt(NEW + i * 0x1000, 200 + i);
    }
  }

  @AfterEach
  void close() {
    m.close();
  }

  private void map(long gpa, int flags) {
    m.memory.putLong(TABLES, TABLES + 0x1000 | 7);
    for (int i = 0; i < 16; i++) {
      m.memory.putLong(TABLES + 0x1000 + 8 * i, gpa + i * 0x1000 | 0x67 | flags);
    }
  }

  private void space(int pcid, long flags) {
    ControlRegisters.writeCr3(c, PML4 | pcid | flags);
  }

  private int read() {
    return c.mmu.read32(PAGE);
  }

  private void readOldThenMapNew(int flags) {
    map(OLD, flags);
    assertThat(read()).isEqualTo(100);
    map(NEW, flags);
    assertThat(read()).as("still cached").isEqualTo(100);
  }

  @Test
  void a_load_of_cr3_drops_the_space_it_names_and_no_other() {
    space(1, 0);
    readOldThenMapNew(0);
    space(2, 0);
    assertThat(read()).as("PCID 2 has not seen the page").isEqualTo(200);
    space(1, NO_FLUSH);
    assertThat(read()).as("PCID 1 has").isEqualTo(100);
    space(1, 0);
    assertThat(read()).isEqualTo(200);
  }

  @Test
  void without_pcids_a_load_of_cr3_drops_all_but_global_pages() {
    c.cr4 &= ~Cpu.CR4_PCIDE;
    c.mmu.flushAll();
    readOldThenMapNew(0);
    ControlRegisters.writeCr3(c, PML4);
    assertThat(read()).isEqualTo(200);
    c.mmu.flushAll();
    readOldThenMapNew(1 << 8);
    ControlRegisters.writeCr3(c, PML4);
    assertThat(read()).as("global").isEqualTo(100);
  }

  @Test
  void more_spaces_than_are_kept_are_forgotten_not_mixed_up() {
    for (int pcid = 1; pcid <= 40; pcid++) {
      space(pcid, 0);
      map(OLD + pcid % 16 * 0x1000, 0);
      assertThat(read()).isEqualTo(pcid % 16 == 0 ? 100 : 100 + pcid % 16);
    }
    for (int pcid = 40; pcid >= 1; pcid--) {
      space(pcid, NO_FLUSH);
      map(NEW, 0);
      int value = read();
      assertThat(value).isIn(200, 100 + pcid % 16);
      map(OLD, 0);
    }
  }

  @Test
  void global_pages_stay_when_the_space_changes_until_invlpg_names_them() {
    space(1, 0);
    readOldThenMapNew(1 << 8);
    space(2, 0);
    assertThat(read()).isEqualTo(100);
    space(3, 0);
    ControlRegisters.invalidatePage(c, PAGE + 0x123);
    assertThat(read()).isEqualTo(200);
    space(1, NO_FLUSH);
    assertThat(read()).as("gone in all spaces").isEqualTo(200);
  }

  @Test
  void invlpg_leaves_the_other_spaces_alone() {
    space(1, 0);
    readOldThenMapNew(0);
    space(2, 0);
    ControlRegisters.invalidatePage(c, PAGE);
    space(1, NO_FLUSH);
    assertThat(read()).isEqualTo(100);
    ControlRegisters.invalidatePage(c, PAGE);
    assertThat(read()).isEqualTo(200);
  }

  @Test
  void invlpg_of_an_address_that_is_not_canonical_does_nothing() {
    readOldThenMapNew(0);
    ControlRegisters.invalidatePage(c, PAGE | 1L << 60);
    assertThat(read()).isEqualTo(100);
  }

  @Test
  void invlpg_anywhere_in_a_large_page_drops_all_of_it() {
    m.memory.putLong(TABLES, OLD | 0xE7);
    assertThat(read()).isEqualTo(100);
    assertThat(c.mmu.read32(PAGE + 0x1000)).isEqualTo(101);
    m.memory.putLong(TABLES, NEW | 0xE7);
    ControlRegisters.invalidatePage(c, PAGE + 0x1F_F000);
    assertThat(read()).isEqualTo(200);
    assertThat(c.mmu.read32(PAGE + 0x1000)).isEqualTo(201);
  }

  @Test
  void invpcid_of_an_address_hits_one_page_of_one_space() {
    space(1, 0);
    map(OLD, 0);
    read();
    c.mmu.read32(PAGE + 0x1000);
    map(NEW, 0);
    space(2, 0);
    ControlRegisters.invalidatePcid(c, 0, 1, PAGE);
    space(1, NO_FLUSH);
    assertThat(read()).isEqualTo(200);
    assertThat(c.mmu.read32(PAGE + 0x1000)).isEqualTo(101);
  }

  @Test
  void invpcid_of_a_space_leaves_others_and_of_all_leaves_global_pages_if_asked() {
    for (int type = 1; type <= 3; type++) {
      c.mmu.flushAll();
      space(1, 0);
      readOldThenMapNew(0);
      space(2, 0);
      readOldThenMapNew(0);
      ControlRegisters.invalidatePcid(c, type, 1, 0);
      assertThat(read()).as("PCID 2 after type " + type).isEqualTo(type == 1 ? 100 : 200);
      space(1, NO_FLUSH);
      assertThat(read()).as("PCID 1 after type " + type).isEqualTo(200);
    }
    for (int type = 2; type <= 3; type++) {
      c.mmu.flushAll();
      readOldThenMapNew(1 << 8);
      ControlRegisters.invalidatePcid(c, type, 0, 0);
      assertThat(read()).as("global after type " + type).isEqualTo(type == 3 ? 100 : 200);
    }
  }

  @Test
  void clearing_pcide_drops_all_spaces() {
    space(1, 0);
    readOldThenMapNew(0);
    space(2, 0);
    ControlRegisters.writeCr4(c, c.cr4 & ~Cpu.CR4_PCIDE);
    space(0, 0);
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_PCIDE);
    space(1, NO_FLUSH);
    assertThat(read()).isEqualTo(200);
  }

  @Test
  void a_page_that_came_to_hold_code_while_another_space_was_current_is_watched_in_all() {
    map(OLD, 0);
    space(1, 0);
    c.mmu.write32(PAGE, 5);
    space(2, 0);
    // The engine decodes what is there: inc eax; hlt, and again after it was overwritten.
    m.code(OLD, "FF C0 F4");
    m.memory.putLong(PML4 + 0x2000 + 8, OLD | 0x87);
    c.mmu.flushAll();
    space(1, 0);
    c.mmu.write8(PAGE + 0x800, 0);
    space(2, NO_FLUSH);
    c.rip = OLD;
    var vcpu = TestMachine.engine().create(c);
    vcpu.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    space(1, NO_FLUSH);
    c.mmu.write8(PAGE + 1, 0xC1);
    c.halted = false;
    c.rip = OLD;
    vcpu.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    assertThat(c.r[Cpu.RCX]).isEqualTo(1);
  }
}
