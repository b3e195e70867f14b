package lodge.machine.gdb;

import java.util.Arrays;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.machine.gdb.Debuggee.Ended;

/**
 * Guest memory as a vCPU's page tables show it, whatever its rights. Only RAM and ROM: reading a
 * device could change it.
 */
final class Memory {
  /** Most bytes of a read: each is two digits. */
  private static final int LIMIT = PacketStream.LIMIT / 2 - 8;

  private final Debuggee machine;

  Memory(Debuggee machine) {
    this.machine = machine;
  }

  /** m: as many of the bytes as there are and as fit. */
  String read(int vcpu, Request request) throws Ended, InterruptedException {
    long address = request.hex();
    request.expect(',');
    long length = request.hex();
    request.end();
    if (length == 0) {
      return "";
    }
    int most = (int) (length < 0 ? LIMIT : Math.min(length, LIMIT));
    byte[] bytes = new byte[most];
    int read = machine.at(vcpu, cpu -> transfer(cpu, address, bytes, false));
    return read == 0 ? Errors.FAULT : Hex.of(Arrays.copyOf(bytes, read));
  }

  /** M: all of the bytes or none. */
  String write(int vcpu, Request request) throws Ended, InterruptedException {
    long address = request.hex();
    long length = length(request);
    return write(vcpu, address, length, request.hexBytes());
  }

  /** X: the same with the bytes as they are. */
  String writeBinary(int vcpu, Request request) throws Ended, InterruptedException {
    long address = request.hex();
    long length = length(request);
    return write(vcpu, address, length, request.bytes());
  }

  private static long length(Request request) {
    request.expect(',');
    long length = request.hex();
    request.expect(':');
    return length;
  }

  private String write(int vcpu, long address, long length, byte[] bytes)
      throws Ended, InterruptedException {
    if (bytes.length != length) {
      return Errors.INVALID;
    }
    boolean written =
        machine.at(
            vcpu,
            cpu ->
                isRam(cpu, address, bytes.length)
                    && transfer(cpu, address, bytes, true) == bytes.length);
    return written ? "OK" : Errors.FAULT;
  }

  private static boolean isRam(Cpu cpu, long address, int length) {
    for (int done = 0; done < length; done += inPage(address + done, length - done)) {
      if (!cpu.memory.isRam(cpu.mmu.peek(cpu.linear(address + done)))) {
        return false;
      }
    }
    return true;
  }

  /** How many of the bytes, or as many as the page has. */
  private static int inPage(long address, int bytes) {
    return Math.min(bytes, GuestMemory.PAGE_SIZE - (int) (address & GuestMemory.PAGE_SIZE - 1));
  }

  /** Reads or writes up to the first page that is not there; gives the number of bytes. */
  private static int transfer(Cpu cpu, long address, byte[] bytes, boolean write) {
    int done = 0;
    while (done < bytes.length) {
      int count = inPage(address + done, bytes.length - done);
      long gpa = cpu.mmu.peek(cpu.linear(address + done));
      if (!cpu.memory.isReadable(gpa)) {
        break;
      }
      if (write) {
        cpu.memory.put(gpa, bytes, done, count);
        // Whoever has decoded what was there forgets it.
        cpu.memory.codeWatch().written(gpa, count);
      } else {
        cpu.memory.get(gpa, bytes, done, count);
      }
      done += count;
    }
    return done;
  }
}
