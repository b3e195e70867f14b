package lodge.cpu.x86.interpreter;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.NoApic;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Environment;

/**
 * Executes single x87 instructions on a processor of ours, on the same cases as {@link
 * HardwareX87}.
 */
final class X87Bench implements AutoCloseable {
  static final int RIP = 0x1000;
  private static final long BLOCK = 0x2000;

  final GuestMemory memory = GuestMemory.allocate(1 << 20);
  final Cpu cpu;
  private final Map<Integer, Op> ops = new HashMap<>();

  X87Bench() {
    Clock clock =
        new Clock() {
          @Override
          public long nanos() {
            return 0;
          }

          @Override
          public long epochNanos() {
            return 0;
          }

          @Override
          public Timer timer(Runnable action) {
            throw new UnsupportedOperationException();
          }
        };
    cpu = new Cpu(0, new CpuModel(), memory, new PortBus(), new MmioBus(), clock, new NoApic());
    cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_NE | Cpu.CR0_MP | Cpu.CR0_ET;
    cpu.modeChanged();
    cpu.r[Cpu.CODE_BASE] = RIP;
    cpu.x87.init();
  }

  /** The op of a 64-bit instruction. */
  Op link(int... bytes) {
    return link(8, bytes);
  }

  /** The op of an instruction in a code segment of {@code codeSize} bytes. */
  Op link(int codeSize, int[] bytes) {
    byte[] code = new byte[16];
    for (int i = 0; i < bytes.length; i++) {
      code[i] = (byte) bytes[i];
    }
    Insn insn = new Decoder().decode(code, 0, 15, codeSize);
    Op op = X87Linker.link(insn, 0);
    if (op == null) {
      throw new AssertionError("not linked: " + insn.form);
    }
    op.length = (byte) insn.length;
    op.next = op;
    return op;
  }

  private Op link(int instruction) {
    int opcode = instruction >> 8 & 0xFF;
    int modrm = instruction & 0xFF;
    return instruction >> 16 != 0 ? link(instruction >> 16, opcode, modrm) : link(opcode, modrm);
  }

  /** As {@link HardwareX87#run}. FIP is {@link #RIP}. */
  void run(int instruction, byte[] image) {
    Op op = ops.computeIfAbsent(instruction, this::link);
    MemorySegment block = memory.segment();
    ByteBuffer b = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    MemorySegment.copy(MemorySegment.ofArray(image), 0, block, BLOCK, image.length);
    Environment.restore(cpu.x87, cpu.mmu, BLOCK, 4, true);
    cpu.r[Cpu.RSI] = BLOCK + HardwareX87.OPERAND;
    cpu.r[Cpu.RAX] = 0;
    Flags.setArithmetic(cpu, b.getInt(HardwareX87.FLAGS));
    op.exec(cpu);
    Environment.save(cpu.x87, cpu.mmu, BLOCK, 4, true);
    MemorySegment.copy(block, BLOCK, MemorySegment.ofArray(image), 0, image.length);
    b.putLong(HardwareX87.FLAGS, Flags.get(cpu));
    b.putLong(HardwareX87.RAX, cpu.r[Cpu.RAX]);
  }

  @Override
  public void close() {
    memory.close();
  }
}
