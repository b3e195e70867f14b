package lodge.cpu.x86;

/**
 * What the processors of {@link SmpTortureTest} execute, in 64-bit mode: machine code and what it
 * means.
 *
 * <p>RSI is the processor's number, RDI leads to shared data, RBP to the flag that ends it all. R15
 * counts rounds, R14 what must not happen.
 */
final class SmpPrograms {
  private SmpPrograms() {}

  /** Counts with every locked instruction: all sizes, within and across 8 bytes and pages. */
  static final String COUNTERS =
      """
      F0800701           loop: lock add byte ptr [rdi], 1
      F0FE4701           lock inc byte ptr [rdi+1]
      66F083470203       lock add word ptr [rdi+2], 3
      B801000000         mov eax, 1
      F00FC14704         lock xadd dword ptr [rdi+4], eax
      F04883470801       lock add qword ptr [rdi+8], 1
      F048836F10FF       lock sub qword ptr [rdi+16], -1
      F9                 stc
      F083571800         lock adc dword ptr [rdi+24], 0
      F9                 stc
      F0835F1C00         lock sbb dword ptr [rdi+28], 0
      F048FF4F20         lock dec qword ptr [rdi+32]
      488B4728           mov rax, [rdi+40]
      488D4801           q: lea rcx, [rax+1]
      F0480FB14F28       lock cmpxchg [rdi+40], rcx
      75F4               jne q
      8B4730             mov eax, [rdi+48]
      8D4801             d: lea ecx, [rax+1]
      F00FB14F30         lock cmpxchg [rdi+48], ecx
      75F6               jne d
      668B4734           mov ax, [rdi+52]
      8D4801             w: lea ecx, [rax+1]
      66F00FB14F34       lock cmpxchg [rdi+52], cx
      75F5               jne w
      8A4736             mov al, [rdi+54]
      8D4801             b: lea ecx, [rax+1]
      F00FB04F36         lock cmpxchg [rdi+54], cl
      75F6               jne b
      8B4738             mov eax, [rdi+56]
      8B573C             mov edx, [rdi+60]
      89C3               e: mov ebx, eax
      89D1               mov ecx, edx
      81C3FFFFFF7F       add ebx, 0x7FFFFFFF
      83D100             adc ecx, 0
      F00FC74F38         lock cmpxchg8b [rdi+56]
      75EC               jne e
      488B4740           mov rax, [rdi+64]
      488B5748           mov rdx, [rdi+72]
      4889C3             s: mov rbx, rax
      4889D1             mov rcx, rdx
      4C01CB             add rbx, r9
      4883D100           adc rcx, 0
      F0480FC74F40       lock cmpxchg16b [rdi+64]
      75EB               jne s
      F0FF4751           lock inc dword ptr [rdi+81]
      66F0FF475B         lock inc word ptr [rdi+91]
      F048FF4764         lock inc qword ptr [rdi+100]
      F0FF4776           lock inc dword ptr [rdi+118]
      F048FF87FC0F0000   lock inc qword ptr [rdi+0xFFC]
      F0F79780000000     lock not dword ptr [rdi+128]
      F083B78400000001   lock xor dword ptr [rdi+132], 1
      F0480FBABF8800000005 lock btc qword ptr [rdi+136], 5
      F0F79FA0000000     lock neg dword ptr [rdi+160]
      F00FBAAF9000000007 t: lock bts dword ptr [rdi+144], 7
      7304               jnc got
      F390               pause
      EBF1               jmp t
      48FF8798000000     got: inc qword ptr [rdi+152]
      F00FBAB79000000007 lock btr dword ptr [rdi+144], 7
      B801000000         mov eax, 1
      89F1               mov ecx, esi
      D3E0               shl eax, cl
      F00987A4000000     lock or [rdi+164], eax
      8587A4000000       test [rdi+164], eax
      7413               jz bad
      F7D0               not eax
      F02187A4000000     lock and [rdi+164], eax
      F7D0               not eax
      8587A4000000       test [rdi+164], eax
      7403               jz good
      49FFC6             bad: inc r14
      49FFC7             good: inc r15
      837D0000           cmp dword ptr [rbp], 0
      0F84C7FEFFFF       je loop
      F4                 hlt
      """;

  /** A lock of XCHG around two plain counters that must agree. */
  static final String SPINLOCK =
      """
      B801000000         loop: mov eax, 1
      8707               try: xchg [rdi], eax
      85C0               test eax, eax
      7409               jz got
      F390               spin: pause
      833F00             cmp dword ptr [rdi], 0
      75F9               jne spin
      EBF1               jmp try
      48FF4740           got: inc qword ptr [rdi+64]
      48FF8780000000     inc qword ptr [rdi+128]
      488B4740           mov rax, [rdi+64]
      483B8780000000     cmp rax, [rdi+128]
      7403               je good
      49FFC6             inc r14
      C70700000000       good: mov dword ptr [rdi], 0
      49FFC7             inc r15
      837D0000           cmp dword ptr [rbp], 0
      74C2               je loop
      F4                 hlt
      """;

  /** A ticket lock of 16-bit halves around a plain counter. */
  static final String TICKETS =
      """
      B801000000         loop: mov eax, 1
      66F00FC107         lock xadd [rdi], ax
      663B4702           wait: cmp ax, [rdi+2]
      7404               je got
      F390               pause
      EBF6               jmp wait
      488B5F40           got: mov rbx, [rdi+64]
      48FFC3             inc rbx
      48895F40           mov [rdi+64], rbx
      66FF4702           inc word ptr [rdi+2]
      49FFC7             inc r15
      837D0000           cmp dword ptr [rbp], 0
      74D4               je loop
      F4                 hlt
      """;

  /**
   * One stores data, then its number; the others must not see the number before the data, nor data
   * that goes back.
   */
  static final String MESSAGES =
      """
      85F6               test esi, esi
      7511               jnz read
      49FFC7             write: inc r15
      4C893F             mov [rdi], r15
      4C897F40           mov [rdi+64], r15
      837D0000           cmp dword ptr [rbp], 0
      74F0               je write
      F4                 hlt
      488B4740           read: mov rax, [rdi+64]
      488B0F             mov rcx, [rdi]
      488B17             mov rdx, [rdi]
      4839C1             cmp rcx, rax
      7205               jb bad
      4839CA             cmp rdx, rcx
      7303               jae good
      49FFC6             bad: inc r14
      49FFC7             good: inc r15
      837D0000           cmp dword ptr [rbp], 0
      74E0               je read
      F4                 hlt
      """;

  /**
   * Rounds: each of two stores to its cell and loads the other's. Counts rounds in which both loads
   * gave the old value.
   */
  static final String STORE_THEN_LOAD =
      """
      4989F2             mov r10, rsi
      49C1E206           shl r10, 6
      4D89D3             mov r11, r10
      4983F340           xor r11, 64
      49FFC7             round: inc r15
      4E89BC1500010000   mov [rbp+r10+0x100], r15
      4E39BC1D00010000   meet: cmp [rbp+r11+0x100], r15
      7309               jae go
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74EE               je meet
      F4                 hlt
      4E893C17           go: mov [rdi+r10], r15
      0F1F840078563412   nop dword ptr [rax+rax*1+0x12345678]
      4A8B041F           mov rax, [rdi+r11]
      4A89841500020000   mov [rbp+r10+0x200], rax
      4E89BC1500030000   mov [rbp+r10+0x300], r15
      4E39BC1D00030000   wait: cmp [rbp+r11+0x300], r15
      7309               jae both
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74EE               je wait
      F4                 hlt
      488B9D00020000     both: mov rbx, [rbp+0x200]
      488B8D40020000     mov rcx, [rbp+0x240]
      4C39FB             cmp rbx, r15
      7308               jae fine
      4C39F9             cmp rcx, r15
      7303               jae fine
      49FFC6             inc r14
      837D0000           fine: cmp dword ptr [rbp], 0
      748E               je round
      F4                 hlt
      """;

  /**
   * Rounds: each of two loads its cell and stores to the other's. Counts rounds in which both loads
   * gave the new value.
   */
  static final String LOAD_THEN_STORE =
      """
      4989F2             mov r10, rsi
      49C1E206           shl r10, 6
      4D89D3             mov r11, r10
      4983F340           xor r11, 64
      49FFC7             round: inc r15
      4E89BC1500010000   mov [rbp+r10+0x100], r15
      4E39BC1D00010000   meet: cmp [rbp+r11+0x100], r15
      7309               jae go
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74EE               je meet
      F4                 hlt
      4A8B0417           go: mov rax, [rdi+r10]
      4E893C1F           mov [rdi+r11], r15
      4A89841500020000   mov [rbp+r10+0x200], rax
      4E89BC1500030000   mov [rbp+r10+0x300], r15
      4E39BC1D00030000   wait: cmp [rbp+r11+0x300], r15
      7309               jae both
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74EE               je wait
      F4                 hlt
      488B9D00020000     both: mov rbx, [rbp+0x200]
      488B8D40020000     mov rcx, [rbp+0x240]
      4C39FB             cmp rbx, r15
      7208               jb fine
      4C39F9             cmp rcx, r15
      7203               jb fine
      49FFC6             inc r14
      837D0000           fine: cmp dword ptr [rbp], 0
      7496               je round
      F4                 hlt
      """;

  /** Peterson's lock, which needs its MFENCE, around a plain counter. */
  static final String PETERSON =
      """
      4989F2             mov r10, rsi
      49C1E206           shl r10, 6
      4D89D3             mov r11, r10
      4983F340           xor r11, 64
      42C7041701000000   loop: mov dword ptr [rdi+r10], 1
      4C899F80000000     mov [rdi+128], r11
      0FAEF0             mfence
      42833C1F00         wait: cmp dword ptr [rdi+r11], 0
      740D               je in
      4C399F80000000     cmp [rdi+128], r11
      7504               jne in
      F390               pause
      EBEC               jmp wait
      488B87C0000000     in: mov rax, [rdi+192]
      48FFC0             inc rax
      488987C0000000     mov [rdi+192], rax
      42C7041700000000   mov dword ptr [rdi+r10], 0
      49FFC7             inc r15
      837D0000           cmp dword ptr [rbp], 0
      74B8               je loop
      F4                 hlt
      """;

  /**
   * One patches the function at RBX and interrupts the other, who must not return an older value
   * than that acknowledged.
   */
  static final String PATCH_AND_INTERRUPT =
      """
      85F6               test esi, esi
      752D               jnz run
      49FFC7             patch: inc r15
      44897B01           mov [rbx+1], r15d
      4C897F40           mov [rdi+64], r15
      B930080000         mov ecx, 0x830
      B840000000         mov eax, 0x40
      31D2               xor edx, edx
      0F30               wrmsr
      4C393F             ack: cmp [rdi], r15
      7308               jae next
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74F3               je ack
      837D0000           next: cmp dword ptr [rbp], 0
      74D4               je patch
      F4                 hlt
      FB                 run: sti
      4C8B27             again: mov r12, [rdi]
      FFD3               call rbx
      4439E0             cmp eax, r12d
      7303               jae good
      49FFC6             inc r14
      49FFC7             good: inc r15
      837D0000           cmp dword ptr [rbp], 0
      74EA               je again
      FA                 cli
      F4                 hlt
      """;

  /** The handler for it. */
  static final String ACKNOWLEDGE =
      """
      50                 push rax
      51                 push rcx
      52                 push rdx
      488B4740           mov rax, [rdi+64]
      488907             mov [rdi], rax
      B90B080000         mov ecx, 0x80B
      31C0               xor eax, eax
      31D2               xor edx, edx
      0F30               wrmsr
      5A                 pop rdx
      59                 pop rcx
      58                 pop rax
      48CF               iretq
      """;

  /**
   * One patches the function at R9 and sets a flag; the other sees the flag, executes CPUID and
   * calls.
   */
  static final String PATCH_AND_FLAG =
      """
      85F6               test esi, esi
      751F               jnz run
      49FFC7             patch: inc r15
      45897901           mov [r9+1], r15d
      4C893F             mov [rdi], r15
      4C397F40           ack: cmp [rdi+64], r15
      7308               jae next
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74F2               je ack
      837D0000           next: cmp dword ptr [rbp], 0
      74E2               je patch
      F4                 hlt
      4C393F             run: cmp [rdi], r15
      7709               ja ready
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74F3               je run
      F4                 hlt
      4C8B3F             ready: mov r15, [rdi]
      31C0               xor eax, eax
      0FA2               cpuid
      41FFD1             call r9
      4439F8             cmp eax, r15d
      7303               jae good
      49FFC6             inc r14
      4C897F40           good: mov [rdi+64], r15
      837D0000           cmp dword ptr [rbp], 0
      74D6               je run
      F4                 hlt
      """;

  /** Each patches its own function and calls it at once; the functions share cache lines. */
  static final String PATCH_OWN =
      """
      4889F0             mov rax, rsi
      48C1E004           shl rax, 4
      488D1C03           lea rbx, [rbx+rax]
      49FFC7             loop: inc r15
      44897B01           mov [rbx+1], r15d
      FFD3               call rbx
      4439F8             cmp eax, r15d
      7403               je good
      49FFC6             inc r14
      837D0000           good: cmp dword ptr [rbp], 0
      74E9               je loop
      F4                 hlt
      """;

  /** Returns its immediate. */
  static final String FUNCTION =
      """
      B800000000         mov eax, 0
      C3                 ret
      """;

  /** One changes a page-table entry by locked instructions while the other's walks mark it. */
  static final String MARK_ENTRIES =
      """
      85F6               test esi, esi
      752C               jnz use
      488B07             change: mov rax, [rdi]
      48C1E834           shr rax, 52
      4C31F8             xor rax, r15
      83E001             and eax, 1
      4901C6             add r14, rax
      F0480FBA3F34       lock btc qword ptr [rdi], 52
      F0480FBA3706       lock btr qword ptr [rdi], 6
      F0480FBA3705       lock btr qword ptr [rdi], 5
      49FFC7             inc r15
      837D0000           cmp dword ptr [rbp], 0
      74D5               je change
      F4                 hlt
      0F013B             use: invlpg [rbx]
      4C893B             mov [rbx], r15
      49FFC7             inc r15
      837D0000           cmp dword ptr [rbp], 0
      74F1               je use
      F4                 hlt
      """;

  /**
   * One maps a page to another frame, with newer contents, and interrupts the other, who must not
   * see older contents than acknowledged.
   */
  static final String REMAP =
      """
      85F6               test esi, esi
      753E               jnz run
      49FFC7             remap: inc r15
      4C89F8             mov rax, r15
      83E001             and eax, 1
      C1E00C             shl eax, 12
      4C893C03           mov [rbx+rax], r15
      488D440307         lea rax, [rbx+rax+7]
      498901             mov [r9], rax
      4C897F40           mov [rdi+64], r15
      B930080000         mov ecx, 0x830
      B840000000         mov eax, 0x40
      31D2               xor edx, edx
      0F30               wrmsr
      4C393F             ack: cmp [rdi], r15
      7308               jae next
      F390               pause
      837D0000           cmp dword ptr [rbp], 0
      74F3               je ack
      837D0000           next: cmp dword ptr [rbp], 0
      74C3               je remap
      F4                 hlt
      FB                 run: sti
      4C8B27             again: mov r12, [rdi]
      498B4500           mov rax, [r13]
      4C39E0             cmp rax, r12
      7303               jae good
      49FFC6             inc r14
      49FFC7             good: inc r15
      837D0000           cmp dword ptr [rbp], 0
      74E8               je again
      FA                 cli
      F4                 hlt
      """;

  /** The handler for it. */
  static final String FLUSH_AND_ACKNOWLEDGE =
      """
      410F017D00         invlpg [r13]
      50                 push rax
      51                 push rcx
      52                 push rdx
      488B4740           mov rax, [rdi+64]
      488907             mov [rdi], rax
      B90B080000         mov ecx, 0x80B
      31C0               xor eax, eax
      31D2               xor edx, edx
      0F30               wrmsr
      5A                 pop rdx
      59                 pop rcx
      58                 pop rax
      48CF               iretq
      """;
}
