package lodge.cpu.x86.interpreter;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lodge.cpu.x86.interpreter.VectorForms.Kind;
import lodge.cpu.x86.interpreter.VectorForms.Line;

/**
 * VEX-encoded vector instructions but the gathers, in assembler notation: the destination is
 * register 1, the first source 9, the last one 2 or memory.
 */
final class VexForms {
  /** Destination and two sources of 128 or 256 bits. */
  private static final String THREE =
      """
      paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw
      psubusb psubusw pand pandn por pxor pcmpeqb pcmpeqw pcmpeqd pcmpeqq pcmpgtb pcmpgtw pcmpgtd
      pcmpgtq pminsb pminsw pminsd pminub pminuw pminud pmaxsb pmaxsw pmaxsd pmaxub pmaxuw pmaxud
      pavgb pavgw psignb psignw psignd psadbw pmullw pmulhw pmulhuw pmulhrsw pmulld pmuludq pmuldq
      pmaddwd pmaddubsw packsswb packuswb packssdw packusdw phaddw phaddsw phaddd phsubw phsubsw
      phsubd punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq
      pshufb andps andpd andnps andnpd orps orpd xorps xorpd unpcklps unpcklpd unpckhps unpckhpd
      psllvd psllvq psrlvd psrlvq psravd permilps permilpd\
      """;

  private static final String THREE_WITH_IMMEDIATE =
      "shufps shufpd palignr pblendw blendps blendpd pblendd mpsadbw";

  private static final String TWO =
      """
      pabsb pabsw pabsd ptest movshdup movsldup movaps movapd movdqa movups movupd movdqu testps
      testpd\
      """;

  private static final String TWO_WITH_IMMEDIATE = "pshufd pshuflw pshufhw permilps permilpd";

  private static final String SHIFTS = "psllw pslld psllq psrlw psrld psrlq psraw psrad";

  private static final Set<String> AVX2 = Set.of("avx", "avx2");

  private VexForms() {}

  static List<Line> all() {
    List<Line> lines = new ArrayList<>();
    integers(lines);
    moves(lines);
    elements(lines);
    permutations(lines);
    masked(lines);
    floats(lines, Kind.DOUBLE, "d", "qword");
    floats(lines, Kind.SINGLE, "s", "dword");
    conversions(lines);
    fused(lines);
    cryptography(lines);
    return lines;
  }

  private static void integers(List<Line> lines) {
    for (String name : THREE.split("\\s+")) {
      both(lines, Kind.INTEGER, "v" + name + " V1,V9,V2", AVX2);
    }
    for (String name : THREE_WITH_IMMEDIATE.split(" ")) {
      both(lines, Kind.INTEGER, "v" + name + " V1,V9,V2,I", AVX2);
    }
    for (String name : TWO.split("\\s+")) {
      both(lines, Kind.INTEGER, "v" + name + " V1,V2", AVX2);
    }
    for (String name : TWO_WITH_IMMEDIATE.split(" ")) {
      both(lines, Kind.INTEGER, "v" + name + " V1,V2,I", AVX2);
    }
    for (String name : SHIFTS.split(" ")) {
      for (String v : List.of("xmm", "ymm")) {
        add(
            lines,
            Kind.INTEGER,
            AVX2,
            "v" + name + " " + v + "1," + v + "9,xmm2",
            "v" + name + " " + v + "1," + v + "9,xmmword ptr [rsi+1]",
            "v" + name + " " + v + "1," + v + "2,I",
            "v" + name + " " + v + "1," + v + "9,7");
      }
    }
    for (String v : List.of("xmm", "ymm")) {
      for (String name : List.of("vpslldq", "vpsrldq")) {
        add(lines, Kind.INTEGER, AVX2, name + " " + v + "1," + v + "9,I");
      }
      for (String name : List.of("vpblendvb", "vblendvps", "vblendvpd")) {
        String registers = " " + v + "1," + v + "9,";
        add(lines, Kind.INTEGER, AVX2, name + registers + v + "2," + v + "0");
        add(lines, Kind.INTEGER, AVX2, name + registers + "[rsi+3]," + v + "1");
      }
    }
    both(lines, Kind.INTEGER, "vphminposuw X1,X2", AVX2);
    add(lines, Kind.INTEGER, AVX2, "vzeroupper", "vzeroall");
  }

  private static void moves(List<Line> lines) {
    for (String name : "aps apd dqa ups upd dqu ntps ntpd ntdq".split(" ")) {
      add(
          lines,
          Kind.INTEGER,
          AVX2,
          "vmov" + name + " [rsi],xmm9",
          "vmov" + name + " [rsi],ymm9",
          "vmov" + name + " [rsi+16],ymm1");
    }
    for (String name : "movlps movhps movlpd movhpd".split(" ")) {
      add(lines, Kind.INTEGER, AVX2, "v" + name + " xmm1,xmm9,[rsi]", "v" + name + " [rsi],xmm9");
    }
    add(
        lines,
        Kind.INTEGER,
        AVX2,
        "vmovhlps xmm1,xmm9,xmm2",
        "vmovlhps xmm1,xmm9,xmm2",
        "vmovddup xmm1,xmm2",
        "vmovddup ymm1,ymm2",
        "vmovddup xmm1,[rsi]",
        "vmovddup ymm1,[rsi]",
        "vmovss xmm1,xmm9,xmm2",
        "vmovsd xmm1,xmm9,xmm2",
        ".byte 0xc5,0xb2,0x11,0xd1",
        ".byte 0xc5,0xb3,0x11,0xd1",
        "vmovss xmm1,[rsi]",
        "vmovsd xmm1,[rsi]",
        "vmovss [rsi],xmm9",
        "vmovsd [rsi],xmm9",
        "vmovd xmm1,eax",
        "vmovd eax,xmm9",
        "vmovd xmm1,dword ptr [rsi]",
        "vmovd dword ptr [rsi],xmm1",
        "vmovq xmm1,rax",
        "vmovq rax,xmm9",
        "vmovq xmm1,xmm2",
        ".byte 0xc5,0xf9,0xd6,0xd1",
        "vmovq xmm1,qword ptr [rsi]",
        "vmovq qword ptr [rsi],xmm1",
        "vlddqu xmm1,[rsi+3]",
        "vlddqu ymm1,[rsi+3]",
        "vmovntdqa xmm1,[rsi]",
        "vmovntdqa ymm1,[rsi]",
        "vmovntdqa ymm1,[rsi+16]",
        "vmaskmovdqu xmm1,xmm2",
        "vldmxcsr [rsi]",
        "vstmxcsr [rsi]",
        "vpmovmskb eax,xmm9",
        "vpmovmskb eax,ymm9",
        "vmovmskps eax,xmm9",
        "vmovmskps eax,ymm9",
        "vmovmskpd eax,xmm9",
        "vmovmskpd eax,ymm9");
  }

  private static void elements(List<Line> lines) {
    add(
        lines,
        Kind.INTEGER,
        AVX2,
        "vpinsrb xmm1,xmm9,eax,I",
        "vpinsrb xmm1,xmm9,byte ptr [rsi],I",
        "vpinsrw xmm1,xmm9,eax,I",
        "vpinsrw xmm1,xmm9,word ptr [rsi],I",
        "vpinsrd xmm1,xmm9,eax,I",
        "vpinsrd xmm1,xmm9,dword ptr [rsi],I",
        "vpinsrq xmm1,xmm9,rax,I",
        "vpinsrq xmm1,xmm9,qword ptr [rsi],I",
        "vinsertps xmm1,xmm9,xmm2,I",
        "vinsertps xmm1,xmm9,dword ptr [rsi],I",
        "vpextrb eax,xmm1,I",
        "vpextrb byte ptr [rsi],xmm1,I",
        "vpextrw eax,xmm1,I",
        "vpextrw word ptr [rsi],xmm1,I",
        "vpextrd eax,xmm1,I",
        "vpextrd dword ptr [rsi],xmm1,I",
        "vpextrq rax,xmm1,I",
        "vpextrq qword ptr [rsi],xmm1,I",
        "vextractps eax,xmm1,I",
        "vextractps dword ptr [rsi],xmm1,I");
    String[] sizes = {"bw 8 16", "wd 8 16", "dq 8 16", "bd 4 8", "wq 4 8", "bq 2 4"};
    for (String size : sizes) {
      String[] parts = size.split(" ");
      for (String sign : List.of("vpmovsx", "vpmovzx")) {
        String name = sign + parts[0];
        add(
            lines,
            Kind.INTEGER,
            AVX2,
            name + " xmm1,xmm2",
            name + " ymm1,xmm2",
            name + " xmm1," + pointer(parts[1]) + "[rsi+1]",
            name + " ymm1," + pointer(parts[2]) + "[rsi+1]");
      }
    }
    for (String name : List.of("vpcmpestri", "vpcmpestrm", "vpcmpistri", "vpcmpistrm")) {
      add(lines, Kind.TEXT, AVX2, name + " xmm1,xmm2,I", name + " xmm1,[rsi+1],I");
    }
  }

  private static String pointer(String bytes) {
    return switch (bytes) {
      case "2" -> "word ptr ";
      case "4" -> "dword ptr ";
      case "8" -> "qword ptr ";
      default -> "xmmword ptr ";
    };
  }

  private static void permutations(List<Line> lines) {
    for (String name : "b w d q".split(" ")) {
      for (String v : List.of("xmm1", "ymm1")) {
        add(
            lines,
            Kind.INTEGER,
            AVX2,
            "vpbroadcast" + name + " " + v + ",xmm2",
            "vpbroadcast" + name + " " + v + ",[rsi+1]");
      }
    }
    add(
        lines,
        Kind.INTEGER,
        AVX2,
        "vbroadcastss xmm1,xmm2",
        "vbroadcastss ymm1,xmm2",
        "vbroadcastss xmm1,[rsi]",
        "vbroadcastss ymm1,[rsi]",
        "vbroadcastsd ymm1,xmm2",
        "vbroadcastsd ymm1,[rsi]",
        "vbroadcastf128 ymm1,[rsi+1]",
        "vbroadcasti128 ymm1,[rsi+1]",
        "vpermd ymm1,ymm9,ymm2",
        "vpermd ymm1,ymm9,[rsi+1]",
        "vpermps ymm1,ymm9,ymm2",
        "vpermps ymm1,ymm9,[rsi+1]",
        "vpermq ymm1,ymm2,I",
        "vpermq ymm1,[rsi+1],I",
        "vpermpd ymm1,ymm2,I",
        "vpermpd ymm1,[rsi+1],I");
    for (String letter : List.of("f", "i")) {
      add(
          lines,
          Kind.INTEGER,
          AVX2,
          "vperm2" + letter + "128 ymm1,ymm9,ymm2,I",
          "vperm2" + letter + "128 ymm1,ymm9,[rsi+1],I",
          "vperm2" + letter + "128 ymm1,ymm9,ymm2,0x31",
          "vperm2" + letter + "128 ymm1,ymm9,ymm2,0x02",
          "vinsert" + letter + "128 ymm1,ymm9,xmm2,I",
          "vinsert" + letter + "128 ymm1,ymm9,[rsi+1],I",
          "vextract" + letter + "128 xmm1,ymm9,I",
          "vextract" + letter + "128 [rsi+1],ymm9,I");
    }
  }

  private static void masked(List<Line> lines) {
    for (String name : "vmaskmovps vmaskmovpd vpmaskmovd vpmaskmovq".split(" ")) {
      for (String v : List.of("xmm", "ymm")) {
        add(
            lines,
            Kind.INTEGER,
            AVX2,
            name + " " + v + "1," + v + "9,[rsi+1]",
            name + " [rsi+1]," + v + "9," + v + "1");
      }
    }
  }

  private static void floats(List<Line> lines, Kind kind, String letter, String scalar) {
    for (String name : "add sub mul div min max".split(" ")) {
      both(lines, kind, "v" + name + "p" + letter + " V1,V9,V2", AVX2);
      scalar(lines, kind, "v" + name + "s" + letter + " xmm1,xmm9,", scalar, "");
    }
    for (String name : "hadd hsub addsub".split(" ")) {
      both(lines, kind, "v" + name + "p" + letter + " V1,V9,V2", AVX2);
    }
    both(lines, kind, "vsqrtp" + letter + " V1,V2", AVX2);
    scalar(lines, kind, "vsqrts" + letter + " xmm1,xmm9,", scalar, "");
    scalar(lines, kind, "vucomis" + letter + " xmm1,", scalar, "");
    scalar(lines, kind, "vcomis" + letter + " xmm1,", scalar, "");
    for (int predicate = 0; predicate < 32; predicate++) {
      both(lines, kind, "vcmpp" + letter + " V1,V9,V2," + predicate, AVX2);
      scalar(lines, kind, "vcmps" + letter + " xmm1,xmm9,", scalar, "," + predicate);
    }
    for (int control = 0; control < 16; control += 3) {
      both(lines, kind, "vroundp" + letter + " V1,V2," + control, AVX2);
      scalar(lines, kind, "vrounds" + letter + " xmm1,xmm9,", scalar, "," + control);
    }
    if (kind == Kind.SINGLE) {
      both(lines, kind, "vdpps V1,V9,V2,I", AVX2);
      both(lines, kind, "vrcpps V1,V2", AVX2);
      both(lines, kind, "vrsqrtps V1,V2", AVX2);
      scalar(lines, kind, "vrcpss xmm1,xmm9,", scalar, "");
      scalar(lines, kind, "vrsqrtss xmm1,xmm9,", scalar, "");
    } else {
      add(lines, kind, AVX2, "vdppd xmm1,xmm9,xmm2,I", "vdppd xmm1,xmm9,[rsi+1],I");
    }
  }

  private static void scalar(
      List<Line> lines, Kind kind, String start, String pointer, String end) {
    add(lines, kind, AVX2, start + "xmm2" + end, start + pointer + " ptr [rsi+1]" + end);
  }

  private static void conversions(List<Line> lines) {
    Set<String> half = Set.of("avx", "avx2", "f16c");
    for (String t : List.of("", "t")) {
      scalar(lines, Kind.DOUBLE, "vcvt" + t + "sd2si eax,", "qword", "");
      scalar(lines, Kind.DOUBLE, "vcvt" + t + "sd2si rax,", "qword", "");
      scalar(lines, Kind.SINGLE, "vcvt" + t + "ss2si eax,", "dword", "");
      scalar(lines, Kind.SINGLE, "vcvt" + t + "ss2si rax,", "dword", "");
      both(lines, Kind.SINGLE, "vcvt" + t + "ps2dq V1,V2", AVX2);
      shorten(lines, "vcvt" + t + "pd2dq");
    }
    shorten(lines, "vcvtpd2ps");
    scalar(lines, Kind.DOUBLE, "vcvtsd2ss xmm1,xmm9,", "qword", "");
    scalar(lines, Kind.SINGLE, "vcvtss2sd xmm1,xmm9,", "dword", "");
    lengthen(lines, Kind.SINGLE, "vcvtps2pd", AVX2);
    lengthen(lines, Kind.INTEGER, "vcvtdq2pd", AVX2);
    lengthen(lines, Kind.SINGLE, "vcvtph2ps", half);
    lengthen(lines, Kind.INTEGER, "vcvtph2ps", half);
    both(lines, Kind.INTEGER, "vcvtdq2ps V1,V2", AVX2);
    for (String letter : List.of("d", "s")) {
      add(
          lines,
          Kind.INTEGER,
          AVX2,
          "vcvtsi2s" + letter + " xmm1,xmm9,eax",
          "vcvtsi2s" + letter + " xmm1,xmm9,rax",
          "vcvtsi2s" + letter + " xmm1,xmm9,dword ptr [rsi+1]",
          "vcvtsi2s" + letter + " xmm1,xmm9,qword ptr [rsi+1]");
    }
    for (int control = 0; control < 8; control++) {
      add(
          lines,
          Kind.SINGLE,
          half,
          "vcvtps2ph xmm1,xmm2," + control,
          "vcvtps2ph xmm1,ymm2," + control,
          "vcvtps2ph [rsi+1],xmm2," + control,
          "vcvtps2ph [rsi+1],ymm2," + control);
    }
  }

  private static void shorten(List<Line> lines, String name) {
    add(
        lines,
        Kind.DOUBLE,
        AVX2,
        name + " xmm1,xmm2",
        name + " xmm1,ymm2",
        name + " xmm1,xmmword ptr [rsi+1]",
        name + " xmm1,ymmword ptr [rsi+1]");
  }

  private static void lengthen(List<Line> lines, Kind kind, String name, Set<String> needs) {
    add(
        lines,
        kind,
        needs,
        name + " xmm1,xmm2",
        name + " ymm1,xmm2",
        name + " xmm1,qword ptr [rsi+1]",
        name + " ymm1,xmmword ptr [rsi+1]");
  }

  private static void fused(List<Line> lines) {
    Set<String> needs = Set.of("avx", "avx2", "fma");
    for (String order : List.of("132", "213", "231")) {
      for (String name : "fmadd fmsub fnmadd fnmsub fmaddsub fmsubadd".split(" ")) {
        both(lines, Kind.DOUBLE, "v" + name + order + "pd V1,V9,V2", needs);
        both(lines, Kind.SINGLE, "v" + name + order + "ps V1,V9,V2", needs);
      }
      for (String name : "fmadd fmsub fnmadd fnmsub".split(" ")) {
        add(
            lines,
            Kind.DOUBLE,
            needs,
            "v" + name + order + "sd xmm1,xmm9,xmm2",
            "v" + name + order + "sd xmm1,xmm9,qword ptr [rsi+1]");
        add(
            lines,
            Kind.SINGLE,
            needs,
            "v" + name + order + "ss xmm1,xmm9,xmm2",
            "v" + name + order + "ss xmm1,xmm9,dword ptr [rsi+1]");
      }
    }
  }

  private static void cryptography(List<Line> lines) {
    for (String name : "vaesenc vaesenclast vaesdec vaesdeclast".split(" ")) {
      add(
          lines,
          Kind.INTEGER,
          Set.of("avx", "aes"),
          name + " xmm1,xmm9,xmm2",
          name + " xmm1,xmm9,[rsi+1]");
      add(
          lines,
          Kind.INTEGER,
          Set.of("avx", "vaes"),
          name + " ymm1,ymm9,ymm2",
          name + " ymm1,ymm9,[rsi+1]");
    }
    add(
        lines,
        Kind.INTEGER,
        Set.of("avx", "aes"),
        "vaesimc xmm1,xmm2",
        "vaesimc xmm1,[rsi+1]",
        "vaeskeygenassist xmm1,xmm2,I",
        "vaeskeygenassist xmm1,[rsi+1],I");
    for (int control : new int[] {0, 1, 16, 17, 0xFF}) {
      both(
          lines,
          Kind.INTEGER,
          "vpclmulqdq V1,V9,V2," + control,
          Set.of("avx", "pclmulqdq", "vpclmulqdq"));
    }
  }

  /** Registers V as XMM and as YMM, or X as XMM alone; the last source also in memory. */
  private static void both(List<Line> lines, Kind kind, String template, Set<String> needs) {
    for (String v : template.contains("X") ? List.of("xmm") : List.of("xmm", "ymm")) {
      String text = template.replaceAll("[VX]([0-9])", v + "$1");
      add(lines, kind, needs, text, text.replace("," + v + "2", "," + v + "word ptr [rsi+1]"));
      if (text.startsWith("vmovap") || text.startsWith("vmovdqa")) {
        add(lines, kind, needs, text.replace("," + v + "2", ",[rsi]"));
      }
    }
  }

  private static void add(List<Line> lines, Kind kind, Set<String> needs, String... templates) {
    List<Line> plain = new ArrayList<>();
    VectorForms.expand(plain, kind, templates);
    plain.forEach(line -> lines.add(new Line(line.text(), kind, needs)));
  }
}
