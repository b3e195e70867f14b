package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How a machine ends, seen from outside: kernels of a few instructions do what an operating system
 * may do last.
 */
class SmallKernelIT {
  @TempDir private Path folder;

  @Test
  void aTripleFaultIsStatusOneAndADump() throws Exception {
    // lidt [ADDRESS + 16] (a limit of 0 behind the code), then ud2
    Path kernel =
        kernel(
            0x0F, 0x01, 0x1D, 0x10, 0x00, 0x10, 0x00, 0x0F, 0x0B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0);

    LodgeScript.Result run = lodge("run", "--kernel", kernel.toString()).run();

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.output()).isEmpty();
    assertThat(run.errors())
        .contains("triple fault")
        .contains("RAX")
        .contains("RIP")
        .contains("CR0")
        .contains("CR4");
    assertThat(run.errors()).as("the bytes at RIP").containsIgnoringCase("0f 0b");
    assertThat(run.errors()).doesNotContain("\tat ");
  }

  @Test
  void theDebugExitPortGivesTheStatus() throws Exception {
    // mov al, 42; out 0xf4, al; hlt
    Path kernel = kernel(0xB0, 42, 0xE6, 0xF4, 0xF4);

    assertThat(lodge("run", "--kernel", kernel.toString()).run().status()).isEqualTo(42);
  }

  @Test
  void aPanicReportedThroughThePvpanicPortIsStatusOne() throws Exception {
    // mov dx, 0x505; mov al, 1; out dx, al; hlt
    Path kernel = kernel(0x66, 0xBA, 0x05, 0x05, 0xB0, 1, 0xEE, 0xF4);

    LodgeScript.Result run = lodge("run", "--kernel", kernel.toString()).run();

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errors()).isEqualTo("lodge: the guest's kernel panicked\n");
  }

  @Test
  void aResetEndsTheRunWhenRebootIsNotWanted() throws Exception {
    // mov al, 0xfe; out 0x64, al; hlt: the keyboard controller pulls the reset line
    Path kernel = kernel(0xB0, 0xFE, 0xE6, 0x64, 0xF4);

    LodgeScript.Result run = lodge("run", "--no-reboot", "--kernel", kernel.toString()).run();

    assertThat(run.status()).isZero();
    assertThat(run.errors()).isEmpty();
  }

  @Test
  void aResetBootsAgainAndMemoryIsAsAfterPowerOnOrAfterAReset() throws Exception {
    // Counts boots in the RTC's memory, which a reset leaves alone: out 0x70, 0x60; in al, 0x71;
    // inc al; xchg; out; then
    // resets until it has counted to 3, and reports the count.
    Path kernel =
        kernel(
            0xB0, 0x60, 0xE6, 0x70, // mov al, 0x60; out 0x70, al
            0xE4, 0x71, 0xFE, 0xC0, // in al, 0x71; inc al
            0xE6, 0x71, // out 0x71, al
            0x3C, 0x03, 0x74, 0x04, // cmp al, 3; je report
            0xB0, 0xFE, 0xE6, 0x64, // mov al, 0xfe; out 0x64, al
            0xE6, 0xF4, 0xF4); // report: out 0xf4, al; hlt

    assertThat(lodge("run", "--kernel", kernel.toString()).run().status()).isEqualTo(3);
  }

  @Test
  void serialOutputIsTheGuestsBytesAndNothingElse() throws Exception {
    // A zero byte, a carriage return and 0xff go out as they are; then debug exit with 0.
    Path kernel =
        kernel(
            0x66, 0xBA, 0xF8, 0x03, // mov dx, 0x3f8
            0x30, 0xC0, 0xEE, 0xB0, 0x0D, 0xEE, 0xB0, 0xFF,
            0xEE, // xor al, al; out; mov al, 13; out; ...
            0x30, 0xC0, 0xE6, 0xF4, 0xF4);

    LodgeScript.Result run = lodge("run", "--stats", "--kernel", kernel.toString()).run();

    assertThat(run.output()).containsExactly(0, 13, 0xFF);
    assertThat(run.status()).isZero();
    assertThat(run.errors().lines())
        .allMatch(line -> line.matches("[a-z0-9_]+ \\S+"))
        .anyMatch(line -> line.matches("guest_instructions [1-9][0-9]*"))
        .anyMatch(line -> line.startsWith("wall_seconds "))
        .anyMatch(line -> line.startsWith("mips "))
        .anyMatch(line -> line.matches("host_resident_bytes [1-9][0-9]*"));
  }

  @Test
  void serialOutputCanGoToAFileOrNowhere() throws Exception {
    Path kernel = kernel(0x66, 0xBA, 0xF8, 0x03, 0xB0, 'x', 0xEE, 0x30, 0xC0, 0xE6, 0xF4, 0xF4);
    Path file = Files.writeString(folder.resolve("log"), "what was there before");

    assertThat(
            lodge("run", "--serial", "file:" + file, "--kernel", kernel.toString()).run().output())
        .isEmpty();
    assertThat(file).hasContent("x");
    assertThat(lodge("run", "--serial", "null", "--kernel", kernel.toString()).run().output())
        .isEmpty();
  }

  @Test
  void standardInputIsTheSerialLinesInput() throws Exception {
    // Waits for a byte and reports it.
    Path kernel =
        kernel(
            0x66, 0xBA, 0xFD, 0x03, // mov dx, 0x3fd
            0xEC, 0xA8, 0x01, 0x74, 0xFB, // in al, dx; test al, 1; jz
            0x66, 0xBA, 0xF8, 0x03, 0xEC, // mov dx, 0x3f8; in al, dx
            0xE6, 0xF4, 0xF4);

    assertThat(lodge("run", "--kernel", kernel.toString()).input("\7").run().status()).isEqualTo(7);
  }

  @Test
  void theEndOfStandardInputDoesNotEndTheGuestAndATerminationSignalDoes() throws Exception {
    Path kernel = kernel(0xFA, 0xF4, 0xEB, 0xFD); // cli; hlt; jmp to the hlt

    Process process = lodge("run", "--kernel", kernel.toString()).start();
    process.getOutputStream().close();

    assertThat(process.waitFor(3, java.util.concurrent.TimeUnit.SECONDS)).as("ended").isFalse();
    process.destroy();
    assertThat(process.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)).as("ended").isTrue();
    assertThat(process.exitValue()).isEqualTo(128 + 15);
  }

  @Test
  void aMultibootProgramEndsLodgeThroughTheDeviceThatQemuHas() throws Exception {
    // mov esi, [ebx+16] (the command line); mov dx, 0x3f8; each byte: lodsb; test; out; jmp
    // then mov ecx, [ebx+24]; mov ecx, [ecx] (the module); mov eax, [ecx]; out 0xf4, eax; hlt
    Path kernel =
        multiboot(
            0x8B, 0x73, 0x10, 0x66, 0xBA, 0xF8, 0x03, 0xAC, 0x84, 0xC0, 0x74, 0x03, 0xEE, 0xEB,
            0xF8, 0x8B, 0x4B, 0x18, 0x8B, 0x09, 0x8B, 0x01, 0xE7, 0xF4, 0xF4);
    Path module = Files.write(folder.resolve("module"), new byte[] {5, 0, 0, 0});

    LodgeScript.Result run =
        lodge(
                "run",
                "--kernel",
                kernel.toString(),
                "--initrd",
                module.toString(),
                "--append",
                "one two",
                "--device",
                "pc-testdev",
                "--device",
                "isa-debug-exit,iobase=0xf4,iosize=0x4",
                "--cpu",
                "max,-smap")
            .run();

    assertThat(run.errors()).isEmpty();
    assertThat(run.text()).isEqualTo(kernel + " one two");
    assertThat(run.status()).isEqualTo(5 << 1 | 1);
  }

  @Test
  void aMultibootProgramGetsNoArgumentsThatNobodyGave() throws Exception {
    Path kernel =
        multiboot(
            0x8B, 0x73, 0x10, 0x66, 0xBA, 0xF8, 0x03, 0xAC, 0x84, 0xC0, 0x74, 0x03, 0xEE, 0xEB,
            0xF8, 0x30, 0xC0, 0xE6, 0xF4, 0xF4);

    LodgeScript.Result run = lodge("run", "--kernel", kernel.toString()).run();

    assertThat(run.text()).isEqualTo(kernel.toString());
    assertThat(run.status()).isZero();
  }

  /** A file whose Multiboot header says that it goes to 2 MiB; the code follows the header. */
  private Path multiboot(int... code) throws IOException {
    int address = 0x20_0000;
    int magic = 0x1BAD_B002;
    int flags = 1 << 16;
    ByteBuffer file = ByteBuffer.allocate(32 + code.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(magic).putInt(flags).putInt(-magic - flags);
    file.putInt(address).putInt(address).putInt(0).putInt(0).putInt(address + 32);
    for (int b : code) {
      file.put((byte) b);
    }
    return Files.write(folder.resolve("program"), file.array());
  }

  private Path kernel(int... code) throws IOException {
    return PvhKernel.write(folder.resolve("kernel"), code);
  }
}
