package lodge.machine;

import java.util.List;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.machine.boot.KernelImage;

/**
 * What a machine is made of, read and checked.
 *
 * @param model of each processor; it knows how many there are
 */
record MachineSpec(
    KernelImage kernel,
    byte[] initrd,
    String commandLine,
    long memory,
    CpuModel model,
    Engine engine,
    SerialConsole serial,
    boolean rebootOnReset,
    boolean debugExit,
    List<Device> devices,
    List<Drive> drives) {
  MachineSpec {
    devices = List.copyOf(devices);
    drives = List.copyOf(drives);
  }
}
