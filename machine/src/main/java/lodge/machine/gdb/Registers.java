package lodge.machine.gdb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.vector.Mxcsr;

/**
 * The registers in the order of their numbers, and the target description that says so ("Debugging
 * with GDB", appendix G): the features that GDB knows of i386:x86-64, and the control registers
 * under the names that they have with QEMU.
 */
final class Registers {
  /** Flags that a debugger may change; the others would change the mode. */
  private static final int FLAGS =
      Flags.ARITHMETIC
          | Flags.TF
          | Flags.IF
          | Flags.DF
          | Flags.IOPL
          | Flags.NT
          | Flags.RF
          | Flags.AC
          | Flags.ID;

  private static final String CORE_TYPES =
      """
      <flags id="i386_eflags" size="4">
      %s</flags>
      """
          .formatted(
              flags(
                  "CF 0 PF 2 AF 4 ZF 6 SF 7 TF 8 IF 9 DF 10 OF 11 NT 14 RF 16 VM 17 AC 18 VIF 19"
                      + " VIP 20 ID 21"));

  private static final String SSE_TYPES =
      """
      <vector id="v4f" type="ieee_single" count="4"/>
      <vector id="v2d" type="ieee_double" count="2"/>
      <vector id="v16i8" type="int8" count="16"/>
      <vector id="v8i16" type="int16" count="8"/>
      <vector id="v4i32" type="int32" count="4"/>
      <vector id="v2i64" type="int64" count="2"/>
      <union id="vec128">
      <field name="v4_float" type="v4f"/>
      <field name="v2_double" type="v2d"/>
      <field name="v16_int8" type="v16i8"/>
      <field name="v8_int16" type="v8i16"/>
      <field name="v4_int32" type="v4i32"/>
      <field name="v2_int64" type="v2i64"/>
      <field name="uint128" type="uint128"/>
      </union>
      <flags id="i386_mxcsr" size="4">
      %s</flags>
      """
          .formatted(
              flags("IE 0 DE 1 ZE 2 OE 3 UE 4 PE 5 DAZ 6 IM 7 DM 8 ZM 9 OM 10 UM 11 PM 12 FZ 15"));

  private static final String CONTROL_TYPES =
      """
      <flags id="i386_cr0" size="8">
      %s</flags>
      <flags id="i386_cr4" size="8">
      %s</flags>
      <flags id="i386_efer" size="8">
      %s</flags>
      """
          .formatted(
              flags("PE 0 MP 1 EM 2 TS 3 ET 4 NE 5 WP 16 AM 18 NW 29 CD 30 PG 31"),
              flags(
                  "VME 0 PVI 1 TSD 2 DE 3 PSE 4 PAE 5 MCE 6 PGE 7 PCE 8 OSFXSR 9 OSXMMEXCPT 10"
                      + " UMIP 11 LA57 12 FSGSBASE 16 PCIDE 17 OSXSAVE 18 SMEP 20 SMAP 21 PKE 22"),
              flags("SCE 0 LME 8 LMA 10 NXE 11"));

  private static final String[] GENERAL = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
  };

  /** Where the first eight of {@link #GENERAL} are in {@link Cpu#r}. */
  private static final int[] GENERAL_PLACES = {
    Cpu.RAX, Cpu.RBX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI, Cpu.RBP, Cpu.RSP
  };

  private static final Map<String, List<Register>> FEATURES = new LinkedHashMap<>();

  static {
    FEATURES.put("org.gnu.gdb.i386.core", core());
    FEATURES.put("org.gnu.gdb.i386.sse", sse());
    FEATURES.put("org.gnu.gdb.i386.segments", segmentBases());
    FEATURES.put("org.lodge.x86.control", control());
  }

  private static final Map<String, String> TYPES =
      Map.of(
          "org.gnu.gdb.i386.core", CORE_TYPES,
          "org.gnu.gdb.i386.sse", SSE_TYPES,
          "org.lodge.x86.control", CONTROL_TYPES);

  /** By their numbers. */
  static final List<Register> ALL = FEATURES.values().stream().flatMap(List::stream).toList();

  /** Bytes of all together. */
  static final int SIZE = ALL.stream().mapToInt(Register::bytes).sum();

  static final String DESCRIPTION = description();

  private Registers() {}

  private static List<Register> core() {
    List<Register> core = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      int place = i < 8 ? GENERAL_PLACES[i] : i;
      String type = GENERAL[i].equals("rbp") || GENERAL[i].equals("rsp") ? "data_ptr" : "int64";
      core.add(
          new Register(GENERAL[i], 8, type, (c, _) -> c.r[place], (c, low, _) -> c.r[place] = low));
    }
    core.add(
        new Register("rip", 8, "code_ptr", (c, _) -> c.rip, (c, low, _) -> c.rip = cut(c, low)));
    core.add(
        new Register(
            "eflags",
            4,
            "i386_eflags",
            (c, _) -> Flags.get(c),
            (c, low, _) -> {
              Flags.set(c, Flags.get(c) & ~FLAGS | (int) low & FLAGS);
              c.modeChanged();
            }));
    List.of("cs:1", "ss:2", "ds:3", "es:0", "fs:4", "gs:5")
        .forEach(
            each -> {
              int place = each.charAt(3) - '0';
              core.add(
                  Register.fixed(each.substring(0, 2), 4, "int32", (c, _) -> c.selector[place]));
            });
    for (int i = 0; i < 8; i++) {
      int number = i;
      core.add(
          Register.fixed(
              "st" + i, 10, "i387_ext", (c, high) -> high ? c.x87.se(number) : c.x87.sig(number)));
    }
    core.add(Register.fixed("fctrl", 4, "int", (c, _) -> c.x87.controlWord()));
    core.add(Register.fixed("fstat", 4, "int", (c, _) -> c.x87.statusWord()));
    core.add(Register.fixed("ftag", 4, "int", (c, _) -> tags(c.x87.fxsaveTags())));
    core.add(Register.fixed("fiseg", 4, "int", (_, _) -> 0));
    core.add(Register.fixed("fioff", 4, "int", (c, _) -> c.x87.lastRip));
    core.add(Register.fixed("foseg", 4, "int", (_, _) -> 0));
    core.add(Register.fixed("fooff", 4, "int", (c, _) -> c.x87.lastDataPointer));
    core.add(Register.fixed("fop", 4, "int", (c, _) -> c.x87.lastOpcode));
    return core;
  }

  private static long cut(Cpu c, long rip) {
    return c.mode64() ? rip : rip & 0xFFFF_FFFFL;
  }

  /** Two bits a register: 0 means valid, and 3 empty. */
  private static int tags(int valid) {
    int tags = 0;
    for (int i = 0; i < 8; i++) {
      tags |= (valid >> i & 1) != 0 ? 0 : 3 << 2 * i;
    }
    return tags;
  }

  private static List<Register> sse() {
    List<Register> sse = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      int lane = 4 * i;
      sse.add(
          new Register(
              "xmm" + i,
              16,
              "vec128",
              (c, high) -> c.xmm[high ? lane + 1 : lane],
              (c, low, high) -> {
                c.xmm[lane] = low;
                c.xmm[lane + 1] = high;
              }));
    }
    sse.add(
        new Register(
            "mxcsr",
            4,
            "i386_mxcsr",
            (c, _) -> c.mxcsr,
            (c, low, _) -> c.mxcsr = (int) low & Mxcsr.VALID));
    return sse;
  }

  private static List<Register> segmentBases() {
    return List.of(segmentBase("fs_base", Cpu.FS), segmentBase("gs_base", Cpu.GS));
  }

  private static Register segmentBase(String name, int segment) {
    return new Register(
        name,
        8,
        "int",
        (c, _) -> c.segBase[segment],
        (c, low, _) -> {
          if (c.canonicalBase(low)) {
            c.segBase[segment] = low;
          }
        });
  }

  private static List<Register> control() {
    return List.of(
        Register.fixed("k_gs_base", 8, "int", (c, _) -> c.msrs.kernelGsBase),
        Register.fixed("cr0", 8, "i386_cr0", (c, _) -> c.cr0),
        Register.fixed("cr2", 8, "int", (c, _) -> c.cr2),
        Register.fixed("cr3", 8, "int", (c, _) -> c.cr3),
        Register.fixed("cr4", 8, "i386_cr4", (c, _) -> c.cr4),
        Register.fixed("cr8", 8, "int", (c, _) -> c.apic.cr8()),
        Register.fixed("efer", 8, "i386_efer", (c, _) -> c.efer));
  }

  /** All values, one behind the other. */
  static byte[] get(Cpu c) {
    byte[] values = new byte[SIZE];
    int at = 0;
    for (Register each : ALL) {
      each.get(c, values, at);
      at += each.bytes();
    }
    return values;
  }

  /**
   * Sets all.
   *
   * @param values {@link #SIZE} bytes
   * @return false, with nothing changed, when one is another that cannot be changed
   */
  static boolean set(Cpu c, byte[] values) {
    byte[] old = get(c);
    int at = 0;
    for (Register each : ALL) {
      int end = at + each.bytes();
      if (!each.writable() && !Arrays.equals(old, at, end, values, at, end)) {
        return false;
      }
      at = end;
    }
    at = 0;
    for (Register each : ALL) {
      if (each.writable()) {
        each.set(c, values, at);
      }
      at += each.bytes();
    }
    return true;
  }

  private static String flags(String text) {
    StringBuilder fields = new StringBuilder();
    String[] words = text.split(" ");
    for (int i = 0; i < words.length; i += 2) {
      fields.append(
          "<field name=\"%s\" start=\"%s\" end=\"%<s\"/>\n".formatted(words[i], words[i + 1]));
    }
    return fields.toString();
  }

  private static String description() {
    String features =
        FEATURES.entrySet().stream()
            .map(each -> feature(each.getKey(), each.getValue()))
            .collect(Collectors.joining());
    return """
    <?xml version="1.0"?>
    <!DOCTYPE target SYSTEM "gdb-target.dtd">
    <target version="1.0">
    <architecture>i386:x86-64</architecture>
    %s</target>
    """
        .formatted(features);
  }

  private static String feature(String name, List<Register> registers) {
    StringBuilder text = new StringBuilder("<feature name=\"" + name + "\">\n");
    text.append(TYPES.getOrDefault(name, ""));
    for (Register each : registers) {
      text.append(
          "<reg name=\"%s\" bitsize=\"%d\" type=\"%s\"/>\n"
              .formatted(each.name(), 8 * each.bytes(), each.type()));
    }
    return text.append("</feature>\n").toString();
  }
}
