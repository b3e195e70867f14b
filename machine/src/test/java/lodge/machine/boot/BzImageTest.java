package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;
import org.junit.jupiter.api.Test;

class BzImageTest {
  private static final long MEMORY = 32 << 20;
  private static final MemoryMap MAP = MemoryMap.of(MEMORY);
  private static final long RSDP = 0xE0000;

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
  void theKernelIsLoadedAtItsPreferredAddressAndEnteredInLongMode() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.bzImage()).boot(memory, MAP, new byte[0], "", RSDP, cpu);
      assertThat(memory.getByte(TestKernels.PREFERRED_ADDRESS + 0x201))
          .isEqualTo((byte) (0x201 * 7));
      assertThat(cpu.rip).isEqualTo(TestKernels.PREFERRED_ADDRESS + 0x200);
      assertThat(cpu.mode64()).isTrue();
      assertThat(cpu.cpl).isZero();
      assertThat(cpu.eflags).isEqualTo(2);
      assertThat(cpu.selector[Cpu.CS]).isEqualTo(0x10);
      assertThat(new int[] {cpu.selector[Cpu.DS], cpu.selector[Cpu.ES], cpu.selector[Cpu.SS]})
          .containsOnly(0x18);
      assertThat(cpu.cr0).isEqualTo(0x8000_0031L);
      assertThat(cpu.cr4).isEqualTo(Cpu.CR4_PAE);
      assertThat(cpu.efer).isEqualTo(Cpu.EFER_LME | Cpu.EFER_LMA);
      // The descriptors in memory say what the hidden registers hold.
      assertThat(memory.getLong(cpu.gdtBase + 0x10)).isEqualTo(0x00AF_9B00_0000_FFFFL);
      assertThat(memory.getLong(cpu.gdtBase + 0x18)).isEqualTo(0x00CF_9300_0000_FFFFL);
    }
  }

  @Test
  void theFirstFourGibibytesAreMappedOneToOne() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.bzImage()).boot(memory, MAP, new byte[0], "", RSDP, cpu);
      for (long gva : new long[] {0, 0x20_0234, MEMORY - 1}) {
        assertThat(cpu.mmu.read8(gva)).isEqualTo(memory.getByte(gva) & 0xFF);
      }
      memory.putLong(0x123_4560, 0x1122_3344_5566_7788L);
      assertThat(cpu.mmu.read64(0x123_4560)).isEqualTo(0x1122_3344_5566_7788L);
      // Beyond RAM the bus answers.
      assertThat(cpu.mmu.read32(0xFFFF_F000L)).isEqualTo(-1);
    }
  }

  @Test
  void theZeroPageTellsCommandLineRamDiskMemoryAndRootPointer() {
    byte[] initrd = {5, 6, 7};
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.bzImage()).boot(memory, MAP, initrd, "console=ttyS0 ü", RSDP, cpu);
      long zeroPage = cpu.r[Cpu.RSI];
      assertThat(memory.getInt(zeroPage + 0x202)).isEqualTo(0x5372_6448);
      assertThat(memory.getByte(zeroPage + 0x210)).isEqualTo((byte) 0xFF);
      assertThat(memory.getLong(zeroPage + 0x070)).isEqualTo(RSDP);
      byte[] line = new byte[17];
      memory.get(memory.getInt(zeroPage + 0x228), line, 0, line.length);
      assertThat(line).isEqualTo("console=ttyS0 ü\0".getBytes(StandardCharsets.UTF_8));
      int start = memory.getInt(zeroPage + 0x218);
      assertThat(start).isEqualTo((int) MEMORY - 4096);
      assertThat(memory.getInt(zeroPage + 0x21C)).isEqualTo(3);
      assertThat(memory.getByte(start + 2)).isEqualTo((byte) 7);
      assertThat(memory.getByte(zeroPage + 0x1E8)).isEqualTo((byte) 4);
      assertThat(memory.getLong(zeroPage + 0x2D0 + 60)).isEqualTo(0x10_0000);
      assertThat(memory.getLong(zeroPage + 0x2D0 + 68)).isEqualTo(MEMORY - 0x10_0000);
      assertThat(memory.getInt(zeroPage + 0x2D0 + 76)).isEqualTo(1);
      // The header ends where its jump says; what follows belongs to the loader and is zero.
      assertThat(memory.getByte(zeroPage + 0x26C)).isZero();
    }
  }

  @Test
  void aKernelThatCannotBeRelocatedGoesToOneMebibyte() {
    byte[] file = TestKernels.bzImage();
    file[0x234] = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(file).boot(memory, MAP, new byte[0], "", RSDP, cpu);
      assertThat(cpu.rip).isEqualTo(0x10_0200);
    }
  }

  @Test
  void everyTruncationIsRefusedWithOneLine() {
    byte[] file = TestKernels.bzImage();
    for (int length = 0; length < file.length; length++) {
      byte[] part = Arrays.copyOf(file, length);
      refused(
          part, length < 0x206 ? Kind.NOT_A_KERNEL : Kind.TRUNCATED, length == 0 ? "empty" : "");
    }
    assertThat(parse(file)).isInstanceOf(BzImage.class);
  }

  @Test
  void damagedHeadersAreRefusedOrLoadInsideOfMemory() {
    Random random = new Random(20240607);
    int accepted = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      for (int round = 0; round < 3000; round++) {
        byte[] file = TestKernels.bzImage();
        for (int i = 0; i < 4; i++) {
          file[0x1F1 + random.nextInt(0x268 - 0x1F1)] = (byte) random.nextInt();
        }
        try {
          parse(file).boot(memory, MAP, new byte[5000], "a", RSDP, TestCpu.over(memory));
          accepted++;
        } catch (MachineException e) {
          assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
        }
      }
    }
    assertThat(accepted).isBetween(1, 2999);
  }

  @Test
  void a32BitKernelIsRefused() {
    byte[] file = TestKernels.bzImage();
    file[0x236] = 0;
    refused(file, Kind.UNSUPPORTED, "it is a 32-bit kernel; a 64-bit (amd64) one is needed");
  }

  @Test
  void anOldBootProtocolIsRefused() {
    byte[] file = TestKernels.bzImage();
    file[0x206] = 0x0A;
    refused(file, Kind.UNSUPPORTED, "boot protocol 2.10");
  }

  @Test
  void aZImageIsRefused() {
    byte[] file = TestKernels.bzImage();
    file[0x211] = 0;
    refused(file, Kind.UNSUPPORTED, "zImage");
  }

  @Test
  void textIsNotAKernel() {
    refused("#!/bin/sh\necho hello\n".repeat(100).getBytes(), Kind.NOT_A_KERNEL, "neither");
  }

  @Test
  void aCommandLineLongerThanTheKernelTakesIsRefused() {
    KernelImage kernel = parse(TestKernels.bzImage());
    kernel.check(MAP, 0, "x".repeat(TestKernels.COMMAND_LINE_SIZE));
    assertThatThrownBy(() -> kernel.check(MAP, 0, "x".repeat(TestKernels.COMMAND_LINE_SIZE + 1)))
        .hasMessage("command line of 256 bytes is too long: this kernel takes at most 255");
  }

  @Test
  void anInitrdFitsExactlyUpToTheKernel() {
    KernelImage kernel = parse(TestKernels.bzImage());
    long room = MEMORY - TestKernels.PREFERRED_ADDRESS - TestKernels.INIT_SIZE;
    kernel.check(MAP, room, "");
    assertThatThrownBy(() -> kernel.check(MAP, room + 1, ""))
        .isInstanceOfSatisfying(
            MachineException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DOES_NOT_FIT))
        .hasMessageContaining("does not fit");
    assertThatThrownBy(() -> kernel.check(MAP, Integer.MAX_VALUE, ""))
        .isInstanceOf(MachineException.class);
  }

  @Test
  void anInitrdStaysBelowTheKernelsLimit() {
    byte[] file = TestKernels.bzImage();
    // initrd_addr_max = 0xFFFFFF
    file[0x22F] = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(file).boot(memory, MAP, new byte[8192], "", RSDP, cpu);
      assertThat(memory.getInt(cpu.r[Cpu.RSI] + 0x218)).isEqualTo((16 << 20) - 8192);
    }
  }

  @Test
  void aKernelThatNeedsMoreMemoryIsRefused() {
    byte[] file = TestKernels.bzImage();
    file[0x263] = 0x10;
    assertThatThrownBy(() -> parse(file).check(MAP, 0, ""))
        .hasMessage("kernel k: does not fit into 32M of memory: needs memory up to 259M");
  }
}
