package lodge.cpu.x86.interpreter;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Every MMX and SSE instruction form in assembler notation, grouped by the values that are worth
 * feeding to it. In templates X is XMM1, Y is XMM2 or 16 bytes of memory (y4, y8: or that many
 * bytes), M is MM1, N is MM2 or 8 bytes of memory, and I stands for several immediates.
 */
final class VectorForms {
  /** What the elements of the operands are. */
  enum Kind {
    INTEGER,
    SINGLE,
    DOUBLE,
    TEXT
  }

  /**
   * @param text one instruction, Intel syntax
   * @param needs processor features that it takes beyond SSE4.2, as Linux names them
   */
  record Line(String text, Kind kind, Set<String> needs) {
    Line(String text, Kind kind) {
      this(text, kind, Set.of());
    }
  }

  private static final String BOTH =
      """
      paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw
      psubusb psubusw pand pandn por pxor pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pminsw
      pminub pmaxsw pmaxub pavgb pavgw pabsb pabsw pabsd psignb psignw psignd psadbw pmullw pmulhw
      pmulhuw pmulhrsw pmuludq pmaddwd pmaddubsw packsswb packuswb packssdw phaddw phaddsw phaddd
      phsubw phsubsw phsubd psllw pslld psllq psrlw psrld psrlq psraw psrad punpckhbw punpckhwd
      punpckhdq pshufb\
      """;

  private static final String XMM_ONLY =
      """
      pcmpeqq pcmpgtq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld pmuldq packusdw
      punpcklbw punpcklwd punpckldq punpcklqdq punpckhqdq andps andpd andnps andnpd orps orpd xorps
      xorpd unpcklps unpcklpd unpckhps unpckhpd phminposuw ptest movshdup movsldup movaps movapd
      movdqa movups movupd movdqu\
      """;

  private static final String IMMEDIATE =
      """
      pshufd pshuflw pshufhw shufps shufpd palignr pblendw blendps blendpd mpsadbw\
      """;

  private static final String DOUBLES = "add sub mul div min max sqrt";

  private VectorForms() {}

  static List<Line> all() {
    List<Line> lines = new ArrayList<>();
    integers(lines);
    moves(lines);
    floats(lines, Kind.DOUBLE, "d", "y8");
    floats(lines, Kind.SINGLE, "s", "y4");
    conversions(lines);
    for (String name : List.of("pcmpestri", "pcmpestrm", "pcmpistri", "pcmpistrm")) {
      for (int control = 0; control < 128; control++) {
        expand(lines, Kind.TEXT, name + " X,Y," + control);
      }
    }
    cryptography(lines);
    return lines;
  }

  private static void integers(List<Line> lines) {
    for (String name : BOTH.split("\\s+")) {
      expand(lines, Kind.INTEGER, name + " X,Y");
      expand(lines, Kind.INTEGER, name + " M,N");
    }
    for (String name : XMM_ONLY.split("\\s+")) {
      expand(lines, Kind.INTEGER, name + " X,Y");
    }
    for (String name : IMMEDIATE.split("\\s+")) {
      expand(lines, Kind.INTEGER, name + " X,Y,I");
    }
    expand(
        lines,
        Kind.INTEGER,
        "pshufw M,N,I",
        "palignr M,N,I",
        "punpcklbw mm1,mm2",
        "punpcklwd mm1,mm2",
        "punpckldq mm1,mm2",
        "punpcklbw mm1,dword ptr [rsi]",
        "punpcklwd mm1,dword ptr [rsi]",
        "punpckldq mm1,dword ptr [rsi]",
        "pblendvb X,Y",
        "blendvps X,Y",
        "blendvpd X,Y",
        "pslldq xmm1,I",
        "psrldq xmm9,I",
        "insertps X,y4,I");
    for (String name : "psllw pslld psllq psrlw psrld psrlq psraw psrad".split(" ")) {
      expand(lines, Kind.INTEGER, name + " xmm1,I", name + " mm2,I");
      for (int count : new int[] {0, 1, 15, 16, 31, 32, 63, 64}) {
        expand(lines, Kind.INTEGER, name + " xmm9," + count, name + " mm1," + count);
      }
    }
    for (String suffix : "bw wd dq".split(" ")) {
      expand(lines, Kind.INTEGER, "pmovsx" + suffix + " X,y8", "pmovzx" + suffix + " X,y8");
    }
    for (String suffix : "bd wq".split(" ")) {
      expand(lines, Kind.INTEGER, "pmovsx" + suffix + " X,y4", "pmovzx" + suffix + " X,y4");
    }
    expand(lines, Kind.INTEGER, "pmovsxbq X,y2", "pmovzxbq X,y2");
  }

  private static void cryptography(List<Line> lines) {
    List<Line> plain = new ArrayList<>();
    for (String name : "aesenc aesenclast aesdec aesdeclast aesimc".split(" ")) {
      expand(plain, Kind.INTEGER, name + " X,Y");
    }
    expand(plain, Kind.INTEGER, "aeskeygenassist X,Y,I");
    plain.forEach(line -> lines.add(new Line(line.text(), line.kind(), Set.of("aes"))));
    plain.clear();
    expand(plain, Kind.INTEGER, "pclmulqdq X,Y,I", "pclmulqdq X,Y,1", "pclmulqdq X,Y,16");
    plain.forEach(line -> lines.add(new Line(line.text(), line.kind(), Set.of("pclmulqdq"))));
    plain.clear();
    for (String name : "sha1nexte sha1msg1 sha1msg2 sha256rnds2 sha256msg1 sha256msg2".split(" ")) {
      expand(plain, Kind.INTEGER, name + " X,Y");
    }
    for (int function = 0; function < 4; function++) {
      expand(plain, Kind.INTEGER, "sha1rnds4 X,Y," + function);
    }
    plain.forEach(line -> lines.add(new Line(line.text(), line.kind(), Set.of("sha_ni"))));
  }

  private static void moves(List<Line> lines) {
    expand(
        lines,
        Kind.INTEGER,
        "movaps [rsi],xmm9",
        "movapd [rsi],xmm1",
        "movdqa [rsi+16],xmm2",
        "movups [rsi+5],xmm1",
        "movupd [rsi+7],xmm1",
        "movdqu [rsi+1],xmm9",
        "movaps xmm1,[rsi+8]",
        "movaps [rsi+8],xmm1",
        "paddb xmm1,[rsi+4]",
        "movups xmm9,[rsi+3]",
        "lddqu xmm1,[rsi+3]",
        "movntdqa xmm1,[rsi]",
        "movntps [rsi],xmm1",
        "movntpd [rsi],xmm1",
        "movntdq [rsi],xmm1",
        "movntq [rsi],mm1",
        "movnti [rsi],eax",
        "movnti [rsi],rax",
        "movss xmm1,xmm2",
        "movss xmm1,[rsi]",
        "movss [rsi],xmm1",
        "movsd xmm1,xmm2",
        "movsd xmm1,[rsi]",
        "movsd [rsi],xmm1",
        "movlps xmm1,[rsi]",
        "movlps [rsi],xmm1",
        "movlpd xmm1,[rsi]",
        "movlpd [rsi],xmm1",
        "movhps xmm1,[rsi]",
        "movhps [rsi],xmm1",
        "movhpd xmm1,[rsi]",
        "movhpd [rsi],xmm1",
        "movhlps xmm1,xmm2",
        "movlhps xmm1,xmm2",
        "movddup X,y8",
        "movd xmm1,eax",
        "movd xmm9,[rsi]",
        "movd eax,xmm1",
        "movd dword ptr [rsi],xmm1",
        "movq xmm1,rax",
        "movq rax,xmm9",
        "movq xmm1,xmm2",
        "movq xmm1,qword ptr [rsi]",
        "movq qword ptr [rsi],xmm1",
        ".byte 0x66,0x0f,0xd6,0xd1",
        ".byte 0x66,0x0f,0x7f,0xd1",
        ".byte 0x0f,0x11,0xd1",
        ".byte 0xf2,0x0f,0x11,0xd1",
        ".byte 0xf3,0x0f,0x11,0xd1",
        "movd mm1,eax",
        "movd mm1,dword ptr [rsi]",
        "movd eax,mm1",
        "movd dword ptr [rsi],mm1",
        "movq mm1,rax",
        "movq rax,mm1",
        "movq mm1,mm2",
        ".byte 0x0f,0x7f,0xd1",
        "movq mm1,[rsi]",
        "movq [rsi],mm1",
        "movq2dq xmm1,mm2",
        "movdq2q mm1,xmm2",
        "emms",
        "maskmovdqu xmm1,xmm2",
        "maskmovq mm1,mm2",
        "pmovmskb eax,xmm9",
        "pmovmskb eax,mm1",
        "movmskps eax,xmm1",
        "movmskpd r8d,xmm1",
        "pinsrw xmm1,eax,I",
        "pinsrw xmm1,word ptr [rsi],I",
        "pinsrw mm1,eax,I",
        "pinsrw mm1,word ptr [rsi],I",
        "pextrw eax,xmm1,I",
        "pextrw eax,mm1,I",
        "pinsrb xmm1,eax,I",
        "pinsrb xmm1,byte ptr [rsi],I",
        "pinsrd xmm1,eax,I",
        "pinsrd xmm1,dword ptr [rsi],I",
        "pinsrq xmm1,rax,I",
        "pinsrq xmm1,qword ptr [rsi],I",
        "pextrb eax,xmm1,I",
        "pextrb byte ptr [rsi],xmm1,I",
        "pextrw word ptr [rsi],xmm1,I",
        "pextrd eax,xmm1,I",
        "pextrd dword ptr [rsi],xmm1,I",
        "pextrq rax,xmm1,I",
        "pextrq qword ptr [rsi],xmm1,I",
        "extractps eax,xmm1,I",
        "extractps dword ptr [rsi],xmm1,I",
        "crc32 eax,cl",
        "crc32 eax,ch",
        "crc32 eax,dil",
        "crc32 eax,cx",
        "crc32 eax,ecx",
        "crc32 rax,cl",
        "crc32 rax,rcx",
        "crc32 eax,byte ptr [rsi]",
        "crc32 eax,word ptr [rsi]",
        "crc32 eax,dword ptr [rsi]",
        "crc32 rax,qword ptr [rsi]",
        "stmxcsr [rsi]",
        "ldmxcsr [rsi]",
        "lfence",
        "sfence",
        "mfence",
        "prefetcht0 [rsi]",
        "prefetchnta [rax]",
        "clflush [rsi]");
  }

  private static void floats(List<Line> lines, Kind kind, String letter, String scalar) {
    for (String name : DOUBLES.split(" ")) {
      expand(lines, kind, name + "s" + letter + " X," + scalar, name + "p" + letter + " X,Y");
    }
    expand(lines, kind, "ucomis" + letter + " X," + scalar, "comis" + letter + " X," + scalar);
    for (int predicate = 0; predicate < 8; predicate++) {
      expand(lines, kind, "cmps" + letter + " X," + scalar + "," + predicate);
      expand(lines, kind, "cmpp" + letter + " X,Y," + predicate);
    }
    for (int control = 0; control < 16; control++) {
      expand(lines, kind, "rounds" + letter + " X," + scalar + "," + control);
      expand(lines, kind, "roundp" + letter + " X,Y," + control);
    }
    for (String name : "hadd hsub addsub".split(" ")) {
      expand(lines, kind, name + "p" + letter + " X,Y");
    }
    expand(lines, kind, "dpp" + letter + " X,Y,I", "dpp" + letter + " X,Y,0xFF");
    if (kind == Kind.SINGLE) {
      expand(lines, kind, "rcpss X,y4", "rcpps X,Y", "rsqrtss X,y4", "rsqrtps X,Y");
    }
  }

  private static void conversions(List<Line> lines) {
    for (String t : List.of("", "t")) {
      expand(
          lines,
          Kind.DOUBLE,
          "cvt" + t + "sd2si eax,xmm1",
          "cvt" + t + "sd2si rax,xmm1",
          "cvt" + t + "sd2si eax,qword ptr [rsi]",
          "cvt" + t + "sd2si rax,qword ptr [rsi]",
          "cvt" + t + "pd2dq X,Y",
          "cvt" + t + "pd2pi mm1,xmm1",
          "cvt" + t + "pd2pi mm1,[rsi]");
      expand(
          lines,
          Kind.SINGLE,
          "cvt" + t + "ss2si eax,xmm1",
          "cvt" + t + "ss2si rax,xmm1",
          "cvt" + t + "ss2si eax,dword ptr [rsi]",
          "cvt" + t + "ss2si rax,dword ptr [rsi]",
          "cvt" + t + "ps2dq X,Y",
          "cvt" + t + "ps2pi mm1,xmm1",
          "cvt" + t + "ps2pi mm1,[rsi]");
    }
    expand(lines, Kind.DOUBLE, "cvtsd2ss X,y8", "cvtpd2ps X,Y");
    expand(lines, Kind.SINGLE, "cvtss2sd X,y4", "cvtps2pd X,y8");
    expand(
        lines,
        Kind.INTEGER,
        "cvtsi2sd xmm1,eax",
        "cvtsi2sd xmm1,rax",
        "cvtsi2sd xmm1,dword ptr [rsi]",
        "cvtsi2sd xmm1,qword ptr [rsi]",
        "cvtsi2ss xmm1,eax",
        "cvtsi2ss xmm1,rax",
        "cvtsi2ss xmm1,dword ptr [rsi]",
        "cvtsi2ss xmm1,qword ptr [rsi]",
        "cvtdq2pd X,y8",
        "cvtdq2ps X,Y",
        "cvtpi2ps xmm1,mm1",
        "cvtpi2ps xmm1,[rsi]",
        "cvtpi2pd xmm1,mm1",
        "cvtpi2pd xmm1,[rsi]");
  }

  static void expand(List<Line> lines, Kind kind, String... templates) {
    for (String template : templates) {
      if (template.endsWith("I")) {
        for (int immediate : new int[] {0, 0x1B, 0x4E, 0x93, 0xE5, 0x0F, 0x72, 0xA8, 0xFF}) {
          expandSource(lines, kind, template.substring(0, template.length() - 1) + immediate);
        }
      } else {
        expandSource(lines, kind, template);
      }
    }
  }

  private static void expandSource(List<Line> lines, Kind kind, String template) {
    String text = template.replace("X,", "xmm1,").replace("M,", "mm1,");
    boolean both = false;
    for (String[] source : SOURCES) {
      if (text.contains("," + source[0])) {
        lines.add(new Line(text.replace("," + source[0], "," + source[1]), kind));
        lines.add(new Line(text.replace("," + source[0], "," + source[2]), kind));
        both = true;
      }
    }
    if (!both) {
      lines.add(new Line(text, kind));
    }
  }

  private static final String[][] SOURCES = {
    {"Y", "xmm2", "xmmword ptr [rsi]"},
    {"y8", "xmm2", "qword ptr [rsi]"},
    {"y4", "xmm2", "dword ptr [rsi]"},
    {"y2", "xmm2", "word ptr [rsi]"},
    {"N", "mm2", "qword ptr [rsi]"},
  };
}
