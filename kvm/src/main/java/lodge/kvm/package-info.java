/**
 * Guests on the host's own processor (Linux, Documentation/virt/kvm/api.rst).
 *
 * <pre>
 *   KvmEngine --- Kvm (/dev/kvm) ---> Vm (one a guest memory) ---> KvmVcpu (a Vcpu)
 *                   Capability          MemorySlots                 StateBlocks: registers both ways
 *                   Cpuid               MsrTraps                    Kicker: out of KVM_RUN
 *        Ioctl, Struct, Structs: the interface as data; SystemCalls, Fd: how it is called
 * </pre>
 *
 * <p>A vCPU's file belongs to its thread. The one of a VM is used under the VM's lock, which is
 * taken with none of the devices' locks held but that of the host bridge.
 */
package lodge.kvm;
