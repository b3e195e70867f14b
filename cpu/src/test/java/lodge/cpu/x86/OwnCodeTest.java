package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.stream.Stream;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Instructions that store into themselves or into what follows (SDM volume 3, 9.1.3). */
@ParameterizedClass
@MethodSource("engines")
class OwnCodeTest {
  private static final long CODE = TestMachine.CODE;

  private final TestMachine m;
  private final Cpu c;

  OwnCodeTest(Engine engine) {
    m = new TestMachine().longMode(0).on(engine);
    c = m.c;
  }

  static Stream<Arguments> engines() {
    return Stream.of(
        argumentSet("interpreter", new InterpreterEngine()),
        argumentSet("translator", new TranslatorEngine(true)),
        argumentSet("interpreter that keeps nothing", new InterpreterEngine(Bounds.NOTHING)),
        argumentSet("translator that keeps nothing", new TranslatorEngine(true, Bounds.NOTHING)));
  }

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void a_store_into_its_own_bytes_happens_once() {
    // MOV byte [RIP - 3], 0x89: into its own displacement.
    m.run("C6 05 FD FF FF FF 89");
    assertThat(m.memory.getByte(CODE + 4)).isEqualTo((byte) 0x89);
    assertThat(c.rip).isEqualTo(CODE + 8);
  }

  @Test
  void a_push_onto_its_own_bytes_happens_once() {
    c.r[Cpu.RSP] = CODE + 8;
    c.r[Cpu.RAX] = 0xF4F4_F4F4_F4F4_F450L;
    // PUSH RAX replaces itself by itself, what follows by HLT.
    m.run("50 90 90 90 90 90 90 90");
    assertThat(c.r[Cpu.RSP]).isEqualTo(CODE);
    assertThat(c.rip).isEqualTo(CODE + 2);
  }

  @Test
  void a_call_that_overwrites_itself_returns_behind_it() {
    c.r[Cpu.RSP] = CODE + 8;
    // CALL +3 to the HLT; its return address takes the place of its own bytes.
    m.run("E8 03 00 00 00 90 90 90");
    assertThat(c.rip).isEqualTo(CODE + 9);
    assertThat(m.memory.getLong(CODE)).isEqualTo(CODE + 5);
    assertThat(c.r[Cpu.RSP]).isEqualTo(CODE);
  }

  @Test
  void a_repeated_store_stops_where_it_overwrites_itself() {
    c.r[Cpu.RDI] = CODE;
    c.r[Cpu.RCX] = 100;
    c.r[Cpu.RAX] = 0xF4;
    // REP STOSB: its first element makes a HLT of the prefix.
    m.run("F3 AA");
    assertThat(c.r[Cpu.RCX]).isEqualTo(99);
    assertThat(c.rip).isEqualTo(CODE + 1);
  }

  @Test
  void the_next_instruction_is_the_one_just_stored() {
    // MOV byte [RIP + 0], 0xF4 over the NOP behind it; INC EAX is not reached.
    m.run("C6 05 00 00 00 00 F4 90 FF C0");
    assertThat(c.rip).isEqualTo(CODE + 8);
    assertThat(c.r[Cpu.RAX]).isZero();
  }

  @Test
  void movsxd_with_an_operand_size_prefix_reads_and_writes_16_bits() {
    c.r[Cpu.RAX] = 0x1111_1111_1111_1111L;
    m.memory.putLong(0x7000, 0xFFFF_FFFF_8765_4321L);
    // MOVSXD AX, [0x7000]
    m.run("66 63 04 25 00 70 00 00");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1111_1111_1111_4321L);
  }

  @Test
  void an_indirect_call_takes_its_target_from_a_32_bit_address() {
    c.r[Cpu.RBX] = 0xFFFF_FFFF_0000_7000L;
    m.memory.putLong(0x7000, CODE + 0x20);
    m.code(CODE + 0x20, "F4");
    // CALL [EBX]
    m.run("67 FF 13 90");
    assertThat(c.rip).isEqualTo(CODE + 0x21);
  }

  @Test
  void an_instruction_across_pages_is_followed_by_its_neighbour() {
    m.code(0x8FFE, "48 B8 88 77 66 55 44 33 22 11 FF C1 F4");
    c.rip = 0x8FFE;
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1122_3344_5566_7788L);
    assertThat(c.r[Cpu.RCX]).isEqualTo(1);
  }
}
