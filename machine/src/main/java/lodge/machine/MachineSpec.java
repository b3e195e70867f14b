package lodge.machine;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import lodge.cpu.x86.CpuModel;

/**
 * What a machine is made of, read and checked.
 *
 * @param model of each processor; it knows how many there are
 * @param engines which one executes it at first
 * @param engineChange is told why another one does
 * @param uuid all zeros when nobody gave it one
 * @param gdb where a debugger may connect
 * @param freeze the vCPUs wait for the debugger
 */
record MachineSpec(
    Boot boot,
    long memory,
    CpuModel model,
    Engines.Choice engines,
    Consumer<String> engineChange,
    SerialConsole serial,
    boolean rebootOnReset,
    boolean debugExit,
    List<Device> devices,
    List<Drive> drives,
    BootFrom bootFrom,
    UUID uuid,
    Optional<InetSocketAddress> gdb,
    boolean freeze) {
  MachineSpec {
    devices = List.copyOf(devices);
    drives = List.copyOf(drives);
  }
}
