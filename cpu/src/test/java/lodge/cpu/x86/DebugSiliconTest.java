package lodge.cpu.x86;

import static lodge.cpu.x86.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Single steps, breakpoints and watched addresses in user code against this machine's own
 * processor: {@code steps.c} runs the same code under a tracer. Skipped where that is not possible.
 */
class DebugSiliconTest {
  private static final long CODE_AT = 0x20_0000;
  private static final long DATA_AT = 0x40_0000;
  private static final long STACK_AT = 0x60_0000;
  private static final long LIST_END = 0x6000;
  private static final long LIST = 0x6100;
  private static final long END_HANDLER = 0x9800;

  /**
   * How often the processor is asked again where it differs: below a hypervisor the kernel now and
   * then reports a single step with an empty DR6.
   */
  private static final int MORE_TRIES = 4;

  /** How many stops {@code steps.c} tells about. */
  private static final int MAX_STOPS = 64;

  /**
   * Appends RIP, DR6 and RFLAGS to a list, clears DR6, and returns with RF set if the bits of DR6
   * are set that the operand of TEST AL names: those of instruction breakpoints.
   */
  private static final String HANDLER_CODE =
      "50 53 48 8B 1C 25 00 60 00 00 48 8B 44 24 20 48 89 43 10 48 8B 44 24 10 48 89 03 0F 21 F0"
          + " 4889 43 08 48 83 C3 18 48 89 1C 25 00 60 00 00 A8 %02X 74 08 81 4C 24 20 00 00 01 00"
          + " 31 C00F 23 F0 5B 58 48 CF";

  /** What sequences are made of; RDI and RSI point to data, RCX is small. */
  private static final String[] SNIPPETS = {
    "90",
    "FF C0", // inc eax
    "8C D3 8E D3", // mov ebx, ss; mov ss, ebx
    "8C D3 8E D3 8E D3", // ...twice
    "50", // push rax
    "50 58", // push rax; pop rax
    "9C 9D", // pushfq; popfq
    "9C 81 0C 24 00 01 00 00 9D", // ...with TF set
    "9C 81 24 24 FF FE FF FF 9D", // ...with TF clear
    "89 07", // mov [rdi], eax
    "8B 07", // mov eax, [rdi]
    "89 47 05", // mov [rdi + 5], eax
    "01 47 04", // add [rdi + 4], eax
    "F0 FF 07", // lock inc dword [rdi]
    "48 87 47 08", // xchg [rdi + 8], rax
    "F0 0F B1 07", // lock cmpxchg [rdi], eax
    "0F 57 C0 0F 11 07", // xorps xmm0, xmm0; movups [rdi], xmm0
    "F3 0F 6F 07", // movdqu xmm0, [rdi]
    "6A 03 59 F3 AA", // push 3; pop rcx; rep stosb
    "F3 AA", // rep stosb
    "6A 03 59 F3 A4", // ...rep movsb
    "F3 AC", // rep lodsb
    "6A 04 59 F3 A6", // ...repe cmpsb
    "6A 04 59 F2 AE", // ...repne scasb
    "AB", // stosd
    "A5", // movsd
    "EB 00", // jmp +0
    "74 01 90", // jz +1; nop
    "E8 00 00 00 00 58 31 C0", // call +0; pop rax; xor eax, eax
    "6A 03 59 E2 00", // ...loop +0
    "C8 10 00 00 C9", // enter 16, 0; leave
    "CC", // int3
    "F1", // int1
    "31 C0 0F A2 31 C0 31 C9", // xor eax, eax; cpuid; and zeroes again
    "48 8D 3C 25 00 00 40 00", // lea rdi, [DATA_AT]
    "48 8D 34 25 08 00 40 00", // lea rsi, [DATA_AT + 8]
    "DB E3 D9 EE DD 1F", // fninit; fldz; fstp qword [rdi]
  };

  private static Process helper;
  private static BufferedReader answers;
  private static Writer requests;

  /** Code to run with TF set or clear, DR7, and DR0 to DR3. */
  private record Case(boolean tf, long dr7, long[] addresses, String code) {
    String request() {
      StringBuilder s = new StringBuilder(tf ? "1 " : "0 ");
      s.append(Long.toHexString(dr7));
      for (long address : addresses) {
        s.append(' ').append(Long.toHexString(address));
      }
      return s.append(' ').append(code).toString();
    }

    /** The breakpoints for instructions, as bits 3:0. */
    int instructionBreakpoints() {
      int set = 0;
      for (int i = 0; i < 4; i++) {
        boolean enabled = (dr7 >>> 2 * i & 3) != 0;
        set |= enabled && (dr7 >>> 16 + 4 * i & 3) == 0 ? 1 << i : 0;
      }
      return set;
    }
  }

  @BeforeAll
  static void startHelper() throws IOException, InterruptedException {
    String obstacle = start();
    if (!obstacle.isEmpty()) {
      System.out.println("Comparison of debugging with the host's processor skipped: " + obstacle);
      Assumptions.abort(obstacle);
    }
  }

  private static String start() throws IOException, InterruptedException {
    if (!System.getProperty("os.name").equals("Linux")
        || !System.getProperty("os.arch").equals("amd64")) {
      return "the host is not Linux on x86-64";
    }
    Path directory = Files.createTempDirectory("lodge-steps");
    Path source = directory.resolve("steps.c");
    Path program = directory.resolve("steps");
    try (InputStream resource = DebugSiliconTest.class.getResourceAsStream("steps.c")) {
      Files.copy(resource, source);
      Process gcc =
          new ProcessBuilder("gcc", "-O1", "-o", program.toString(), source.toString())
              .redirectErrorStream(true)
              .start();
      String messages = new String(gcc.getInputStream().readAllBytes());
      if (gcc.waitFor() != 0) {
        return "gcc cannot compile the helper: " + messages;
      }
      helper =
          new ProcessBuilder(program.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      answers = helper.inputReader();
      requests = helper.outputWriter();
      Case first = new Case(true, 1, new long[] {CODE_AT, 0, 0, 0}, "90");
      if (silicon(first).size() != 2) {
        return "there is no way to trace a process";
      }
      return "";
    } catch (IOException e) {
      return e.getMessage();
    } finally {
      Files.deleteIfExists(source);
      Files.deleteIfExists(program);
      Files.deleteIfExists(directory);
    }
  }

  @AfterAll
  static void stopHelper() {
    if (helper != null) {
      helper.destroy();
    }
  }

  private static List<String> silicon(Case test) throws IOException {
    requests.write(test.request() + "\n");
    requests.flush();
    String answer = answers.readLine();
    if (answer == null || answer.startsWith("refused")) {
      throw new IOException("the helper refuses " + test.request());
    }
    List<String> stops = new ArrayList<>();
    for (String stop : answer.split(" ")) {
      String[] parts = stop.split(",");
      boolean rf = parts.length == 3 && parts[2].equals("1");
      if (parts.length == 3) {
        stops.add(stop(test, Long.parseLong(parts[0], 16), Long.parseLong(parts[1], 16), rf));
      }
    }
    return stops;
  }

  /** RF is the kernel's business where there are instruction breakpoints. */
  private static String stop(Case test, long rip, long dr6, boolean rf) {
    String flag = test.instructionBreakpoints() != 0 ? "" : rf ? " RF" : "";
    return "%x dr6 %x%s".formatted(rip - CODE_AT, dr6 & 0xE00F, flag);
  }

  private static List<String> lodge(Case test) {
    try (TestMachine m = new TestMachine()) {
      m.longMode(3);
      Cpu c = m.c;
      m.code(HANDLER, HANDLER_CODE.formatted(test.instructionBreakpoints()));
      m.gate64(Vector.DB, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
      m.gate64(Vector.BP, CODE_64, HANDLER, INTERRUPT_GATE, 3, 0);
      m.gate64(Vector.UD, CODE_64, END_HANDLER, INTERRUPT_GATE, 0, 0);
      m.code(END_HANDLER, "F4");
      m.code(CODE_AT, test.code() + "0F 0B");
      m.memory.putLong(LIST_END, LIST);
      c.rip = CODE_AT;
      c.r[Cpu.RDI] = DATA_AT;
      c.r[Cpu.RSI] = DATA_AT;
      c.r[Cpu.RCX] = 3;
      c.r[Cpu.RDX] = 0;
      c.r[Cpu.RSP] = STACK_AT + 0x1000;
      c.eflags |= test.tf() ? Flags.TF : 0;
      System.arraycopy(test.addresses(), 0, c.dr, 0, 4);
      c.dr[7] = test.dr7() | 0x400;
      DebugRegisters.armed(c);
      m.run();
      List<String> stops = new ArrayList<>();
      for (long at = LIST; at < m.memory.getLong(LIST_END); at += 24) {
        boolean rf = (m.memory.getLong(at + 16) & Flags.RF) != 0;
        stops.add(stop(test, m.memory.getLong(at), m.memory.getLong(at + 8), rf));
      }
      return stops.subList(0, Math.min(stops.size(), MAX_STOPS));
    }
  }

  private static Case random(Random random) {
    StringBuilder code = new StringBuilder();
    for (int i = 2 + random.nextInt(10); i > 0; i--) {
      code.append(SNIPPETS[random.nextInt(SNIPPETS.length)]).append(' ');
    }
    int length = HexFormat.of().parseHex(code.toString().replace(" ", "")).length;
    long dr7 = 0;
    long[] addresses = new long[4];
    for (int i = 0; i < 4; i++) {
      int kind = random.nextInt(6);
      // Linux wants addresses that are aligned to the length.
      int lengthCode = random.nextInt(4);
      int bytes = new int[] {1, 2, 8, 4}[lengthCode];
      switch (kind) {
        case 0 -> {
          addresses[i] = CODE_AT + random.nextInt(length);
          dr7 |= 1L << 2 * i;
        }
        case 1, 2 -> {
          long at = DATA_AT + random.nextInt(16);
          addresses[i] = random.nextInt(4) == 0 ? STACK_AT + 0xFF8 - at % 16 : at;
          addresses[i] &= -bytes;
          int condition = random.nextBoolean() ? 1 : 3;
          dr7 |= 1L << 2 * i | (long) (condition | lengthCode << 2) << 16 + 4 * i;
        }
        default -> {}
      }
    }
    return new Case(random.nextBoolean(), dr7, addresses, code.toString());
  }

  @Test
  void random_code_stops_where_the_hosts_processor_stops_it() throws IOException {
    long seed = Long.getLong("lodge.seed", 20_261_120);
    int cases = Integer.getInteger("lodge.debug.cases", 1500);
    Random random = new Random(seed);
    int stops = 0;
    int again = 0;
    for (int i = 0; i < cases; i++) {
      Case test = random(random);
      List<String> expected = silicon(test);
      List<String> found = lodge(test);
      for (int n = 0; n < MORE_TRIES && !found.equals(expected); n++, again++) {
        expected = silicon(test);
      }
      assertThat(found).as("case %d of seed %d: %s", i, seed, test.request()).isEqualTo(expected);
      stops += expected.size();
    }
    System.out.println(
        cases
            + " cases of debugging, "
            + stops
            + " stops like the host's processor, asked again "
            + again
            + " times");
    assertThat(stops).isGreaterThan(cases);
  }
}
