package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;
import org.junit.jupiter.api.Test;

class PvhElfTest {
  private static final long MEMORY = 32 << 20;
  private static final MemoryMap MAP = MemoryMap.of(MEMORY);

  private static KernelImage parse(byte[] file) {
    return KernelImage.parse("k", MemorySegment.ofArray(file));
  }

  private static void refused(byte[] file, Kind kind, String part) {
    assertThatThrownBy(() -> parse(file))
        .isInstanceOfSatisfying(MachineException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageStartingWith("kernel k: ")
        .hasMessageContaining(part)
        .hasMessageNotContaining("\n");
  }

  @Test
  void theKernelIsEnteredIn32BitModeWithFlatSegments() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.vmlinux()).boot(memory, MAP, new byte[0], "", 0xE0000, cpu);
      assertThat(memory.getByte(TestKernels.PVH_ADDRESS + 0x1F)).isEqualTo((byte) 0x20);
      assertThat(memory.getByte(TestKernels.PVH_ADDRESS + 0x20)).isZero();
      assertThat(cpu.rip).isEqualTo(TestKernels.PVH_ENTRY);
      assertThat(cpu.codeSize).isEqualTo(4);
      assertThat(cpu.cr0).isEqualTo(0x11);
      assertThat(cpu.cr4).isZero();
      assertThat(cpu.eflags).isEqualTo(2);
      for (int segment : new int[] {Cpu.CS, Cpu.DS, Cpu.ES, Cpu.SS}) {
        assertThat(cpu.segBase[segment]).isZero();
        assertThat(cpu.segLimit[segment]).isEqualTo(0xFFFF_FFFFL);
      }
      assertThat(cpu.segLimit[Cpu.TR]).isEqualTo(0x67);
      assertThat(cpu.segAccess[Cpu.TR]).isEqualTo(0x8B);
    }
  }

  @Test
  void theStartInfoTellsCommandLineModuleMemoryAndRootPointer() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.vmlinux()).boot(memory, MAP, new byte[] {9, 8}, "quiet", 0xE0000, cpu);
      long info = cpu.r[Cpu.RBX];
      assertThat(memory.getInt(info)).isEqualTo(0x336E_C578);
      assertThat(memory.getInt(info + 4)).isEqualTo(1);
      assertThat(memory.getInt(info + 12)).isEqualTo(1);
      long module = memory.getLong(info + 16);
      assertThat(memory.getLong(module)).isEqualTo(MEMORY - 4096);
      assertThat(memory.getLong(module + 8)).isEqualTo(2);
      assertThat(memory.getByte(memory.getLong(module) + 1)).isEqualTo((byte) 8);
      byte[] line = new byte[6];
      memory.get(memory.getLong(info + 24), line, 0, 6);
      assertThat(line).isEqualTo("quiet\0".getBytes());
      assertThat(memory.getLong(info + 32)).isEqualTo(0xE0000);
      assertThat(memory.getInt(info + 48)).isEqualTo(4);
      long memmap = memory.getLong(info + 40);
      assertThat(memory.getLong(memmap + 3 * 24)).isEqualTo(0x10_0000);
      assertThat(memory.getLong(memmap + 3 * 24 + 8)).isEqualTo(MEMORY - 0x10_0000);
    }
  }

  @Test
  void everyTruncationIsRefusedWithOneLine() {
    byte[] file = TestKernels.vmlinux();
    for (int length = 0; length < file.length; length++) {
      refused(Arrays.copyOf(file, length), length < 4 ? Kind.NOT_A_KERNEL : Kind.TRUNCATED, "");
    }
    assertThat(parse(file)).isInstanceOf(PvhElf.class);
  }

  @Test
  void damagedFilesAreRefusedOrLoadInsideOfMemory() {
    Random random = new Random(7);
    int accepted = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      for (int round = 0; round < 5000; round++) {
        byte[] file = TestKernels.vmlinux();
        for (int i = 0; i < 2; i++) {
          file[4 + random.nextInt(0x130)] = (byte) random.nextInt();
        }
        try {
          parse(file).boot(memory, MAP, new byte[5000], "a", 0xE0000, TestCpu.over(memory));
          accepted++;
        } catch (MachineException e) {
          assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
        }
      }
    }
    assertThat(accepted).isBetween(1, 4999);
  }

  @Test
  void aFileWithoutPvhEntryIsRefused() {
    byte[] file = TestKernels.vmlinux();
    file[0x100 + 20 + 8] = 17;
    refused(file, Kind.UNSUPPORTED, "no PVH entry");
  }

  @Test
  void otherProcessorsAreRefused() {
    byte[] arm = TestKernels.vmlinux();
    arm[18] = (byte) 183;
    refused(arm, Kind.UNSUPPORTED, "another processor (machine 183)");
    byte[] i386 = TestKernels.vmlinux();
    i386[4] = 1;
    i386[18] = 3;
    refused(i386, Kind.UNSUPPORTED, "32-bit kernel");
  }

  @Test
  void overlappingSegmentsAndEntriesOutsideAreRefused() {
    byte[] overlapping = TestKernels.vmlinux();
    System.arraycopy(overlapping, 64, overlapping, 120, 56);
    refused(overlapping, Kind.UNSUPPORTED, "no PVH entry");
    byte[] outside = TestKernels.vmlinux();
    outside[0x100 + 20 + 18] = 0x50;
    refused(outside, Kind.NOT_A_KERNEL, "outside of its segments");
    byte[] low = TestKernels.vmlinux();
    low[64 + 24 + 2] = 0;
    refused(low, Kind.NOT_A_KERNEL, "outside of 1M to 4G");
  }
}
