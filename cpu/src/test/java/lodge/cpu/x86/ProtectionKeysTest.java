package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Protection keys for user pages (SDM volume 3, 4.6.2 and 4.7) and PKRU in the XSAVE area. */
class ProtectionKeysTest {
  private static final long PAGE = 0x20_0000;
  private static final int KEY = 3;
  private static final int ACCESS_DISABLED = 1 << 2 * KEY;
  private static final int WRITE_DISABLED = 2 << 2 * KEY;

  private static final int PRESENT = 1;
  private static final int WRITE = 2;
  private static final int USER = 4;
  private static final int PROTECTION_KEY = 0x20;

  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  /** The second 2 MiB are a page of the key. */
  private void keys(int cpl, int pkru, int flags) {
    m.longMode(cpl);
    m.memory.putLong(PML4 + 0x2000 + 8, PAGE | 0x80 | flags | (long) KEY << 59);
    c.cr4 |= Cpu.CR4_PKE;
    c.pkru = pkru;
    c.mmu.flushAll();
  }

  private void faults(int error, ThrowingCallable access) {
    assertThatThrownBy(access)
        .isInstanceOfSatisfying(
            CpuException.class,
            e -> {
              assertThat(e.vector).isEqualTo(Vector.PF);
              assertThat(e.errorCode).isEqualTo(error);
            });
  }

  @Test
  void a_key_that_disables_access_forbids_reads_and_writes_but_no_fetches() {
    keys(3, ACCESS_DISABLED, 7);
    faults(PRESENT | USER | PROTECTION_KEY, () -> c.mmu.read8(PAGE));
    faults(PRESENT | USER | WRITE | PROTECTION_KEY, () -> c.mmu.write8(PAGE, 0));
    assertThat(c.mmu.translateFetch(PAGE)).isEqualTo(PAGE);
  }

  @Test
  void a_key_that_disables_writes_allows_reads() {
    keys(3, WRITE_DISABLED, 7);
    c.mmu.read8(PAGE);
    faults(PRESENT | USER | WRITE | PROTECTION_KEY, () -> c.mmu.write8(PAGE, 0));
  }

  @Test
  void the_supervisor_is_bound_too_but_writes_without_wp() {
    keys(0, ACCESS_DISABLED, 7);
    faults(PRESENT | PROTECTION_KEY, () -> c.mmu.read8(PAGE));
    keys(0, WRITE_DISABLED, 7);
    c.mmu.write8(PAGE, 0);
    c.cr0 |= Cpu.CR0_WP;
    c.mmu.flushAll();
    faults(PRESENT | WRITE | PROTECTION_KEY, () -> c.mmu.write8(PAGE, 0));
  }

  @Test
  void supervisor_pages_have_no_key() {
    keys(0, -1, 3);
    c.mmu.write8(PAGE, 0);
    keys(3, -1, 3);
    faults(PRESENT | USER, () -> c.mmu.read8(PAGE));
  }

  @Test
  void the_error_code_tells_about_the_key_even_if_the_page_is_read_only() {
    keys(3, WRITE_DISABLED, 5);
    faults(PRESENT | USER | WRITE | PROTECTION_KEY, () -> c.mmu.write8(PAGE, 0));
    keys(3, 0, 5);
    faults(PRESENT | USER | WRITE, () -> c.mmu.write8(PAGE, 0));
  }

  @Test
  void wrpkru_takes_effect_at_once_and_rdpkru_reads_it_back() {
    keys(3, 0, 7);
    c.mmu.write8(PAGE, 0);
    c.r[Cpu.RAX] = 0xFFFF_FFFF_0000_0000L | ACCESS_DISABLED;
    c.r[Cpu.RDX] = 0;
    m.gate64(0x40, CODE_64, HANDLER, INTERRUPT_GATE, 3, 0);
    m.code(HANDLER, "F4");
    // wrpkru; xor eax, eax; rdpkru; int 0x40
    m.run("0F 01 EF 31 C0 0F 01 EE CD 40");
    assertThat(c.r[Cpu.RAX]).isEqualTo(ACCESS_DISABLED);
    assertThat(c.r[Cpu.RDX]).isZero();
    faults(PRESENT | PROTECTION_KEY, () -> c.mmu.read8(PAGE));
  }

  @Test
  void rdpkru_and_wrpkru_check_their_registers_and_cr4() {
    m.longMode(3);
    assertThat(m.fault(Vector.UD, "0F 01 EE")[0]).isEqualTo(CODE);
    keys(3, 0, 7);
    c.r[Cpu.RCX] = 1;
    assertThat(m.errorCode(Vector.GP, "0F 01 EE")).isZero();
    keys(3, 0, 7);
    c.r[Cpu.RCX] = 1L << 32;
    c.r[Cpu.RDX] = 1;
    assertThat(m.errorCode(Vector.GP, "0F 01 EF")).isZero();
  }

  @Test
  void cpuid_shows_cr4_pke() {
    int[] out = new int[4];
    Cpuid.read(c, 7, 0, out);
    assertThat(out[2] & 0x18).isEqualTo(0x08);
    c.cr4 |= Cpu.CR4_PKE;
    Cpuid.read(c, 7, 0, out);
    assertThat(out[2] & 0x18).isEqualTo(0x18);
    Cpuid.read(c, 0xD, 9, out);
    assertThat(out).containsExactly(8, 2688, 0, 0);
  }

  // ---------------------------------------------------------------- XSAVE

  private static final long AREA = 0x6000;

  private void enableXsave() {
    m.longMode(0);
    c.cr4 |= Cpu.CR4_OSXSAVE | Cpu.CR4_PKE;
    c.xcr0 = 0x203;
    m.memory.fill(AREA, 4096, (byte) 0);
    c.r[Cpu.RAX] = 0x200;
    c.r[Cpu.RDX] = 0;
    c.r[Cpu.RBX] = AREA;
  }

  @Test
  void xsave_puts_pkru_at_its_standard_place_and_xrstor_takes_it_from_there() {
    enableXsave();
    c.pkru = 0x5555_0004;
    // xsave [rbx]
    m.run("0F AE 23");
    assertThat(m.memory.getLong(AREA + 512)).isEqualTo(0x200);
    assertThat(m.memory.getInt(AREA + 2688)).isEqualTo(0x5555_0004);
    c.pkru = 0;
    c.rip = CODE;
    // xrstor [rbx]
    m.run("0F AE 2B");
    assertThat(c.pkru).isEqualTo(0x5555_0004);
    m.memory.putLong(AREA + 512, 0);
    c.rip = CODE;
    m.run();
    assertThat(c.pkru).as("initial when the header does not have it").isZero();
  }

  @Test
  void xsavec_puts_pkru_right_behind_what_comes_before_it() {
    enableXsave();
    c.pkru = 0x70;
    // xsavec [rbx]
    m.run("0F C7 23");
    assertThat(m.memory.getLong(AREA + 520)).isEqualTo(1L << 63 | 0x200);
    assertThat(m.memory.getInt(AREA + 576)).isEqualTo(0x70);
    c.pkru = 0;
    c.rip = CODE;
    m.run("0F AE 2B");
    assertThat(c.pkru).isEqualTo(0x70);
  }

  @Test
  void xsaveopt_and_xgetbv_know_whether_pkru_is_in_use() {
    enableXsave();
    c.r[Cpu.RCX] = 1;
    // xgetbv
    m.run("0F 01 D0");
    assertThat(c.r[Cpu.RAX] & 0x200).isZero();
    c.pkru = 1;
    c.r[Cpu.RCX] = 1;
    c.rip = CODE;
    m.run();
    assertThat(c.r[Cpu.RAX] & 0x200).isNotZero();
  }

  @Test
  void what_xrstor_loads_counts_for_the_next_access() {
    keys(0, 0, 7);
    c.cr4 |= Cpu.CR4_OSXSAVE;
    c.xcr0 = 0x203;
    m.memory.fill(AREA, 4096, (byte) 0);
    m.memory.putLong(AREA + 512, 0x200);
    m.memory.putInt(AREA + 2688, ACCESS_DISABLED);
    c.mmu.read8(PAGE);
    c.r[Cpu.RAX] = 0x200;
    c.r[Cpu.RBX] = AREA;
    m.run("0F AE 2B");
    faults(PRESENT | PROTECTION_KEY, () -> c.mmu.read8(PAGE));
  }
}
