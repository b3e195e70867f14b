package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Locked instructions on one processor: results, flags, faults, and memory of every kind. */
class LockedInstructionsTest {
  private static final long DATA = 0x10_0000;
  private static final String LOCK = "F0";

  /** Instructions on [rdi], without LOCK, for all sizes that they have. */
  static List<String> instructions() {
    List<String> all = new ArrayList<>();
    for (String size : List.of("8", "16", "32", "64")) {
      String prefix = size.equals("16") ? "66" : size.equals("64") ? "48" : "";
      int wide = size.equals("8") ? 0 : 1;
      String imm = size.equals("8") ? "9C" : size.equals("16") ? "9CE7" : "9CE76B85";
      for (int operation = 0; operation < 7; operation++) {
        all.add(prefix + byteOf(8 * operation + wide) + "0F");
        all.add(prefix + byteOf(0x80 + wide) + byteOf(operation << 3 | 7) + imm);
        if (wide == 1) {
          all.add(prefix + "83" + byteOf(operation << 3 | 7) + "F5");
        }
      }
      for (int operation : new int[] {0, 1}) {
        all.add(prefix + byteOf(0xFE + wide) + byteOf(operation << 3 | 7));
      }
      for (int operation : new int[] {2, 3}) {
        all.add(prefix + byteOf(0xF6 + wide) + byteOf(operation << 3 | 7));
      }
      all.add(prefix + "0F" + byteOf(0xC0 + wide) + "0F");
      all.add(prefix + "0F" + byteOf(0xB0 + wide) + "0F");
      if (wide == 1) {
        for (int opcode : new int[] {0xAB, 0xB3, 0xBB}) {
          all.add(prefix + "0F" + byteOf(opcode) + "0F");
        }
        for (int operation : new int[] {5, 6, 7}) {
          all.add(prefix + "0FBA" + byteOf(operation << 3 | 7) + "4D");
        }
      }
    }
    all.add("0FC70F");
    all.add("480FC70F");
    return all;
  }

  private static String byteOf(int value) {
    return "%02X".formatted(value);
  }

  @ParameterizedTest
  @MethodSource("instructions")
  void theyDoWhatTheyDoWithoutLock(String instruction) {
    Random random = new Random(instruction.hashCode());
    boolean sixteen = instruction.startsWith("480FC7");
    try (TestMachine plain = new TestMachine().longMode(0);
        TestMachine locked = new TestMachine().longMode(0)) {
      for (int offset : new int[] {0, 1, 5, 0xFFD}) {
        for (int round = 0; round < 8 && !(sixteen && offset != 0); round++) {
          long[] registers = random.longs(16).toArray();
          long low = random.nextLong();
          long high = random.nextLong();
          boolean equal = round % 2 == 0;
          if (equal) {
            registers[Cpu.RAX] = sixteen ? low : instruction.equals("0FC70F") ? (int) low : low;
            registers[Cpu.RDX] = sixteen ? high : low >>> 32;
          }
          // Bit offsets reach beyond the operand, but not far.
          registers[Cpu.RCX] &= 0x3FF;
          int flags = random.nextInt() & 0x8D5;
          for (TestMachine machine : List.of(plain, locked)) {
            System.arraycopy(registers, 0, machine.c.r, 0, 16);
            machine.c.r[Cpu.RSP] = TestMachine.STACK;
            machine.c.r[Cpu.RDI] = DATA + offset;
            machine.c.rip = TestMachine.CODE;
            Flags.setArithmetic(machine.c, flags);
            machine.memory.fill(DATA, 8192, (byte) 0x5A);
            machine.memory.putLong(DATA + offset, low);
            machine.memory.putLong(DATA + offset + 8, high);
          }
          plain.run(instruction);
          locked.run(LOCK + instruction);
          assertThat(locked.c.r).containsExactly(withBase(plain.c.r, locked.c.r));
          assertThat(Flags.arithmetic(locked.c)).isEqualTo(Flags.arithmetic(plain.c));
          for (long gpa = DATA; gpa < DATA + 8192; gpa += 8) {
            assertThat(locked.memory.getLong(gpa)).isEqualTo(plain.memory.getLong(gpa));
          }
        }
      }
    }
  }

  /** The engine's own register behind the sixteen does not count. */
  private static long[] withBase(long[] registers, long[] base) {
    long[] expected = registers.clone();
    expected[Cpu.CODE_BASE] = base[Cpu.CODE_BASE];
    return expected;
  }

  @ParameterizedTest
  @MethodSource("instructions")
  void theyFaultAsWritesAndChangeNothing(String instruction) {
    try (TestMachine machine = new TestMachine().longMode(0)) {
      Cpu c = machine.c;
      c.cr0 |= Cpu.CR0_WP;
      long page = 0x60_0000;
      machine.memory.putLong(TestMachine.PML4 + 0x2000 + 8 * 3, page | 0x85);
      c.r[Cpu.RDI] = page;
      c.r[Cpu.RAX] = 0;
      long[] before = c.r.clone();
      assertThat(machine.errorCode(Vector.PF, LOCK + instruction)).isEqualTo(3);
      assertThat(c.cr2).isEqualTo(page);
      for (int i = 0; i < 16; i++) {
        assertThat(c.r[i]).isEqualTo(i == Cpu.RSP ? c.r[i] : before[i]);
      }
      assertThat(machine.memory.getLong(page)).isZero();
    }
  }

  @Test
  void exchangeOf16BytesHasToBeAligned() {
    try (TestMachine machine = new TestMachine().longMode(0)) {
      machine.c.r[Cpu.RDI] = DATA + 8;
      assertThat(machine.errorCode(Vector.GP, "F0480FC70F")).isZero();
    }
  }

  @Test
  void exchangeWithMemoryNeedsNoLock() {
    try (TestMachine machine = new TestMachine().longMode(0)) {
      Cpu c = machine.c;
      c.r[Cpu.RDI] = DATA + 6;
      c.r[Cpu.RCX] = 0x1122_3344_5566_7788L;
      machine.memory.putLong(DATA + 6, 0x0102_0304_0506_0708L);
      // xchg [rdi], rcx; xchg [rdi+1], ch; xchg cx, [rdi+2]; xchg [rdi+4], ecx
      machine.run("48870F 866F01 66874F02 874F04");
      assertThat(machine.memory.getLong(DATA + 6)).isEqualTo(0x0506_5566_7708_0788L);
      assertThat(c.r[Cpu.RCX]).isEqualTo(0x1122_3344L);
    }
  }

  @Test
  void whatTheyWriteIsExecutedNext() {
    try (TestMachine machine = new TestMachine().longMode(0)) {
      Cpu c = machine.c;
      c.r[Cpu.RDI] = TestMachine.CODE + 6;
      c.r[Cpu.RAX] = 0;
      // lock add byte [rdi], 5; 2 NOPs; mov al, 7 with its immediate at +6
      machine.run("F0800705 90 B0 07");
      assertThat(c.r[Cpu.RAX]).isEqualTo(12);
    }
  }

  @Test
  void aDeviceSeesOneReadAndOneWrite() {
    List<String> seen = new ArrayList<>();
    ApicPort apic = new RegisterPage(seen);
    try (TestMachine machine = new TestMachine(apic).longMode(0)) {
      machine.c.r[Cpu.RDI] = RegisterPage.BASE + 0x80;
      machine.c.r[Cpu.RCX] = 0x30;
      machine.run("F00FC10F");
      assertThat(seen).containsExactly("read 80 4", "write 80 4 51");
      assertThat(machine.c.r[Cpu.RCX]).isEqualTo(0x21);
      seen.clear();
      machine.c.rip = TestMachine.CODE;
      machine.run("870F");
      assertThat(seen).containsExactly("read 80 4", "write 80 4 21");
    }
  }

  /** Registers that always read as 0x21. */
  private static final class RegisterPage implements ApicPort {
    static final long BASE = 0xE0_0000;

    private final ApicPort none = new NoApic();
    private final List<String> seen;

    RegisterPage(List<String> seen) {
      this.seen = seen;
    }

    @Override
    public boolean pending() {
      return false;
    }

    @Override
    public int acknowledge() {
      return -1;
    }

    @Override
    public boolean takeNmi() {
      return false;
    }

    @Override
    public int cr8() {
      return 0;
    }

    @Override
    public void setCr8(int value) {}

    @Override
    public boolean hasMsr(int msr) {
      return false;
    }

    @Override
    public long readMsr(int msr) {
      return none.readMsr(msr);
    }

    @Override
    public boolean writeMsr(int msr, long value) {
      return false;
    }

    @Override
    public long mmioBase() {
      return BASE;
    }

    @Override
    public long read(int offset, int size) {
      seen.add("read %x %d".formatted(offset, size));
      return 0x21;
    }

    @Override
    public void write(int offset, int size, long value) {
      seen.add("write %x %d %x".formatted(offset, size, value));
    }
  }
}
