package lodge.kvm;

import java.util.List;

/** The structures of {@code linux/kvm.h} and {@code asm/kvm.h} that are used here. */
final class Structs {
  static final Struct USERSPACE_MEMORY_REGION =
      Struct.of(
          "kvm_userspace_memory_region",
          "u32 slot flags; u64 guest_phys_addr memory_size userspace_addr");

  static final Struct DIRTY_LOG = Struct.of("kvm_dirty_log", "u32 slot padding1; u64 dirty_bitmap");

  static final Struct ENABLE_CAP =
      Struct.of("kvm_enable_cap", "u32 cap flags; u64[4] args; u8[64] pad");

  /** Followed by the entries. */
  static final Struct CPUID2 = Struct.of("kvm_cpuid2", "u32 nent padding");

  static final Struct CPUID_ENTRY2 =
      Struct.of("kvm_cpuid_entry2", "u32 function index flags eax ebx ecx edx; u32[3] padding");

  static final Struct REGS =
      Struct.of(
          "kvm_regs",
          "u64 rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags");

  /** Eight times in {@link #SREGS}. */
  static final Struct SEGMENT =
      Struct.of(
          "kvm_segment",
          "u64 base; u32 limit; u16 selector; u8 type present dpl db s l g avl unusable padding");

  static final Struct SREGS = Struct.of("kvm_sregs", sregs());

  /** The register page of a local APIC. */
  static final Struct LAPIC_STATE = Struct.of("kvm_lapic_state", "u8[1024] regs");

  static final Struct MP_STATE = Struct.of("kvm_mp_state", "u32 mp_state");

  static final Struct MSI =
      Struct.of("kvm_msi", "u32 address_lo address_hi data flags devid; u8[12] pad");

  static final Struct IOEVENTFD =
      Struct.of("kvm_ioeventfd", "u64 datamatch addr; u32 len fd flags; u8[36] pad");

  /** Followed by the entries. */
  static final Struct IRQ_ROUTING = Struct.of("kvm_irq_routing", "u32 nr flags");

  static final Struct IRQ_ROUTING_ENTRY =
      Struct.of(
          "kvm_irq_routing_entry",
          "u32 gsi type flags pad | u.msi: u32 address_lo address_hi data | u: u32[8] pad");

  static final Struct INTERRUPT = Struct.of("kvm_interrupt", "u32 irq");

  /** Followed by the entries. */
  static final Struct MSRS = Struct.of("kvm_msrs", "u32 nmsrs pad");

  static final Struct MSR_ENTRY = Struct.of("kvm_msr_entry", "u32 index reserved; u64 data");

  /** 16 times in {@link #MSR_FILTER}. */
  static final Struct MSR_FILTER_RANGE =
      Struct.of("kvm_msr_filter_range", "u32 flags nmsrs base; u64 bitmap");

  static final Struct MSR_FILTER = Struct.of("kvm_msr_filter", "u32 flags; u64[48] ranges");

  static final Struct VCPU_EVENTS =
      Struct.of(
          "kvm_vcpu_events",
          """
          u8 exception.injected exception.nr exception.has_error_code exception.pending;
          u32 exception.error_code;
          u8 interrupt.injected interrupt.nr interrupt.soft interrupt.shadow;
          u8 nmi.injected nmi.pending nmi.masked nmi.pad;
          u32 sipi_vector flags;
          u8 smi.smm smi.pending smi.smm_inside_nmi smi.latched_init triple_fault.pending;
          u8[26] reserved; u8 exception_has_payload; u64 exception_payload\
          """);

  static final Struct DEBUGREGS =
      Struct.of("kvm_debugregs", "u64[4] db; u64 dr6 dr7 flags; u64[9] reserved");

  static final Struct XSAVE = Struct.of("kvm_xsave", "u32[1024] region");

  static final Struct XCRS =
      Struct.of(
          "kvm_xcrs",
          "u32 nr_xcrs flags; u32 xcrs[0].xcr xcrs[0].reserved; u64 xcrs[0].value;"
              + " u64[30] others; u64[16] padding");

  static final Struct GUEST_DEBUG =
      Struct.of("kvm_guest_debug", "u32 control pad; u64[8] arch.debugreg");

  /** The start of what a vCPU's file shares with its user. */
  static final Struct RUN =
      Struct.of(
          "kvm_run",
          """
          u8 request_interrupt_window immediate_exit; u8[6] padding1; u32 exit_reason;
          u8 ready_for_interrupt_injection if_flag; u16 flags; u64 cr8 apic_base
          | fail_entry: u64 hardware_entry_failure_reason; u32 cpu
          | io: u8 direction size; u16 port; u32 count; u64 data_offset
          | mmio: u64 phys_addr; u8[8] data; u32 len; u8 is_write
          | internal: u32 suberror ndata; u64[16] data
          | emulation_failure: u32 suberror ndata; u64 flags; u8 insn_size; u8[15] insn_bytes
          | debug: u32 arch.exception arch.pad; u64 arch.pc arch.dr6 arch.dr7
          | msr: u8 error; u8[7] pad; u32 reason index; u64 data
          | eoi: u8 vector
          |: u8[256] padding; u64 kvm_valid_regs kvm_dirty_regs;
          u64[18] s.regs.regs; u64[39] s.regs.sregs; u64[8] s.regs.events\
          """);

  /** All of them. */
  static final List<Struct> ALL =
      List.of(
          USERSPACE_MEMORY_REGION,
          DIRTY_LOG,
          ENABLE_CAP,
          CPUID2,
          CPUID_ENTRY2,
          REGS,
          SEGMENT,
          SREGS,
          LAPIC_STATE,
          MP_STATE,
          MSI,
          IOEVENTFD,
          IRQ_ROUTING,
          IRQ_ROUTING_ENTRY,
          INTERRUPT,
          MSRS,
          MSR_ENTRY,
          MSR_FILTER_RANGE,
          MSR_FILTER,
          VCPU_EVENTS,
          DEBUGREGS,
          XSAVE,
          XCRS,
          GUEST_DEBUG,
          RUN);

  private Structs() {}

  private static String sregs() {
    StringBuilder text = new StringBuilder();
    for (String segment : List.of("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")) {
      text.append("u64[3] ").append(segment).append("; ");
    }
    return text
        + "u64 gdt.base; u16 gdt.limit; u16[3] gdt.padding;"
        + " u64 idt.base; u16 idt.limit; u16[3] idt.padding;"
        + " u64 cr0 cr2 cr3 cr4 cr8 efer apic_base; u64[4] interrupt_bitmap";
  }
}
