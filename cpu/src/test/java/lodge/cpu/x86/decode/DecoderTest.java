package lodge.cpu.x86.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Random;
import lodge.cpu.x86.Cpu;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DecoderTest {
  private final Decoder decoder = new Decoder();

  private Insn decode(int codeSize, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    byte[] code = Arrays.copyOf(bytes, bytes.length + Decoder.MAX_LENGTH);
    return decoder.decode(code, 0, Decoder.MAX_LENGTH, codeSize);
  }

  /** Bytes, code size, mnemonic, length, operand size. */
  @ParameterizedTest(name = "{0} in {1}-byte code is {2}")
  @CsvSource({
    // Opcodes that mean something else in 64-bit mode.
    "63 C1, 8, MOVSXD, 2, 4",
    "63 C1, 4, ARPL, 2, 4",
    "48 63 C1, 8, MOVSXD, 3, 8",
    "40, 4, INC, 1, 4",
    "40 90, 8, NOP, 2, 4",
    "06, 4, PUSH_SREG, 1, 4",
    "06, 8, UNDEFINED, 1, 4",
    "82 C0 01, 4, ADD, 3, 1",
    "82 C0 01, 8, UNDEFINED, 2, 4",
    "9A 44 33 22 11 66 55, 4, CALL_FAR, 7, 4",
    "9A 44 33 66 55, 2, CALL_FAR, 5, 2",
    "9A 44 33 22 11 66 55, 8, UNDEFINED, 1, 4",
    "0F 05, 8, SYSCALL, 2, 4",
    "0F 05, 4, UNDEFINED, 2, 4",
    "0F 01 F8, 8, SWAPGS, 3, 4",
    "0F 01 F8, 4, UNDEFINED, 3, 4",
    // 90 and what prefixes make of it.
    "90, 8, NOP, 1, 4",
    "66 90, 8, NOP, 2, 2",
    "48 90, 8, NOP, 2, 8",
    "41 90, 8, XCHG, 2, 4",
    "F3 90, 8, PAUSE, 2, 4",
    "F3 41 90, 8, PAUSE, 3, 4",
    // Operand sizes: default 64, forced 64, REX.W over 66, REX in the wrong place.
    "50, 8, PUSH, 1, 8",
    "66 50, 8, PUSH, 2, 2",
    "66 48 50, 8, PUSH, 3, 8",
    "48 66 50, 8, PUSH, 3, 2",
    "68 44 33 22 11, 8, PUSH, 5, 8",
    "66 68 44 33, 8, PUSH, 4, 2",
    "E9 44 33 22 11, 8, JMP, 5, 8",
    "66 E9 44 33 22 11, 8, JMP, 6, 8",
    "66 E9 44 33, 4, JMP, 4, 2",
    "66 E9 44 33 22 11, 2, JMP, 6, 4",
    "66 C3, 8, RET, 2, 8",
    "66 FF E0, 8, JMP, 3, 8",
    "CF, 8, IRET, 1, 4",
    "48 CF, 8, IRET, 2, 8",
    "66 48 05 44 33 22 11, 8, ADD, 7, 8",
    "66 05 44 33, 8, ADD, 4, 2",
    "48 B8 88 77 66 55 44 33 22 11, 8, MOV, 10, 8",
    "B8 44 33, 2, MOV, 3, 2",
    "0F 22 D8, 8, MOV_CR, 3, 8",
    "0F 22 D8, 2, MOV_CR, 3, 4",
    "48 ED, 8, IN, 2, 4",
    "48 6D, 8, INS, 2, 4",
    "66 6D, 8, INS, 2, 2",
    "0F 01 10, 8, LGDT, 3, 8",
    "0F 01 10, 2, LGDT, 3, 2",
    "0F 6E C0, 8, MOVD, 3, 4",
    "48 0F 6E C0, 8, MOVQ, 4, 8",
    "66 0F 6E C0, 8, MOVD, 4, 4",
    "F2 48 0F 2A C0, 8, CVTSI2SD, 5, 8",
    // Prefixes that choose the instruction.
    "0F 58 C1, 8, ADDPS, 3, 4",
    "66 0F 58 C1, 8, ADDPD, 4, 4",
    "F3 0F 58 C1, 8, ADDSS, 4, 4",
    "F2 0F 58 C1, 8, ADDSD, 4, 4",
    "66 F2 0F 58 C1, 8, ADDSD, 5, 2",
    "F2 66 0F 58 C1, 8, ADDSD, 5, 2",
    "F2 F3 0F 58 C1, 8, ADDSS, 5, 4",
    "F3 F2 0F 58 C1, 8, ADDSD, 5, 4",
    "F3 0F BC C1, 8, TZCNT, 4, 4",
    "F2 0F BC C1, 8, BSF, 4, 4",
    "66 F3 0F BD C1, 8, LZCNT, 5, 2",
    "0F B8 C1, 8, UNDEFINED, 3, 4",
    "F3 0F B8 C1, 8, POPCNT, 4, 4",
    "0F 38 F0 00, 8, MOVBE, 4, 4",
    "66 0F 38 F1 00, 8, MOVBE, 5, 2",
    "F2 0F 38 F0 00, 8, CRC32, 5, 4",
    "66 F2 0F 38 F1 C0, 8, CRC32, 6, 2",
    "F3 0F 38 F0 00, 8, UNDEFINED, 5, 4",
    "0F 38 F0 C0, 8, UNDEFINED, 4, 4",
    "66 0F 38 F6 C0, 8, ADCX, 5, 4",
    "F3 0F 38 F6 C0, 8, ADOX, 5, 4",
    "66 F3 0F 38 F6 C0, 8, ADOX, 6, 4",
    "F3 0F C3 00, 8, UNDEFINED, 4, 4",
    "F3 0F 1E FA, 8, NOP, 4, 4",
    "0F 1F 84 00 44 33 22 11, 8, NOP, 8, 4",
    "F3 0F 09, 8, WBINVD, 3, 4",
    // Groups and fixed ModRM bytes.
    "F6 C8 01, 8, TEST, 3, 1",
    "F7 C8 44 33 22 11, 8, TEST, 6, 4",
    "F7 D0, 8, NOT, 2, 4",
    "C1 F0 03, 8, SHL, 3, 4",
    "8F C8, 8, UNDEFINED, 2, 4",
    "FF F8, 8, UNDEFINED, 2, 4",
    "FE D0, 8, UNDEFINED, 2, 4",
    "0F C7 08, 8, CMPXCHG8B, 3, 4",
    "48 0F C7 08, 8, CMPXCHG16B, 4, 8",
    "0F C7 C8, 8, UNDEFINED, 3, 4",
    "0F C7 F0, 8, RDRAND, 3, 4",
    "66 0F C7 F8, 8, RDSEED, 4, 2",
    "F3 0F C7 F8, 8, RDPID, 4, 8",
    "F3 0F C7 F8, 4, RDPID, 4, 4",
    "0F AE E8, 8, LFENCE, 3, 4",
    "0F AE F7, 8, MFENCE, 3, 4",
    "0F AE 28, 8, XRSTOR, 3, 4",
    "66 0F AE 38, 8, CLFLUSHOPT, 4, 4",
    "66 0F AE E8, 8, UNDEFINED, 4, 4",
    "F3 48 0F AE D0, 8, WRFSBASE, 5, 8",
    "F3 0F AE D0, 4, UNDEFINED, 4, 4",
    "0F 01 CA, 8, CLAC, 3, 4",
    "66 0F 01 CA, 8, UNDEFINED, 4, 4",
    "0F 01 F9, 8, RDTSCP, 3, 4",
    "0F 01 38, 8, INVLPG, 3, 4",
    "0F 01 C1, 8, VMCALL, 3, 4",
    "0F 01 D9, 8, VMMCALL, 3, 4",
    "8E C8, 8, UNDEFINED, 2, 4",
    "8E F0, 8, UNDEFINED, 2, 4",
    "8C F0, 8, UNDEFINED, 2, 4",
    "0F 20 08, 8, UNDEFINED, 3, 8",
    "44 0F 20 C0, 8, MOV_CR, 4, 8",
    "44 0F 21 C0, 8, UNDEFINED, 4, 8",
    // x87 and its aliases.
    "D9 C9, 8, FXCH, 2, 4",
    "DD C9, 8, FXCH, 2, 4",
    "DF C9, 8, FXCH, 2, 4",
    "D9 D9, 8, FSTP, 2, 4",
    "DF D1, 8, FSTP, 2, 4",
    "DC D1, 8, FCOM, 2, 4",
    "DE D1, 8, FCOMP, 2, 4",
    "DF C1, 8, FFREEP, 2, 4",
    "DE D9, 8, FCOMPP, 2, 4",
    "DE DA, 8, UNDEFINED, 2, 4",
    "DF E0, 8, FNSTSW, 2, 4",
    "DF E1, 8, UNDEFINED, 2, 4",
    "DB E4, 8, NOP, 2, 4",
    "DB E5, 8, UNDEFINED, 2, 4",
    "DC E1, 8, FSUBR, 2, 4",
    "DC E9, 8, FSUB, 2, 4",
    "DD 08, 8, FISTTP, 2, 4",
    // VEX, and what it is without.
    "C5 F8 58 C1, 8, VADDPS, 4, 4",
    "C5 F8 58 C1, 4, VADDPS, 4, 4",
    "C5 78 58 C1, 4, LDS, 3, 4",
    "C4 01, 4, LES, 2, 4",
    "C4 E3 FD 00 C1 1B, 8, VPERMQ, 6, 8",
    "C4 E3 F9 00 C1 1B, 8, UNDEFINED, 5, 4",
    "C4 E3 7D 00 C1 1B, 8, UNDEFINED, 5, 4",
    "C4 E2 F9 98 C1, 8, VFMADD132PD, 5, 8",
    "C4 E2 79 98 C1, 8, VFMADD132PS, 5, 4",
    "C4 E2 F9 98 C1, 4, VFMADD132PD, 5, 4",
    "C4 E1 F9 6E C0, 8, VMOVQ, 5, 8",
    "C4 E1 F9 6E C0, 4, VMOVD, 5, 4",
    "C5 F0 51 C1, 8, UNDEFINED, 4, 4",
    "C5 F8 77, 8, VZEROUPPER, 3, 4",
    "C5 FC 77, 8, VZEROALL, 3, 4",
    "66 C5 F8 58 C1, 8, UNDEFINED, 3, 4",
    "F0 C5 F8 58 C1, 8, UNDEFINED, 3, 4",
    "48 C5 F8 58 C1, 8, UNDEFINED, 3, 4",
    "C4 E4 78 58 C1, 8, UNDEFINED, 2, 4",
    "C4 E2 F8 F2 C1, 8, ANDN, 5, 8",
    "C4 E2 FC F2 C1, 8, UNDEFINED, 5, 4",
    "C5 7A 10 01, 8, VMOVSS, 4, 4",
    "C5 72 10 01, 8, UNDEFINED, 4, 4",
    "C5 72 10 C1, 8, VMOVSS, 4, 4",
    "62 F1 7C 48 58 C1, 8, UNDEFINED, 2, 4",
    "62 01, 4, BOUND, 2, 4",
    "62 C1, 4, UNDEFINED, 2, 4",
    "8F E9 78 01 C8, 8, UNDEFINED, 2, 4",
    // Odds and ends.
    "D6, 4, SALC, 1, 4",
    "F1, 8, INT1, 1, 4",
    "0F FF C0, 8, UD0, 3, 4",
    "0F B9 C0, 8, UD1, 3, 4",
    "0F 0B, 8, UD2, 2, 4",
    "0F 0D 08, 8, PREFETCHW, 3, 4",
    "0F 0D 18, 8, NOP, 3, 4",
    "0F 18 00, 8, PREFETCHNTA, 3, 4",
    "C8 44 33 22, 8, ENTER, 4, 8",
  })
  void decodesCornerCases(
      String hex, int codeSize, Mnemonic mnemonic, int length, int operandSize) {
    Insn insn = decode(codeSize, hex);

    assertThat(insn.form.mnemonic()).isEqualTo(mnemonic);
    assertThat(insn.length).isEqualTo(length);
    if (mnemonic != Mnemonic.UNDEFINED) {
      assertThat(insn.operandSize).isEqualTo(operandSize);
    }
  }

  @ParameterizedTest(name = "{0} in {1}-byte code")
  @CsvSource({
    // hex, code size, base, index, scale, displacement, segment, address size
    "8B 00, 8, 0, 16, 0, 0, 3, 8",
    "8B 45 F8, 8, 5, 16, 0, -8, 2, 8",
    "41 8B 45 F8, 8, 13, 16, 0, -8, 3, 8",
    "8B 04 24, 8, 4, 16, 0, 0, 2, 8",
    "41 8B 04 24, 8, 12, 16, 0, 0, 3, 8",
    "8B 44 8D 10, 8, 5, 1, 2, 16, 2, 8",
    "42 8B 04 E0, 8, 0, 12, 3, 0, 3, 8",
    "8B 04 E0, 8, 0, 16, 0, 0, 3, 8",
    "8B 05 F0 FF FF FF, 8, 17, 16, 0, -16, 3, 8",
    "41 8B 05 F0 FF FF FF, 8, 17, 16, 0, -16, 3, 8",
    "67 8B 05 F0 FF FF FF, 8, 17, 16, 0, -16, 3, 4",
    "8B 05 F0 FF FF FF, 4, 16, 16, 0, -16, 3, 4",
    "8B 04 25 F0 FF FF FF, 8, 16, 16, 0, -16, 3, 8",
    "8B 04 8D F0 FF FF FF, 8, 16, 1, 2, -16, 3, 8",
    "41 8B 04 8D F0 FF FF FF, 8, 16, 1, 2, -16, 3, 8",
    "64 8B 04 24, 8, 4, 16, 0, 0, 4, 8",
    "36 64 8B 00, 8, 0, 16, 0, 0, 4, 8",
    "64 36 8B 00, 8, 0, 16, 0, 0, 4, 8",
    "2E 8B 45 00, 8, 5, 16, 0, 0, 2, 8",
    "2E 8B 45 00, 4, 5, 16, 0, 0, 1, 4",
    "2E 65 26 8B 00, 4, 0, 16, 0, 0, 0, 4",
    "8B 00, 2, 3, 6, 0, 0, 3, 2",
    "8B 02, 2, 5, 6, 0, 0, 2, 2",
    "8B 03, 2, 5, 7, 0, 0, 2, 2",
    "8B 06 34 12, 2, 16, 16, 0, 4660, 3, 2",
    "8B 46 80, 2, 5, 16, 0, -128, 2, 2",
    "8B 87 00 80, 2, 3, 16, 0, -32768, 3, 2",
    "67 8B 04 24, 2, 4, 16, 0, 0, 2, 4",
    "67 8B 07, 4, 3, 16, 0, 0, 3, 2",
    "A1 88 77 66 55 44 33 22 11, 8, 16, 16, 0, 1234605616436508552, 3, 8",
    "67 A1 44 33 22 11, 8, 16, 16, 0, 287454020, 3, 4",
    "65 A0 34 12, 2, 16, 16, 0, 4660, 5, 2",
    "C4 E2 71 90 04 62, 8, 2, 4, 1, 0, 3, 8",
  })
  void decodesAddresses(
      String hex,
      int codeSize,
      int base,
      int index,
      int scale,
      long disp,
      int segment,
      int addressSize) {
    Insn insn = decode(codeSize, hex);

    assertThat(insn.form).isNotEqualTo(Form.UNDEFINED);
    assertThat(insn.memory).isTrue();
    assertThat(
            new long[] {
              insn.base, insn.index, insn.scale, insn.disp, insn.segment, insn.addressSize
            })
        .containsExactly(base, index, scale, disp, segment, addressSize);
    assertThat(insn.length).isEqualTo(HexFormat.of().parseHex(hex.replace(" ", "")).length);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "F0 01 00",
        "F0 48 0F B1 0A",
        "F0 0F C7 08",
        "F0 87 00",
        "F0 0F BA 28 03",
        "F0 FE 00",
        "F0 F7 18",
        "F3 F0 0F C1 00",
        "F0 F2 01 00"
      })
  void lockIsAllowedOnReadModifyWriteOfMemory(String hex) {
    Insn insn = decode(8, hex);

    assertThat(insn.form).isNotEqualTo(Form.UNDEFINED);
    assertThat(insn.lock).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "F0 01 C0",
        "F0 03 00",
        "F0 39 00",
        "F0 0F BA 20 03",
        "F0 F7 00 44 33 22 11",
        "F0 90",
        "F0 89 00",
        "F0 8F 00",
        "F0 FF 30",
        "F0 87 C0",
        "F0 F7 20",
        "F0 0F 0B",
        "F0 0F 58 00"
      })
  void lockIsUndefinedElsewhere(String hex) {
    assertThat(decode(8, hex).form).isEqualTo(Form.UNDEFINED);
  }

  @Test
  void keepsRepeatPrefixesOnlyWhereTheyAreNotPartOfTheOpcode() {
    assertThat(decode(8, "F3 A4").repeat).isEqualTo(Insn.REP);
    assertThat(decode(8, "F2 A6").repeat).isEqualTo(Insn.REPNE);
    assertThat(decode(8, "F2 F3 A6").repeat).isEqualTo(Insn.REP);
    assertThat(decode(8, "F3 0F 10 00").repeat).isEqualTo(Insn.NONE);
    assertThat(decode(8, "F3 C3").repeat).isEqualTo(Insn.REP);
    assertThat(decode(8, "A4").repeat).isEqualTo(Insn.NONE);
  }

  @Test
  void extendsRegistersWithRexButNotThoseOfMmxX87AndSegments() {
    Insn insn = decode(8, "4D 01 C8");
    assertThat(insn.reg).isEqualTo(9);
    assertThat(insn.rm).isEqualTo(8);
    assertThat(decode(8, "41 50").opcodeRegister).isEqualTo(8);
    assertThat(decode(8, "4D 0F FC C8").reg).isEqualTo(1);
    assertThat(decode(8, "4D 0F FC C8").rm).isZero();
    assertThat(decode(8, "45 D8 C1").rm).isEqualTo(1);
    assertThat(decode(8, "45 8E E0").reg).isEqualTo(Cpu.FS);
    assertThat(decode(8, "45 8E E0").rm).isEqualTo(8);
    assertThat(decode(8, "C4 41 08 58 C1").vexRegister).isEqualTo(14);
    assertThat(decode(8, "C4 41 08 58 C1").reg).isEqualTo(8);
    assertThat(decode(8, "C4 41 08 58 C1").rm).isEqualTo(9);
  }

  @Test
  void readsImmediates() {
    assertThat(decode(8, "83 C0 80").imm).isEqualTo(-128);
    assertThat(decode(8, "48 81 C0 00 00 00 80").imm).isEqualTo(Integer.MIN_VALUE);
    assertThat(decode(8, "48 B8 88 77 66 55 44 33 22 91").imm).isEqualTo(0x9122334455667788L);
    assertThat(decode(8, "EB FE").imm).isEqualTo(-2);
    Insn enter = decode(8, "C8 44 33 FF");
    assertThat(enter.imm).isEqualTo(0x3344);
    assertThat(enter.imm2).isEqualTo(0xFF);
    Insn far = decode(2, "EA F0 FF 00 F0");
    assertThat(far.imm).isEqualTo(0xFFF0);
    assertThat(far.imm2).isEqualTo(0xF000);
    assertThat(decode(8, "C4 E3 71 4A C2 30").imm).isEqualTo(0x30);
  }

  @Test
  void moveToControlRegisterIgnoresMod() {
    Insn insn = decode(8, "0F 20 04");

    assertThat(insn.form.mnemonic()).isEqualTo(Mnemonic.MOV_CR);
    assertThat(insn.mod).isEqualTo(3);
    assertThat(insn.rm).isEqualTo(Cpu.RSP);
    assertThat(insn.length).isEqualTo(3);
  }

  @Test
  void gathersNeedThreeDifferentRegistersAndAnIndex() {
    assertThat(decode(8, "C4 E2 71 90 04 62").form.mnemonic()).isEqualTo(Mnemonic.VPGATHERDD);
    assertThat(decode(8, "C4 E2 71 90 24 62").form).isEqualTo(Form.UNDEFINED);
    assertThat(decode(8, "C4 E2 79 90 04 62").form).isEqualTo(Form.UNDEFINED);
    assertThat(decode(8, "C4 E2 59 90 04 62").form).isEqualTo(Form.UNDEFINED);
    assertThat(decode(8, "C4 E2 71 90 00").form).isEqualTo(Form.UNDEFINED);
  }

  @Test
  void acceptsFifteenBytesAndNoMore() {
    assertThat(decode(8, "66".repeat(14) + "90").form.mnemonic()).isEqualTo(Mnemonic.NOP);
    assertThat(decode(8, "66".repeat(14) + "90").length).isEqualTo(15);
    assertThat(decode(8, "66".repeat(15) + "90").form).isEqualTo(Form.TOO_LONG);
    assertThat(decode(8, "2E".repeat(10) + "81 00 44 33 22 11").form).isEqualTo(Form.TOO_LONG);
    assertThat(decode(8, "2E".repeat(9) + "81 00 44 33 22 11").form.mnemonic())
        .isEqualTo(Mnemonic.ADD);
    assertThat(decode(8, "66".repeat(40)).length).isEqualTo(15);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "48 81 84 8D 44 33 22 11 88 77 66 55",
        "66 F3 48 0F B8 84 8D 44 33 22 11",
        "C8 44 33 22",
        "C4 E3 7D 06 84 8D 44 33 22 11 20",
        "48 B8 88 77 66 55 44 33 22 11",
        "A1 88 77 66 55 44 33 22 11",
        "0F 0B",
        "66 0F 3A 0F 05 44 33 22 11 07",
        "C5 F8 77",
        "D9 C0"
      })
  void asksForMoreBytesUntilTheInstructionIsWhole(String hex) {
    byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));

    for (int available = 0; available < code.length; available++) {
      byte[] partial = Arrays.copyOf(code, available);
      assertThat(decoder.decode(partial, 0, available, 8)).as("%d bytes", available).isNull();
    }
    assertThat(decoder.decode(code, 0, code.length, 8).length).isEqualTo(code.length);
  }

  @Test
  void neverReadsBeyondWhatIsAvailableAndIsTheSameWithMoreBytes() {
    var random = new Random(7);
    byte[] code = new byte[32];
    for (int i = 0; i < 200_000; i++) {
      random.nextBytes(code);
      int codeSize = 2 << i % 3;
      Insn insn = decoder.decode(code, 0, Decoder.MAX_LENGTH, codeSize);
      Form form = insn.form;
      int length = insn.length;
      assertThat(length).isBetween(1, 15);
      byte[] exact = Arrays.copyOf(code, length);
      Insn again = decoder.decode(exact, 0, length, codeSize);
      if (form != Form.TOO_LONG) {
        assertThat(again.form).isSameAs(form);
        assertThat(again.length).isEqualTo(length);
        assertThat(decoder.decode(exact, 0, length - 1, codeSize)).isNull();
      }
    }
  }

  @Test
  void forgetsThePreviousInstruction() {
    decode(8, "F0 66 64 48 01 84 8D 44 33 22 11");
    Insn insn = decode(8, "90");

    assertThat(
            insn.lock
                || insn.operandSizePrefix
                || insn.rex
                || insn.rexW
                || insn.hasModrm
                || insn.memory
                || insn.segmentOverride
                || insn.vex)
        .isFalse();
    assertThat(insn.disp).isZero();
    assertThat(insn.base).isEqualTo(Cpu.ZERO);
    assertThat(insn.index).isEqualTo(Cpu.ZERO);
  }

  @Test
  void tableHasARowForEveryMnemonicAndEveryRowCanBeReached() {
    var unused = EnumSet.allOf(Mnemonic.class);
    Decoder.forms().forEach(form -> unused.remove(form.mnemonic()));

    assertThat(unused).containsExactlyInAnyOrder(Mnemonic.UNDEFINED, Mnemonic.TOO_LONG);
    assertThat(Decoder.forms()).hasSizeGreaterThan(1500).doesNotHaveDuplicates();
  }
}
