package lodge.machine;

import lodge.cpu.x86.Engine;
import lodge.machine.boot.KernelImage;

/** What a machine is made of, read and checked. */
record MachineSpec(
    KernelImage kernel,
    byte[] initrd,
    String commandLine,
    long memory,
    int cpus,
    Engine engine,
    SerialConsole serial,
    boolean rebootOnReset,
    boolean debugExit) {}
