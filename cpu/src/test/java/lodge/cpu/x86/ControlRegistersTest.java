package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ControlRegistersTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private void refused(ThrowingCallable action) {
    long cr0 = c.cr0;
    long cr3 = c.cr3;
    long cr4 = c.cr4;
    long efer = c.efer;
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            CpuException.class,
            e -> {
              assertThat(e.vector).isEqualTo(Vector.GP);
              assertThat(e.errorCode).isZero();
            });
    assertThat(c.cr0).isEqualTo(cr0);
    assertThat(c.cr3).isEqualTo(cr3);
    assertThat(c.cr4).isEqualTo(cr4);
    assertThat(c.efer).isEqualTo(efer);
  }

  @Test
  void cr0_refuses_paging_without_protection_and_not_write_through_alone() {
    refused(() -> ControlRegisters.writeCr0(c, 0x8000_0010L));
    refused(() -> ControlRegisters.writeCr0(c, 0x2000_0010L));
    refused(() -> ControlRegisters.writeCr0(c, 0x1_0000_0010L));
    ControlRegisters.writeCr0(c, 0x6005_FFCFL);
    assertThat(c.cr0).as("undefined bits stay 0, ET stays 1").isEqualTo(0x6005_001FL);
  }

  @Test
  void long_mode_needs_pae_and_a_code_segment_without_l() {
    m.protectedMode(0);
    c.efer = Cpu.EFER_LME;
    refused(() -> ControlRegisters.writeCr0(c, 0x8000_0031L));
    c.cr4 = Cpu.CR4_PAE;
    c.segAccess[Cpu.CS] |= Descriptor.LONG;
    refused(() -> ControlRegisters.writeCr0(c, 0x8000_0031L));
    c.segAccess[Cpu.CS] &= ~Descriptor.LONG;
    c.segAccess[Cpu.TR] = 0x8B & ~8;
    refused(() -> ControlRegisters.writeCr0(c, 0x8000_0031L));
    c.segAccess[Cpu.TR] = 0x8B;
    ControlRegisters.writeCr0(c, 0x8000_0031L);
    assertThat(c.longModeActive()).isTrue();
    assertThat(c.codeSize).as("compatibility mode first").isEqualTo(4);
  }

  @Test
  void paging_cannot_be_turned_off_in_64_bit_code_or_with_pcids() {
    m.longMode(0);
    refused(() -> ControlRegisters.writeCr0(c, 0x31));
    m.longMode(0);
    c.cr4 |= Cpu.CR4_PCIDE;
    c.segAccess[Cpu.CS] = 0xC09B;
    c.modeChanged();
    refused(() -> ControlRegisters.writeCr0(c, 0x31));
    c.cr4 &= ~Cpu.CR4_PCIDE;
    ControlRegisters.writeCr0(c, 0x31);
    assertThat(c.longModeActive()).isFalse();
  }

  @Test
  void lmsw_cannot_clear_protection() {
    m.protectedMode(0);
    // mov eax, 0xE; lmsw ax
    m.run("B8 0E 00 00 00 0F 01 F0");
    assertThat(c.cr0 & 0xF).isEqualTo(0xF);
    m.run("31 C0 0F 01 F0");
    assertThat(c.cr0 & 0xF).isEqualTo(1);
  }

  @Test
  void cr3_refuses_address_bits_beyond_the_physical_width_in_long_mode() {
    m.longMode(0);
    refused(() -> ControlRegisters.writeCr3(c, 1L << 46));
    refused(() -> ControlRegisters.writeCr3(c, 1L << 63 | PML4));
    c.cr4 |= Cpu.CR4_PCIDE;
    ControlRegisters.writeCr3(c, 1L << 63 | PML4 | 5);
    assertThat(c.cr3).isEqualTo(PML4 | 5);
  }

  @Test
  void cr4_refuses_unknown_bits_and_those_of_features_that_are_not_there() {
    m.longMode(0);
    for (int bit : new int[] {13, 14, 15, 19, 23, 24, 25, 28, 31, 32, 63}) {
      refused(() -> ControlRegisters.writeCr4(c, c.cr4 | 1L << bit));
    }
  }

  @Test
  void cr4_keeps_pae_and_the_number_of_levels_in_long_mode() {
    m.longMode(0);
    refused(() -> ControlRegisters.writeCr4(c, c.cr4 & ~Cpu.CR4_PAE));
    refused(() -> ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_LA57));
  }

  @Test
  void pcids_can_only_be_enabled_in_long_mode_with_pcid_0() {
    m.protectedMode(0);
    refused(() -> ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_PCIDE));
    m.longMode(0);
    c.cr3 = PML4 | 1;
    refused(() -> ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_PCIDE));
    c.cr3 = PML4;
    ControlRegisters.writeCr4(c, c.cr4 | Cpu.CR4_PCIDE);
    assertThat(c.cr4 & Cpu.CR4_PCIDE).isNotZero();
  }

  @Test
  void pae_paging_loads_four_pointers_and_refuses_reserved_bits_in_present_ones() {
    m.protectedMode(0);
    long table = 0x5_0020;
    m.memory.putLong(table, 0x10_0001);
    m.memory.putLong(table + 8, 0x7FFF_FFFF_FFFF_FFFEL);
    m.memory.putLong(table + 16, 0);
    m.memory.putLong(table + 24, 0x11_0001);
    c.cr3 = table;
    c.cr4 = Cpu.CR4_PAE;
    ControlRegisters.writeCr0(c, 0x8000_0031L);
    assertThat(c.pdpte).containsExactly(0x10_0001, 0x7FFF_FFFF_FFFF_FFFEL, 0, 0x11_0001);
    for (long bit : new long[] {1 << 1, 1 << 2, 1 << 5, 1 << 8, 1L << 46, 1L << 63}) {
      m.memory.putLong(table, 0x10_0001 | bit);
      refused(() -> ControlRegisters.writeCr3(c, table));
    }
    assertThat(c.pdpte[0]).isEqualTo(0x10_0001);
  }

  @Test
  void cr8_and_control_registers_that_do_not_exist() {
    m.longMode(0);
    refused(() -> ControlRegisters.writeCr8(c, 0x10));
    assertThat(m.fault(Vector.UD, "0F 20 C8")[0]).as("CR1").isEqualTo(CODE);
    m.longMode(0);
    assertThat(m.fault(Vector.UD, "44 0F 22 C8")[0]).as("CR9").isEqualTo(CODE);
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "0F 20 C0")).isZero();
  }

  @Test
  void xcr0_keeps_x87_and_refuses_what_is_not_there() {
    refused(() -> ControlRegisters.writeXcr(c, 0, 2));
    refused(() -> ControlRegisters.writeXcr(c, 0, 5));
    refused(() -> ControlRegisters.writeXcr(c, 0, 0xF));
    refused(() -> ControlRegisters.writeXcr(c, 0, 0xE7));
    refused(() -> ControlRegisters.writeXcr(c, 1, 3));
    ControlRegisters.writeXcr(c, 0, 3);
    assertThat(ControlRegisters.readXcr(c, 0, 0)).isEqualTo(3);
    ControlRegisters.writeXcr(c, 0, 0x207);
    assertThat(ControlRegisters.readXcr(c, 0, 0)).isEqualTo(0x207);
    m.longMode(0);
    assertThat(m.fault(Vector.UD, "0F 01 D0")[0]).as("without CR4.OSXSAVE").isEqualTo(CODE);
  }

  @Test
  void invpcid_checks_type_pcid_and_address() {
    m.longMode(0);
    refused(() -> ControlRegisters.invalidatePcid(c, 4, 0, 0));
    refused(() -> ControlRegisters.invalidatePcid(c, -1, 0, 0));
    refused(() -> ControlRegisters.invalidatePcid(c, 2, 1 << 12, 0));
    refused(() -> ControlRegisters.invalidatePcid(c, 1, 1, 0));
    refused(() -> ControlRegisters.invalidatePcid(c, 0, 0, 1L << 56));
    c.cr4 |= Cpu.CR4_PCIDE;
    ControlRegisters.invalidatePcid(c, 1, 1, 1L << 56);
    // mov eax, 2; invpcid rax, [0x500]
    m.run("B8 02 00 00 00 66 0F 38 82 04 25 00 05 00 00");
    m.longMode(3);
    assertThat(m.errorCode(Vector.GP, "66 0F 38 82 04 25 00 05 00 00")).isZero();
  }

  @Test
  void debug_registers_have_fixed_bits_and_aliases() {
    DebugRegisters.write(c, 6, 0);
    assertThat(c.dr[6]).isEqualTo(0xFFFF_0FF0L);
    DebugRegisters.write(c, 5, 0xFFFF_FFFFL & ~DebugRegisters.DR7_GD);
    assertThat(c.dr[7]).isEqualTo(0xFFFF_07FFL);
    assertThat(DebugRegisters.read(c, 4)).isEqualTo(0xFFFF_0FF0L);
    refused(() -> DebugRegisters.write(c, 7, 1L << 32));
    c.cr4 |= Cpu.CR4_DE;
    assertThatThrownBy(() -> DebugRegisters.read(c, 4))
        .isInstanceOfSatisfying(CpuException.class, e -> assertThat(e.vector).isEqualTo(Vector.UD));
  }

  @Test
  void general_detect_traps_debug_register_accesses_and_is_cleared_for_the_handler() {
    m.longMode(0);
    c.dr[7] |= DebugRegisters.DR7_GD;
    assertThat(m.fault(Vector.DB, "0F 21 C0")[0]).isEqualTo(CODE);
    assertThat(c.dr[6] & DebugRegisters.DR6_BD).isNotZero();
    assertThat(c.dr[7] & DebugRegisters.DR7_GD).isZero();
  }

  @Test
  void lgdt_and_lidt_refuse_a_base_that_is_not_canonical() {
    m.longMode(0);
    m.memory.putLong(0x502, 1L << 56);
    assertThat(m.errorCode(Vector.GP, "0F 01 14 25 00 05 00 00")).isZero();
    assertThat(c.gdtBase).isEqualTo(GDT);
    m.longMode(0);
    assertThat(m.errorCode(Vector.GP, "0F 01 1C 25 00 05 00 00")).isZero();
  }
}
