/**
 * A stub for GDB's remote serial protocol ("Debugging with GDB", appendix E), for any engine.
 *
 * <pre>
 *  GdbServer    one connection after the other
 *  GdbSession   what the debugger asks, and when the guest stops
 *  ThreadChoice which vCPUs it means
 *  Queries      what it asks about the stub and the machine as a whole
 *  PacketStream packets on the wire
 *  Registers    the target description, and the registers in it
 *  Debuggee     what the stub needs of a machine
 * </pre>
 *
 * <p>A session's thread is the only one that stops and resumes the machine; it holds no lock while
 * it waits for the vCPUs.
 */
package lodge.machine.gdb;
