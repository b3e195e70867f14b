/**
 * Comparison with the machine's own processor.
 *
 * <p>{@link lodge.cpu.x86.silicon.FormRow} reads the opcode tables, {@link
 * lodge.cpu.x86.silicon.CaseGenerator} makes cases of them, {@link lodge.cpu.x86.silicon.Silicon}
 * runs these on the processor and {@link lodge.cpu.x86.silicon.VcpuEngine} on a software engine,
 * and {@link lodge.cpu.x86.silicon.Comparison} tells the differences. {@link
 * lodge.cpu.x86.silicon.Tolerance} lists those that are right.
 */
package lodge.cpu.x86.silicon;
