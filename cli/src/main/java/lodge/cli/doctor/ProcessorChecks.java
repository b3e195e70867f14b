package lodge.cli.doctor;

import java.util.Optional;
import java.util.stream.Stream;

/** What the processor has for virtual machines, and how much of it arrives here. */
final class ProcessorChecks {
  private ProcessorChecks() {}

  static Finding bareMetal(Host host) {
    Surroundings around = Surroundings.of(host);
    String container = around.container().map(kind -> "in a container of " + kind).orElse("");
    if (around.hypervisor().isEmpty()) {
      return Finding.pass(container);
    }
    String name = around.hypervisor().get();
    String machine = name.isEmpty() ? "a virtual machine" : "a virtual machine: " + name;
    return Finding.note(container.isEmpty() ? machine : machine + ", " + container);
  }

  static Finding virtualization(Host host) {
    Processor processor = Processor.of(host);
    if (processor.has("vmx")) {
      return Finding.pass("vmx: Intel VT-x");
    }
    if (processor.has("svm")) {
      return Finding.pass("svm: AMD-V");
    }
    String slower = "neither; KVM usually needs one";
    if (processor.flags().isEmpty()) {
      return Finding.note("/proc/cpuinfo does not tell");
    }
    return Surroundings.of(host).hypervisor().isPresent()
        ? Finding.warn(slower, "have the hypervisor pass it on: see nested virtualization")
        : Finding.warn(slower, "switch on VT-x or AMD-V (SVM) in the firmware's setup");
  }

  static Finding nestedPaging(Host host) {
    Processor processor = Processor.of(host);
    if (processor.has("ept") || processor.has("npt")) {
      return Finding.pass(processor.has("ept") ? "ept" : "npt");
    }
    if (!processor.virtualizes()) {
      return Finding.note("nothing without vmx or svm");
    }
    return Finding.warn(
        "KVM keeps page tables in software, and guests' memory is slow",
        Surroundings.of(host).hypervisor().isPresent()
            ? "have the hypervisor pass it on with its CPU model, as QEMU's -cpu host does"
            : "it takes an Intel processor from 2008 or an AMD processor from 2007 on; see whether"
                + " kvm_intel is loaded with ept=0 or kvm_amd with npt=0");
  }

  /** Through to this machine, or from this host on to the ones in it. */
  static Finding nested(Host host) {
    Processor processor = Processor.of(host);
    if (Surroundings.of(host).hypervisor().isEmpty()) {
      return forGuests(host);
    }
    return processor.virtualizes()
        ? Finding.pass("the hypervisor passes it on to this machine")
        : Finding.warn(
            "the hypervisor does not pass it on to this machine",
            "on the host around it: modprobe kvm_intel nested=1 (or kvm_amd), and a CPU model with"
                + " vmx or svm, as QEMU's -cpu host; in a cloud a kind of machine that has it");
  }

  private static Finding forGuests(Host host) {
    Optional<String> module =
        Stream.of("kvm_intel", "kvm_amd").filter(name -> host.has(parameter(name))).findFirst();
    if (module.isEmpty()) {
      return Finding.note("not needed on bare metal");
    }
    boolean on = host.text(parameter(module.get())).filter("Y1"::contains).isPresent();
    return on
        ? Finding.pass("virtual machines of this host can have it")
        : Finding.note(
            "virtual machines of this host do not have it",
            "to run Lodge on KVM inside of one, as root: modprobe -r %1$s; modprobe %1$s nested=1"
                .formatted(module.get()));
  }

  private static String parameter(String module) {
    return "/sys/module/" + module + "/parameters/nested";
  }
}
