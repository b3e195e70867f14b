package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Year;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

/** Debian's kernel on several vCPUs. */
class ProcessorsIT {
  /** What the kernel says when processors do not get along. */
  private static final String COMPLAINTS =
      "warning:|bug:|stall|lockup|hung|unstable|unsynch|not responding|failed to";

  @Test
  void twoProcessorsShareTheWork() throws Exception {
    String script =
        """
        nproc
        cat /sys/devices/system/cpu/online
        grep LOC: /proc/interrupts
        for i in 1 2 3 4 5 6; do
          (seq 1 2000 | sort -rn | md5sum | cut -c1-8 >/tmp/$i) &
        done
        wait
        cat /tmp/[1-6] | sort -u
        dd if=/dev/zero bs=64k count=20 2>/dev/null | cat | cat | wc -c
        cat /sys/devices/system/clocksource/clocksource0/current_clocksource
        dmesg | grep -iE '%s'
        echo end
        """
            .formatted(COMPLAINTS);

    LodgeScript.Result run = lodge("run", "tiny", "--cpus", "2", "--", "sh", "-c", script).run();

    assertThat(run.text())
        .matches(
            "2\\n0-1\\nLOC: +[1-9][0-9]* +[1-9][0-9]* .*\\n" + "1fd3c981\\n1310720\\ntsc\\nend\\n");
    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isZero();
  }

  @Test
  void fourProcessorsComeGoAndPowerOff() throws Exception {
    String script =
        """
        nproc
        echo 0 >/sys/devices/system/cpu/cpu2/online
        cat /sys/devices/system/cpu/online
        echo 1 >/sys/devices/system/cpu/cpu2/online
        cat /sys/devices/system/cpu/online
        for i in 1 2 3 4 5 6 7 8; do (cat /proc/interrupts /proc/meminfo >/dev/null) & done
        wait
        dmesg | grep -iE '%s'
        exit 4
        """
            .formatted(COMPLAINTS);

    LodgeScript.Result run = lodge("run", "tiny", "--cpus", "4", "--", "sh", "-c", script).run();

    assertThat(run.text()).isEqualTo("4\n0-1,3\n0-3\n");
    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isEqualTo(4);
  }

  /** What a stock kernel does with KVM's interface, with an engine that is not KVM. */
  @Test
  void theKernelFindsKvmsInterface() throws Exception {
    String script =
        """
        dmesg | grep -oE 'Hypervisor detected: .*|KVM setup pv remote TLB flush|setup PV IPIs|to physical x2apic'
        grep -o kvm-clock /sys/devices/system/clocksource/clocksource0/available_clocksource
        dmesg | grep -iE '%s'
        date +%%Y
        """
            .formatted(COMPLAINTS);

    LodgeScript.Result run = lodge("run", "tiny", "--cpus", "2", "--", "sh", "-c", script).run();

    assertThat(run.text())
        .isEqualTo(
            """
            Hypervisor detected: KVM
            KVM setup pv remote TLB flush
            to physical x2apic
            setup PV IPIs
            kvm-clock
            %d
            """
                .formatted(Year.now(ZoneOffset.UTC).getValue()));
    assertThat(run.errors()).isEmpty();
  }
}
