package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.HexFormat;
import java.util.stream.Stream;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Memory that can be read and executed, but not written to. */
@ParameterizedClass
@MethodSource("engines")
class RomTest {
  private static final long PAGE = 0x50_0000;
  private static final int PAGE_SIZE = GuestMemory.PAGE_SIZE;
  private static final int ROM_SIZE = 0x1_0000;

  private final byte[] rom = new byte[ROM_SIZE];
  private final GuestMemory memory;
  private final TestMachine m;
  private final Cpu c;

  RomTest(Engine engine) {
    put(0xFFF0, "EA 00 E0 00 F0");
    put(0x1000, "B8 34 12 00 00 F4");
    memory = GuestMemory.allocate(16 << 20, rom);
    m = new TestMachine(memory, 0, new CpuModel(), new NoApic()).on(engine);
    c = m.c;
  }

  static Stream<Arguments> engines() {
    return Stream.of(
        argumentSet("interpreter", new InterpreterEngine()),
        argumentSet("translator", new TranslatorEngine(true)));
  }

  @AfterEach
  void close() {
    m.close();
  }

  private void put(int at, String hex) {
    byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
    System.arraycopy(code, 0, rom, at, code.length);
  }

  /** Port 0x10 makes the page RAM (1) or ROM (0). */
  private void switchAtPort() {
    m.ports.map(
        0x10,
        1,
        1,
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {
            memory.setWritable(PAGE, PAGE_SIZE, (value & 1) != 0);
          }
        });
  }

  @Test
  void aProcessorStartsInTheLastBytesBelow4GiB() {
    c.reset();
    memory.put(0xFE000, new byte[] {(byte) 0xB8, 0x78, 0x56, (byte) 0xF4}, 0, 4);
    m.run();
    assertThat(c.r[Cpu.RAX]).as("after the jump to F000:E000, in RAM").isEqualTo(0x5678);
    assertThat(memory.end()).isEqualTo(16 << 20);
    assertThat(memory.isRam(0xFFFF_F000L)).isFalse();
    assertThat(memory.isReadable(0xFFFE_FFFFL)).isFalse();
  }

  @Test
  void codeRunsWhereItLies() {
    m.protectedMode(0);
    c.rip = 0xFFFF_1000L;
    m.run();
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1234);
  }

  @Test
  void storesAreLost() {
    m.longMode(0);
    memory.putLong(PAGE, 0x1122_3344_5566_7788L);
    memory.setWritable(PAGE, PAGE_SIZE, false);
    // mov rax, [0x500000]; inc byte [..]; lock add [..], eax; movq [..], xmm0; rep stosb there
    m.run(
        "48 8B 04 25 00 00 50 00 FE 04 25 00 00 50 00 F0 01 04 25 00 00 50 00"
            + "66 0F D6 04 25 00 00 50 00 BF 00 00 50 00 B9 10 00 00 00 F3 AA");
    assertThat(memory.getLong(PAGE)).isEqualTo(0x1122_3344_5566_7788L);
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x1122_3344_5566_7788L);
    assertThat(c.r[Cpu.RCX]).isZero();
  }

  @Test
  void theNextInstructionKnowsThatAPageIsRom() {
    m.longMode(0);
    switchAtPort();
    // inc byte [0x500000]; xor eax, eax; out 0x10, al; inc byte [..]; inc eax; out 0x10, al;
    // inc byte [..]
    m.run(
        "FE 04 25 00 00 50 00 31 C0 E6 10 FE 04 25 00 00 50 00 FF C0 E6 10"
            + "FE 04 25 00 00 50 00 FE 04 25 00 00 50 00");
    assertThat(memory.getByte(PAGE)).isEqualTo((byte) 3);
  }

  @Test
  void pageTablesInRomAreReadAndStayAsTheyAre() {
    m.longMode(0);
    long table = TestMachine.PML4 + 0x2000;
    long entry = memory.getLong(table + 16);
    memory.setWritable(table, PAGE_SIZE, false);
    memory.putLong(0x40_0008, 0x77);
    // mov rax, [0x400008]; mov [0x400010], rax
    m.run("48 8B 04 25 08 00 40 00 48 89 04 25 10 00 40 00");
    assertThat(memory.getLong(0x40_0010)).isEqualTo(0x77);
    assertThat(memory.getLong(table + 16)).isEqualTo(entry);
  }

  @Test
  void otherContentIsOtherCode() {
    m.protectedMode(0);
    m.code(PAGE, "40 C3").code(PAGE + 0x800, "41 C3");
    m.ports.map(
        0x11,
        1,
        1,
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {
            memory.putByte(PAGE, (byte) 0x41);
            memory.codeWatch().written(PAGE, PAGE_SIZE);
          }
        });
    memory.setWritable(PAGE, PAGE_SIZE, false);
    // xor eax, eax; xor ecx, ecx; mov edx, 0x500000; call edx; out 0x11, al; call edx
    m.run("31 C0 31 C9 BA 00 00 50 00 FF D2 E6 11 FF D2");
    assertThat(c.r[Cpu.RAX]).isEqualTo(1);
    assertThat(c.r[Cpu.RCX]).isEqualTo(1);
  }
}
