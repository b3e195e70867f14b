package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.regex.Pattern;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A stock kernel on Linux's own KVM, which most hosts of tests do not have: in an emulated one. All
 * in one boot, which takes minutes.
 */
class NestedKvmIT {
  @TempDir private Path folder;

  @BeforeAll
  static void wanted() {
    String reason = null;
    if (!Boolean.getBoolean("lodge.nested")) {
      reason = "it takes minutes and is run with -Dlodge.tests=-Dlodge.nested=true";
    } else if (!KvmHost.possible()) {
      reason = "it takes qemu-system-x86_64 and Debian's places of libraries";
    }
    if (reason != null) {
      System.out.println("no kernel on an emulated host's KVM: " + reason);
      Assumptions.abort(reason);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,quiet", "2,pci=nomsi"})
  void aStockKernelBootsOnRealKvmAndWritesADisk(int cpus, String append) throws Exception {
    String output =
        new KvmHost(folder)
            .run(
                """
                truncate -s 16M /tmp/disk
                lodge run tiny --engine auto --cpus %d --append 'no_timer_check %s' --stats \
                    --disk /tmp/disk,format=raw -- sh -c '
                  head -c 1900000 /bin/busybox >/tmp/some
                  dd if=/tmp/some of=/dev/vda conv=fsync 2>/dev/null
                  echo 3 >/proc/sys/vm/drop_caches
                  head -c 1900000 /dev/vda | cmp - /tmp/some && echo the disk has it
                  echo processors: $(nproc)
                  dmesg | grep "Detected.*MHz"
                  dmesg | grep -E "BUG|Oops|WARNING|unchecked MSR" || echo nothing to complain of'
                """
                    .formatted(cpus, append));
    assertThat(output).contains("lodge: engine kvm: it works here", "engine kvm");
    assertThat(output).contains("the disk has it", "nothing to complain of");
    assertThat(output).contains("processors: " + cpus);
    assertThat(output).as("halts stay in the kernel").contains("exits_halt 0");
    var detected = Pattern.compile("tsc: Detected ([0-9.]+) MHz").matcher(output);
    assertThat(detected.find()).as(output).isTrue();
    assertThat(1000 * Double.parseDouble(detected.group(1)))
        .isCloseTo(KvmHost.tscKhz(), Percentage.withPercentage(1));
  }
}
