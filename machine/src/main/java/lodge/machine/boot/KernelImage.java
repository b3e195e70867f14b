package lodge.machine.boot;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.OptionalLong;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/** A kernel that was read and found good; it can be loaded any number of times. */
public sealed interface KernelImage permits BzImage, MultibootImage, PvhElf {
  /** Most bytes taken from a kernel file that is not a regular one, such as a pipe. */
  int STREAM_LIMIT = 256 << 20;

  /** The command line when nobody gives one: it makes Linux use the serial line. */
  default String defaultCommandLine() {
    return "console=ttyS0";
  }

  /**
   * Checks that everything has its place in the memory.
   *
   * @param initrdLength bytes, 0 for none
   * @throws MachineException of kind {@link Kind#DOES_NOT_FIT}
   */
  void check(MemoryMap map, long initrdLength, String commandLine);

  /**
   * Loads kernel, initial RAM disk, command line and what the boot protocol hands over, and sets
   * the processor to the kernel's entry.
   *
   * @param memory all zero, laid out as {@code map} says
   * @param cpu in its state after reset
   * @param rsdp guest-physical address of the ACPI root pointer
   * @throws MachineException as {@link #check} does
   */
  void boot(
      GuestMemory memory, MemoryMap map, byte[] initrd, String commandLine, long rsdp, Cpu cpu);

  /**
   * Reads a kernel file: a bzImage, a Multiboot image or an ELF file with a PVH note.
   *
   * @throws MachineException when it cannot be read or is none of them
   */
  static KernelImage read(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new MachineException(
            Kind.UNREADABLE, "kernel " + file + ": is a directory, not a file");
      }
      if (!Files.isRegularFile(file)) {
        return parse(file.toString(), MemorySegment.ofArray(stream(file)));
      }
      // A vmlinux with debug information has hundreds of megabytes that nobody needs: map it and
      // take what boots.
      try (FileChannel channel = FileChannel.open(file);
          Arena arena = Arena.ofConfined()) {
        long size = channel.size();
        MemorySegment content =
            size == 0
                ? MemorySegment.ofArray(new byte[0])
                : channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        return parse(file.toString(), content);
      }
    } catch (NoSuchFileException e) {
      throw new MachineException(Kind.UNREADABLE, "kernel " + file + ": there is no such file", e);
    } catch (AccessDeniedException e) {
      throw new MachineException(
          Kind.UNREADABLE, "kernel " + file + ": permission to read it is denied", e);
    } catch (IOException e) {
      throw new MachineException(
          Kind.UNREADABLE, "kernel " + file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static byte[] stream(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(STREAM_LIMIT + 1);
      if (bytes.length > STREAM_LIMIT) {
        throw new MachineException(
            Kind.DOES_NOT_FIT,
            "kernel " + file + ": no regular file and longer than " + (STREAM_LIMIT >> 20) + "M");
      }
      return bytes;
    }
  }

  /**
   * Recognizes a kernel by its content.
   *
   * @param name what messages call it
   * @throws MachineException when it is no kernel, a truncated one or one that cannot be booted
   */
  static KernelImage parse(String name, MemorySegment content) {
    if (BzImage.looksLikeBzImage(content)) {
      return BzImage.parse(name, content);
    }
    OptionalLong header = MultibootImage.findHeader(content);
    if (header.isPresent()) {
      return MultibootImage.parse(name, content, header.getAsLong());
    }
    if (ElfFile.looksLikeElf(content)) {
      return PvhElf.parse(name, content);
    }
    String what =
        content.byteSize() == 0
            ? "is empty"
            : "is neither a Linux bzImage nor an ELF vmlinux nor a Multiboot image";
    throw new MachineException(Kind.NOT_A_KERNEL, "kernel " + name + ": " + what);
  }
}
