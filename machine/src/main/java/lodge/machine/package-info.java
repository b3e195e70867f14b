/**
 * One virtual machine as an embeddable object.
 *
 * <pre>
 *   MachineBuilder --reads and checks--> MachineSpec --> Machine --start--> Run ---> Outcome
 *                                                                            |
 *        SerialConsole &lt;--- SerialLink (two virtual threads) ----------------+
 *        Engine (a service) ---> Vcpu &lt;--- VcpuThread (one platform thread) --+
 *        GuestMemory, HostClock, KernelImage ---> Board (the chips) ---------+
 * </pre>
 *
 * <p>{@link lodge.machine.Machine} is the door. A {@code Run} is the time between power-on and the
 * end: the first outcome that a chip, a vCPU, the console or the embedder asks for ends it. A vCPU
 * belongs to its thread; everybody else leaves a wish and kicks it.
 *
 * <p>Locks: a machine's own lock is never held while a run is asked for anything that waits, and a
 * run's lock only guards its totals. Chips call back with no lock held, except for kicks, which
 * take none.
 */
package lodge.machine;
