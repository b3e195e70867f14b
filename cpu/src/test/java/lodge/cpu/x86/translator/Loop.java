package lodge.cpu.x86.translator;

/** Loops of {@link #INSTRUCTIONS} instructions, closed by DEC ECX and JNZ, with HLT behind. */
public enum Loop {
  INTEGER(
      "4801D0" // add rax, rdx
          + "488D3480" // lea rsi, [rax + rax * 4]
          + "4831F2" // xor rdx, rsi
          + "4889D7" // mov rdi, rdx
          + "48C1EF07" // shr rdi, 7
          + "4829F8" // sub rax, rdi
          + "FFC975E8F4"),
  MEMORY(
      "8B06" // mov eax, [rsi]
          + "034704" // add eax, [rdi + 4]
          + "8907" // mov [rdi], eax
          + "0FB6140E" // movzx edx, byte [rsi + rcx]
          + "015608" // add [rsi + 8], edx
          + "88140F" // mov [rdi + rcx], dl
          + "FFC975EBF4"),
  FLOATING_POINT(
      "660F28D0" // movapd xmm2, xmm0
          + "F20F59D1" // mulsd xmm2, xmm1
          + "F20F58D3" // addsd xmm2, xmm3
          + "F20F5CC2" // subsd xmm0, xmm2
          + "F20F59C4" // mulsd xmm0, xmm4
          + "F20F58C5" // addsd xmm0, xmm5
          + "FFC975E4F4");

  static final int INSTRUCTIONS = 8;

  final String code;

  Loop(String code) {
    this.code = code;
  }
}
