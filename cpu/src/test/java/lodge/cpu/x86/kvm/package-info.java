/**
 * Comparison with the host's KVM of what user mode cannot reach.
 *
 * <p>{@link lodge.cpu.x86.kvm.ScenarioGenerator} draws scenarios: an instruction in a {@link
 * lodge.cpu.x86.kvm.Mode} with the tables of {@link lodge.cpu.x86.kvm.BoardImage} around it. {@link
 * lodge.cpu.x86.kvm.KvmMachine} and {@link lodge.cpu.x86.kvm.EngineMachine} run them, {@link
 * lodge.cpu.x86.kvm.KvmComparison} tells the differences, {@link lodge.cpu.x86.kvm.Deviations}
 * lists those in which KVM does not do what the manual says.
 */
package lodge.cpu.x86.kvm;
