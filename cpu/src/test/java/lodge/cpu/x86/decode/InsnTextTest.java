package lodge.cpu.x86.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InsnTextTest {
  private static final long RIP = 0xFFFF_FFFF_8100_0000L;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "01 C8                         | add eax, ecx",
        "48 83 E4 F0                   | and rsp, 0xfffffffffffffff0",
        "40 88 F7                      | mov dil, sil",
        "88 E7                         | mov bh, ah",
        "66 41 C7 40 10 34 12          | mov word ptr [r8+0x10], 0x1234",
        "48 8B 44 8B F8                | mov rax, qword ptr [rbx+rcx*4-0x8]",
        "65 48 8B 04 25 28 00 00 00    | mov rax, qword ptr gs:[0x28]",
        "48 8D 05 00 10 00 00          | lea rax, [rip+0x1000]",
        "0F B6 C9                      | movzx ecx, cl",
        "75 FE                         | jne 0xffffffff81000000",
        "E8 FB 0F 00 00                | call 0xffffffff81001000",
        "FF 24 C5 00 00 00 80          | jmp qword ptr [rax*8-0x80000000]",
        "C3                            | ret",
        "0F 94 C0                      | sete al",
        "48 0F 4C C1                   | cmovl rax, rcx",
        "48 98                         | cdqe",
        "48 99                         | cqo",
        "D3 E0                         | shl eax, cl",
        "C1 F8 1F                      | sar eax, 0x1f",
        "F0 48 0F B1 0F                | lock cmpxchg qword ptr [rdi], rcx",
        "F3 48 A5                      | rep movsq",
        "F2 AE                         | repne scasb",
        "0F 20 D8                      | mov rax, cr3",
        "EC                            | in al, dx",
        "D8 C1                         | fadd st, st(1)",
        "DD 45 08                      | fld qword ptr [rbp+0x8]",
        "F2 0F 58 C1                   | addsd xmm0, xmm1",
        "66 0F 6F 07                   | movdqa xmm0, xmmword ptr [rdi]",
        "0F 6F C1                      | movq mm0, mm1",
        "C5 FD 6F 06                   | vmovdqa ymm0, ymmword ptr [rsi]",
        "C5 FD 5A C1                   | vcvtpd2ps xmm0, ymm1",
        "C4 E2 F1 99 00                | vfmadd132sd xmm0, xmm1, qword ptr [rax]",
        "C4 E2 ED 92 04 08             | vgatherdpd ymm0, [rax+xmm1*1], ymm2",
        "C4 E3 71 4A C2 30             | vblendvps xmm0, xmm1, xmm2, xmm3",
      })
  void isIntelsSyntax(String hex, String text) {
    byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));

    Insn insn = new Decoder().decode(code, 0, code.length, 8);

    assertThat(insn.length).isEqualTo(code.length);
    assertThat(InsnText.of(insn, RIP)).isEqualTo(text);
  }
}
