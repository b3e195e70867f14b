package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;
import org.junit.jupiter.api.Test;

class MultibootImageTest {
  private static final long MEMORY = 32 << 20;
  private static final MemoryMap MAP = MemoryMap.of(MEMORY);
  private static final byte[] CODE = {1, 2, 3, 4, 5};
  private static final int ADDRESS = TestKernels.MULTIBOOT_ADDRESS;

  private static KernelImage parse(byte[] file) {
    return KernelImage.parse("k", MemorySegment.ofArray(file));
  }

  private static byte[] changed(byte[] file, Consumer<ByteBuffer> change) {
    change.accept(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN));
    return file;
  }

  private static void refused(byte[] file, Kind kind, String part) {
    assertThatThrownBy(() -> parse(file))
        .isInstanceOfSatisfying(MachineException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageStartingWith("kernel k: ")
        .hasMessageContaining(part)
        .hasMessageNotContaining("\n");
  }

  private static String string(GuestMemory memory, long address) {
    StringBuilder text = new StringBuilder();
    for (int c; (c = memory.getByte(address++)) != 0; ) {
      text.append((char) c);
    }
    return text.toString();
  }

  @Test
  void theKernelIsEnteredIn32BitModeWithFlatSegments() {
    for (byte[] file :
        new byte[][] {
          TestKernels.multiboot(0, CODE),
          TestKernels.multiboot64(CODE),
          TestKernels.multibootWithAddresses(CODE)
        }) {
      try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
        Cpu cpu = TestCpu.over(memory);
        parse(file).boot(memory, MAP, new byte[0], "", 0xE0000, cpu);
        byte[] loaded = new byte[CODE.length];
        memory.get(ADDRESS + TestKernels.MULTIBOOT_CODE, loaded, 0, CODE.length);
        assertThat(loaded).isEqualTo(CODE);
        assertThat(cpu.rip).isEqualTo(ADDRESS + TestKernels.MULTIBOOT_CODE);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x2BAD_B002L);
        assertThat(cpu.codeSize).isEqualTo(4);
        assertThat(cpu.cr0).isEqualTo(0x11);
        assertThat(cpu.eflags).isEqualTo(2);
        for (int segment : new int[] {Cpu.CS, Cpu.DS, Cpu.ES, Cpu.SS, Cpu.FS, Cpu.GS}) {
          assertThat(cpu.segBase[segment]).isZero();
          assertThat(cpu.segLimit[segment]).isEqualTo(0xFFFF_FFFFL);
          long descriptor = memory.getLong(cpu.gdtBase + cpu.selector[segment]);
          assertThat((int) (descriptor >>> 40) & 0xF0FF).isEqualTo(cpu.segAccess[segment] & 0xF0FF);
        }
      }
    }
  }

  @Test
  void theInformationTellsMemoryCommandLineModuleAndLoader() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.multiboot(3, CODE)).boot(memory, MAP, new byte[] {9, 8}, "a b", 0, cpu);
      long info = cpu.r[Cpu.RBX];
      assertThat(memory.getInt(info)).isEqualTo(0x24D);
      assertThat(memory.getInt(info + 4)).isEqualTo(639);
      assertThat(memory.getInt(info + 8)).isEqualTo(31 << 10);
      assertThat(string(memory, memory.getInt(info + 16))).isEqualTo("k a b");
      assertThat(string(memory, memory.getInt(info + 64))).isEqualTo("lodge");
      assertThat(memory.getInt(info + 20)).isEqualTo(1);
      long module = memory.getInt(info + 24);
      assertThat(memory.getInt(module)).isEqualTo(ADDRESS + 0x2000);
      assertThat(memory.getInt(module + 4)).isEqualTo(ADDRESS + 0x2002);
      assertThat(string(memory, memory.getInt(module + 8))).isEmpty();
      assertThat(memory.getByte(memory.getInt(module) + 1L)).isEqualTo((byte) 8);
      long entry = memory.getInt(info + 48);
      long end = entry + memory.getInt(info + 44);
      for (MemoryMap.Entry range : MAP.entries()) {
        assertThat(memory.getInt(entry)).isEqualTo(20);
        assertThat(memory.getLong(entry + 4)).isEqualTo(range.start());
        assertThat(memory.getLong(entry + 12)).isEqualTo(range.length());
        assertThat(memory.getInt(entry + 20)).isEqualTo(range.type().code());
        entry += 24;
      }
      assertThat(entry).isEqualTo(end);
    }
  }

  @Test
  void withoutAnInitrdThereIsNoModule() {
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      Cpu cpu = TestCpu.over(memory);
      parse(TestKernels.multiboot(0, CODE)).boot(memory, MAP, new byte[0], "", 0, cpu);
      assertThat(memory.getInt(cpu.r[Cpu.RBX] + 20)).isZero();
      assertThat(string(memory, memory.getInt(cpu.r[Cpu.RBX] + 16))).isEqualTo("k");
    }
  }

  @Test
  void theInformationLiesWhereTheKernelDoesNot() {
    // A kernel from 16 KiB on, and one that takes all of the low memory.
    long[][] kernels = {{0x4000, 0x1000}, {0x4000, 0x8000}, {0x4000, 0x9_0000}};
    long[] expected = {0x9000, 0x6_0000, 0x10_0000};
    for (int i = 0; i < kernels.length; i++) {
      int start = (int) kernels[i][0];
      int length = (int) kernels[i][1];
      byte[] file =
          changed(
              TestKernels.multiboot(0, CODE),
              b -> b.putInt(24, start).putInt(60, start).putInt(64, start).putInt(72, length));
      try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
        Cpu cpu = TestCpu.over(memory);
        parse(file).boot(memory, MAP, new byte[1], "", 0, cpu);
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(expected[i]);
        assertThat(memory.getInt(start)).isEqualTo(0x1BAD_B002);
        assertThat(memory.getInt(memory.getInt(cpu.r[Cpu.RBX] + 24)))
            .isEqualTo(i < 2 ? 0x10_0000 : 0x10_1000);
      }
    }
  }

  @Test
  void aHeaderAnywhereInTheFirst8KibCounts() {
    byte[] late = new byte[9000];
    byte[] file = TestKernels.multiboot(0, CODE);
    System.arraycopy(file, 0, late, 0, file.length);
    byte[] header = Arrays.copyOfRange(file, 0x80, 0x8C);
    Arrays.fill(late, 0x80, 0x8C, (byte) 0);
    System.arraycopy(header, 0, late, 8192 - 12, 12);
    assertThat(parse(late)).isInstanceOf(MultibootImage.class);
    Arrays.fill(late, 8192 - 12, 8192, (byte) 0);
    System.arraycopy(header, 0, late, 8192 - 8, 12);
    refused(late, Kind.UNSUPPORTED, "Multiboot header");
  }

  @Test
  void aWrongChecksumIsNoHeader() {
    refused(
        changed(TestKernels.multiboot(0, CODE), b -> b.putInt(0x88, 7)),
        Kind.UNSUPPORTED,
        "one with a Multiboot header is needed");
  }

  @Test
  void demandsThatNobodyKnowsAreRefused() {
    refused(TestKernels.multiboot(1 << 5, CODE), Kind.UNSUPPORTED, "flags 0x20");
    assertThat(parse(TestKernels.multiboot(7, CODE))).isInstanceOf(MultibootImage.class);
    // Bits above 15 are no demands.
    assertThat(parse(TestKernels.multiboot(1 << 20, CODE))).isInstanceOf(MultibootImage.class);
  }

  @Test
  void addressesThatCannotBeAreRefused() {
    byte[] plain = new byte[64];
    System.arraycopy(TestKernels.multiboot(0, CODE), 0x80, plain, 0, 12);
    refused(plain, Kind.NOT_A_KERNEL, "does not say where it is loaded");
    refused(
        changed(TestKernels.multiboot(0, CODE), b -> b.putInt(24, 0x10)),
        Kind.NOT_A_KERNEL,
        "entry 0x10 is outside");
    refused(
        changed(TestKernels.multiboot(0, CODE), b -> b.putInt(24, 0xA_0000).putInt(64, 0xA_0000)),
        Kind.NOT_A_KERNEL,
        "reaches into video memory and firmware");
    byte[] good = TestKernels.multibootWithAddresses(CODE);
    refused(
        changed(good.clone(), b -> b.putInt(28, ADDRESS - 4)), Kind.NOT_A_KERNEL, "load address");
    refused(
        changed(good.clone(), b -> b.putInt(28, ADDRESS + 20)), Kind.NOT_A_KERNEL, "load address");
    refused(changed(good.clone(), b -> b.putInt(36, ADDRESS - 1)), Kind.NOT_A_KERNEL, "ascending");
    refused(changed(good.clone(), b -> b.putInt(40, ADDRESS + 1)), Kind.NOT_A_KERNEL, "ascending");
    refused(
        changed(good.clone(), b -> b.putInt(36, ADDRESS + 0x1000)), Kind.TRUNCATED, "needs 4104");
  }

  @Test
  void withoutEndAddressesAllOfTheFileIsLoaded() {
    byte[] file =
        changed(TestKernels.multibootWithAddresses(CODE), b -> b.putInt(36, 0).putInt(40, 0));
    file[file.length - 1] = 77;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      parse(file).boot(memory, MAP, new byte[0], "", 0, TestCpu.over(memory));
      assertThat(memory.getByte(ADDRESS + file.length - 8 - 1L)).isEqualTo((byte) 77);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    KernelImage image = parse(TestKernels.multiboot(0, CODE));
    assertThatThrownBy(() -> image.check(MAP, MEMORY, ""))
        .isInstanceOfSatisfying(
            MachineException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DOES_NOT_FIT))
        .hasMessage(
            "initrd of 32M does not fit: between the kernel and the end of memory there is room"
                + " for 29M; give the machine more memory");
    image.check(MAP, MEMORY - ADDRESS - 0x2000, "");
    assertThatThrownBy(() -> image.check(MAP, 0, "x".repeat(0x10000)))
        .isInstanceOf(MachineException.class)
        .hasMessageContaining("too long");
    KernelImage large = parse(changed(TestKernels.multiboot(0, CODE), b -> b.putInt(72, 64 << 20)));
    assertThatThrownBy(() -> large.check(MAP, 0, ""))
        .isInstanceOf(MachineException.class)
        .hasMessageContaining("does not fit into 32M");
  }

  @Test
  void everyTruncationIsRefusedWithOneLine() {
    for (byte[] file :
        new byte[][] {
          TestKernels.multiboot(0, CODE),
          TestKernels.multiboot64(CODE),
          Arrays.copyOf(TestKernels.multibootWithAddresses(CODE), 8 + 0x80 + CODE.length)
        }) {
      assertThat(parse(file)).isInstanceOf(MultibootImage.class);
      for (int length = 0; length < file.length; length++) {
        byte[] cut = Arrays.copyOf(file, length);
        assertThatThrownBy(() -> parse(cut))
            .isInstanceOf(MachineException.class)
            .hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void damagedFilesAreRefusedOrLoadInsideOfMemory() {
    Random random = new Random(8);
    int accepted = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY)) {
      for (int round = 0; round < 6000; round++) {
        byte[] file =
            round % 2 == 0
                ? TestKernels.multiboot(0, CODE)
                : TestKernels.multibootWithAddresses(CODE);
        for (int i = 0; i < 2; i++) {
          file[random.nextInt(round % 2 == 0 ? 0x80 : 0x30)] = (byte) random.nextInt();
        }
        try {
          parse(file).boot(memory, MAP, new byte[5000], "a", 0xE0000, TestCpu.over(memory));
          accepted++;
        } catch (MachineException e) {
          assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
        }
      }
    }
    assertThat(accepted).isBetween(1, 5999);
  }
}
