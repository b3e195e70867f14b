package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lodge.cpu.x86.Interrupts.Source;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProtectedModeTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private static void fault(int vector, int errorCode, ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            CpuException.class,
            e -> {
              assertThat(e.vector).isEqualTo(vector);
              assertThat(e.errorCode).isEqualTo(errorCode);
            });
  }

  // ---------------------------------------------------------------- segment registers

  @Test
  void a_data_segment_load_sets_base_limit_rights_and_the_accessed_bit() {
    m.protectedMode(0);
    m.descriptor(FREE, 0x12C0_9234_5678_1FFFL | 0xFL << 48);
    Segmentation.load(c, Cpu.ES, FREE);
    assertThat(c.segBase[Cpu.ES]).isEqualTo(0x1234_5678L);
    assertThat(c.segLimit[Cpu.ES]).isEqualTo(0xF1FFF_FFFL);
    assertThat(c.segAccess[Cpu.ES]).isEqualTo(0xC093);
    assertThat(m.descriptor(FREE) >>> 40 & 1).isEqualTo(1);
  }

  @Test
  void a_null_selector_loads_but_cannot_be_used() {
    m.protectedMode(0);
    assertThat(m.errorCode(Vector.GP, "31 C0 8E C0 26 A1 00 05 00 00")).isZero();
    assertThat(c.selector[Cpu.ES]).isZero();
  }

  @Test
  void data_segments_are_checked_for_kind_privilege_and_presence() {
    m.protectedMode(3);
    fault(Vector.GP, DATA, () -> Segmentation.load(c, Cpu.DS, DATA | 3));
    fault(Vector.GP, TSS, () -> Segmentation.load(c, Cpu.DS, TSS | 3));
    fault(Vector.GP, 0x1000, () -> Segmentation.load(c, Cpu.DS, 0x1003));
    fault(Vector.GP, 0x14, () -> Segmentation.load(c, Cpu.DS, 0x17));
    m.descriptor(FREE, 0x00CF_F900_0000_FFFFL);
    fault(Vector.GP, FREE, () -> Segmentation.load(c, Cpu.DS, FREE | 3));
    m.descriptor(FREE, 0x00CF_7300_0000_FFFFL);
    fault(Vector.NP, FREE, () -> Segmentation.load(c, Cpu.DS, FREE | 3));
    m.descriptor(FREE, 0x00CF_9F00_0000_FFFFL);
    Segmentation.load(c, Cpu.DS, FREE | 3);
    assertThat(c.selector[Cpu.DS]).as("readable conforming code of any level").isEqualTo(FREE | 3);
  }

  @Test
  void ss_takes_only_writable_data_of_exactly_the_current_level() {
    m.protectedMode(0);
    fault(Vector.GP, 0, () -> Segmentation.load(c, Cpu.SS, 0));
    fault(Vector.GP, USER_DATA, () -> Segmentation.load(c, Cpu.SS, USER_DATA));
    fault(Vector.GP, DATA, () -> Segmentation.load(c, Cpu.SS, DATA | 3));
    m.descriptor(FREE, 0x00CF_9100_0000_FFFFL);
    fault(Vector.GP, FREE, () -> Segmentation.load(c, Cpu.SS, FREE));
    m.descriptor(FREE, 0x00CF_1300_0000_FFFFL);
    fault(Vector.SS, FREE, () -> Segmentation.load(c, Cpu.SS, FREE));
  }

  @Test
  void a_null_ss_is_allowed_in_64_bit_mode_below_level_3() {
    m.longMode(0);
    Segmentation.load(c, Cpu.SS, 0);
    assertThat(c.selector[Cpu.SS]).isZero();
    fault(Vector.GP, 0, () -> Segmentation.load(c, Cpu.SS, 3));
    m.longMode(3);
    fault(Vector.GP, 0, () -> Segmentation.load(c, Cpu.SS, 3));
  }

  @Test
  void an_expand_down_segment_is_valid_above_its_limit() {
    m.protectedMode(0);
    m.descriptor(FREE, 0x0040_9700_0000_0FFFL);
    Segmentation.load(c, Cpu.ES, FREE);
    fault(Vector.GP, 0, () -> Segmentation.checkRead(c, Cpu.ES, 0xFFF, 1));
    Segmentation.checkWrite(c, Cpu.ES, 0x1000, 4);
    Segmentation.checkRead(c, Cpu.ES, 0xFFFF_FFFCL, 4);
    fault(Vector.GP, 0, () -> Segmentation.checkRead(c, Cpu.ES, 0xFFFF_FFFDL, 4));
  }

  @Test
  void descriptors_come_from_the_ldt_when_the_selector_says_so() {
    m.protectedMode(0);
    m.run("B8 50 00 00 00 0F 00 D0");
    assertThat(c.selector[Cpu.LDTR]).isEqualTo(LDT);
    m.memory.putLong(LDT_BASE + 8, 0x0040_9200_1000_00FFL);
    Segmentation.load(c, Cpu.FS, 0xC);
    assertThat(c.segBase[Cpu.FS]).isEqualTo(0x1000);
    assertThat(m.memory.getLong(LDT_BASE + 8)).isEqualTo(0x0040_9300_1000_00FFL);
    fault(Vector.GP, 0x2004, () -> Segmentation.load(c, Cpu.FS, 0x2004));
  }

  @Test
  void ltr_marks_the_descriptor_busy_and_refuses_a_busy_one() {
    m.protectedMode(0);
    DescriptorTables.loadTr(c, TSS);
    assertThat(Descriptor.systemType(m.descriptor(TSS))).isEqualTo(Descriptor.TSS_32_BUSY);
    fault(Vector.GP, TSS, () -> DescriptorTables.loadTr(c, TSS));
    fault(Vector.GP, 0, () -> DescriptorTables.loadTr(c, 0));
    fault(Vector.GP, 4, () -> DescriptorTables.loadTr(c, 4));
    fault(Vector.GP, LDT, () -> DescriptorTables.loadTr(c, LDT));
  }

  @Test
  void ltr_and_lldt_refuse_a_base_that_is_not_canonical() {
    m.longMode(0);
    m.system(FREE, 0x89, 1L << 56, 0x67);
    fault(Vector.GP, FREE, () -> DescriptorTables.loadTr(c, FREE));
    assertThat(Descriptor.systemType(m.descriptor(FREE))).isEqualTo(Descriptor.TSS_32);
    m.system(FREE, 0x82, 1L << 56, 0x67);
    fault(Vector.GP, FREE, () -> DescriptorTables.loadLdtr(c, FREE));
    m.system(FREE, 0x89, 0xFFFF_8000_0000_0000L, 0x67);
    DescriptorTables.loadTr(c, FREE);
    assertThat(c.segBase[Cpu.TR]).isEqualTo(0xFFFF_8000_0000_0000L);
  }

  @Test
  void lar_lsl_verr_and_verw_tell_about_visible_segments_alone() {
    m.protectedMode(3);
    assertThat(SegmentQueries.accessRights(c, USER_CODE_32)).isEqualTo(0xCF_FB00);
    assertThat(SegmentQueries.limit(c, USER_DATA)).isEqualTo(0xFFFF_FFFFL);
    assertThat(SegmentQueries.accessRights(c, DATA)).isEqualTo(-1);
    assertThat(SegmentQueries.accessRights(c, 0)).isEqualTo(-1);
    assertThat(SegmentQueries.limit(c, 0x7FF8)).isEqualTo(-1);
    assertThat(SegmentQueries.verify(c, USER_DATA | 3, true)).isTrue();
    assertThat(SegmentQueries.verify(c, USER_CODE_32 | 3, true)).isFalse();
    assertThat(SegmentQueries.verify(c, USER_CODE_32 | 3, false)).isTrue();
    assertThat(SegmentQueries.verify(c, CODE_32, false)).isFalse();
    m.protectedMode(0);
    assertThat(SegmentQueries.limit(c, TSS)).isEqualTo(0x2067);
    m.descriptor(FREE, gate(CODE_32, 0, Descriptor.INTERRUPT_GATE_32, 0, 0));
    assertThat(SegmentQueries.accessRights(c, FREE)).as("no interrupt gates").isEqualTo(-1);
    m.descriptor(FREE, gate(CODE_32, 0, Descriptor.CALL_GATE_32, 0, 0));
    assertThat(SegmentQueries.accessRights(c, FREE)).isEqualTo(0x8C00);
    assertThat(SegmentQueries.limit(c, FREE)).as("a gate has no limit").isEqualTo(-1);
  }

  @Test
  void arpl_raises_the_requested_level() {
    m.protectedMode(0);
    // mov eax, 0x10; mov ebx, 3; arpl ax, bx
    m.run("B8 10 00 00 00 BB 03 00 00 00 63 D8");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x13);
    assertThat(Flags.zf(c)).isTrue();
    m.protectedMode(0);
    m.run("63 D8");
    assertThat(Flags.zf(c)).isFalse();
  }

  @Test
  void user_code_cannot_read_system_registers_under_umip() {
    for (String code :
        new String[] {
          "0F 01 05 00 05 00 00", "0F 01 0D 00 05 00 00", "0F 00 C0", "0F 00 C8", "0F 01 E0"
        }) {
      m.protectedMode(3);
      c.cr4 = Cpu.CR4_UMIP;
      assertThat(m.errorCode(Vector.GP, code)).as(code).isZero();
    }
    c.cr4 = 0;
    m.protectedMode(0);
    m.run("0F 01 05 00 05 00 00");
    assertThat(m.memory.getShort(0x500)).isEqualTo((short) 0xFFF);
    assertThat(m.memory.getInt(0x502)).isEqualTo((int) GDT);
  }

  // ---------------------------------------------------------------- gates

  @Test
  void an_interrupt_from_user_code_switches_stacks() {
    m.protectedMode(3);
    m.gate32(0x80, CODE_32, HANDLER, INTERRUPT_GATE, 3);
    c.r[Cpu.RSP] = 0x1_5000;
    assertThat(Interrupts.deliver(c, 0x80, CpuException.NO_ERROR_CODE, Source.SOFTWARE)).isTrue();
    assertThat(c.cpl).isZero();
    assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK - 20);
    assertThat(m.stack32(0)).isEqualTo((int) CODE);
    assertThat(m.stack32(1)).isEqualTo(USER_CODE_32 | 3);
    assertThat(m.stack32(3)).isEqualTo(0x1_5000);
    assertThat(m.stack32(4)).isEqualTo(USER_DATA | 3);
    assertThat(c.selector[Cpu.SS]).isEqualTo(DATA);
  }

  @Test
  void an_interrupt_at_the_same_level_pushes_three_words_of_the_gates_size() {
    m.protectedMode(0);
    m.gate32(0x20, CODE_32, HANDLER, 0x6, 0);
    assertThat(Interrupts.deliver(c, 0x20, CpuException.NO_ERROR_CODE, Source.HARDWARE)).isTrue();
    assertThat(c.r[Cpu.RSP]).isEqualTo(STACK - 6);
    assertThat(m.memory.getShort(STACK - 6)).isEqualTo((short) CODE);
    assertThat(m.memory.getShort(STACK - 4)).isEqualTo((short) CODE_32);
  }

  @Test
  void a_bad_inner_stack_is_an_invalid_tss() {
    m.protectedMode(3);
    m.gate32(0x20, CODE_32, HANDLER, INTERRUPT_GATE, 3);
    m.gate32(Vector.TS, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    m.memory.putInt(TSS_BASE + 8, USER_DATA);
    assertThat(Interrupts.deliver(c, 0x20, CpuException.NO_ERROR_CODE, Source.SOFTWARE)).isFalse();
    fault(
        Vector.TS,
        USER_DATA,
        () -> {
          m.protectedMode(3);
          m.memory.putInt(TSS_BASE + 8, USER_DATA);
          Interrupts.software(c, 0x20, Source.SOFTWARE);
        });
  }

  @Test
  void a_call_gate_copies_parameters_to_the_inner_stack_and_retf_comes_back() {
    m.protectedMode(3);
    m.descriptor(FREE, gate(CODE_32, HANDLER, Descriptor.CALL_GATE_32, 3, 2));
    // mov eax, [esp+8]; mov ebx, [esp+12]; retf 8
    m.code(HANDLER, "8B 44 24 08 8B 5C 24 0C CA 08 00");
    m.gate32(0x80, CODE_32, HANDLER + 0x100, INTERRUPT_GATE, 3);
    m.code(HANDLER + 0x100, "F4");
    // push 0x11; push 0x22; call far 0x60:0; mov ecx, esp; int 0x80
    m.run("6A 11 6A 22 9A 00 00 00 00 63 00 89 E1 CD 80");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x22);
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x11);
    assertThat(c.r[Cpu.RCX]).isEqualTo(STACK);
    assertThat(m.stack32(1)).as("back at level 3").isEqualTo(USER_CODE_32 | 3);
  }

  @Test
  void a_call_gate_of_an_inner_level_is_refused() {
    m.protectedMode(3);
    m.descriptor(FREE, gate(CODE_32, HANDLER, Descriptor.CALL_GATE_32, 0, 0));
    assertThat(m.errorCode(Vector.GP, "9A 00 00 00 00 63 00")).isEqualTo(FREE);
  }

  @Test
  void a_64_bit_call_gate_saves_ss_and_rsp() {
    m.longMode(3);
    m.descriptor(FREE, gate(CODE_64, HANDLER, Descriptor.CALL_GATE_32, 3, 0));
    m.descriptor(FREE + 8, 0);
    m.memory.putInt(0x500, 0);
    m.memory.putShort(0x504, (short) (FREE | 3));
    m.code(HANDLER, "F4");
    m.run("FF 1C 25 00 05 00 00");
    assertThat(c.rip).isEqualTo(HANDLER + 1);
    assertThat(c.cpl).isZero();
    assertThat(c.r[Cpu.RSP]).isEqualTo(KERNEL_STACK - 32);
    assertThat(m.stack(0)).isEqualTo(CODE + 7);
    assertThat(m.stack(1)).isEqualTo(USER_CODE_64 | 3);
    assertThat(m.stack(2)).isEqualTo(STACK);
    assertThat(m.stack(3)).isEqualTo(USER_DATA | 3);
    assertThat(c.selector[Cpu.SS]).isZero();
  }

  @Test
  void a_far_jump_checks_the_target_segment() {
    m.protectedMode(3);
    fault(Vector.GP, CODE_32, () -> FarTransfers.jump(c, CODE_32, 0, 4));
    fault(Vector.GP, USER_DATA, () -> FarTransfers.jump(c, USER_DATA, 0, 4));
    fault(Vector.GP, 0, () -> FarTransfers.jump(c, 3, 0, 4));
    m.descriptor(FREE, 0x0040_FB00_0000_FFFFL);
    fault(Vector.GP, 0, () -> FarTransfers.jump(c, FREE | 3, 0x1_0000, 4));
    m.descriptor(FREE, 0x00CF_7B00_0000_FFFFL);
    fault(Vector.NP, FREE, () -> FarTransfers.jump(c, FREE | 3, 0, 4));
    m.descriptor(FREE, 0x00CF_9F00_0000_FFFFL);
    FarTransfers.jump(c, FREE, HANDLER, 4);
    assertThat(c.selector[Cpu.CS]).as("conforming code keeps the level").isEqualTo(FREE | 3);
    assertThat(c.rip).isEqualTo(HANDLER);
  }

  @Test
  void long_mode_refuses_code_that_is_both_64_and_32_bit() {
    m.longMode(0);
    m.descriptor(FREE, 0x00EF_9B00_0000_FFFFL);
    fault(Vector.GP, FREE, () -> FarTransfers.jump(c, FREE, 0, 4));
  }

  @Test
  void a_far_call_to_a_target_that_is_not_canonical_faults() {
    m.longMode(0);
    fault(Vector.GP, 0, () -> FarTransfers.call(c, CODE_64, 0x8000_0000_0000_0000L, 8));
    assertThat(c.r[Cpu.RSP]).isEqualTo(STACK);
  }
}
