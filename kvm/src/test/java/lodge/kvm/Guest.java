package lodge.kvm;

import java.util.HexFormat;
import lodge.core.Clock;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;

/** One processor with 16 MiB of memory, in real mode with all segments at 0. */
final class Guest implements AutoCloseable {
  static final long CODE = 0x8000;
  private static final long TABLES = 0x1_0000;

  final GuestMemory memory;
  final PortBus ports = new PortBus();
  final MmioBus mmio = new MmioBus();
  final TestApic apic = new TestApic();
  final HostClock clock = new HostClock();
  final Cpu cpu;
  Vcpu vcpu;

  Guest() {
    this(GuestMemory.allocate(16 << 20));
  }

  Guest(GuestMemory memory) {
    this.memory = memory;
    cpu = new Cpu(0, new CpuModel(), memory, ports, mmio, (Clock) clock, apic);
    start();
  }

  /** Back to the first instruction. */
  void start() {
    cpu.reset();
    cpu.selector[Cpu.CS] = 0;
    cpu.segBase[Cpu.CS] = 0;
    cpu.idtBase = 0;
    cpu.idtLimit = 0x3FF;
    cpu.r[Cpu.RSP] = 0x7000;
    cpu.rip = CODE;
    cpu.modeChanged();
  }

  /** 64-bit code at CPL 0, with the first 4 GiB mapped to themselves in pages of 2 MiB. */
  Guest longMode() {
    memory.putLong(TABLES, TABLES + 0x1000 | 7);
    for (int gib = 0; gib < 4; gib++) {
      memory.putLong(TABLES + 0x1000 + 8 * gib, TABLES + 0x2000 + 0x1000 * gib | 7);
    }
    for (long page = 0; page < 2048; page++) {
      memory.putLong(TABLES + 0x2000 + 8 * page, page << 21 | 0x87);
    }
    cpu.cr0 = 0x8000_0031L;
    cpu.cr3 = TABLES;
    cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR;
    cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
    for (int i = 0; i < 6; i++) {
      cpu.selector[i] = i == Cpu.CS ? 0x08 : 0x10;
      cpu.segBase[i] = 0;
      cpu.segLimit[i] = 0xFFFF_FFFFL;
      cpu.segAccess[i] = i == Cpu.CS ? 0xA09B : 0xC093;
    }
    cpu.modeChanged();
    return this;
  }

  Guest code(String hex) {
    return code(CODE, hex);
  }

  Guest code(long gpa, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    memory.put(gpa, bytes, 0, bytes.length);
    return this;
  }

  Guest on(Engine engine) {
    vcpu = engine.create(cpu);
    return this;
  }

  /** Runs until something else than a kick comes up. */
  Exit run() {
    Exit exit;
    do {
      exit = vcpu.run();
    } while (exit == Exit.KICKED);
    return exit;
  }

  @Override
  public void close() {
    if (vcpu != null) {
      vcpu.close();
    }
    clock.close();
    memory.close();
  }
}
