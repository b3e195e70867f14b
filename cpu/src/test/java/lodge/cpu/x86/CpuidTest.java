package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CpuidTest {
  private final TestMachine m = new TestMachine();
  private final Cpu c = m.c;

  @AfterEach
  void close() {
    m.close();
  }

  private int[] leaf(int leaf, int subleaf) {
    int[] out = new int[4];
    Cpuid.read(c, leaf, subleaf, out);
    return out;
  }

  @Test
  void names_vendor_and_brand() {
    int[] v = leaf(0, 0);
    assertThat(text(v[1], v[3], v[2])).isEqualTo("GenuineIntel");
    var brand = new StringBuilder();
    for (int i = 0; i < 3; i++) {
      int[] b = leaf(0x8000_0002 + i, 0);
      brand.append(text(b[0], b[1], b[2], b[3]));
    }
    assertThat(brand.toString().trim()).isEqualTo("Lodge Virtual CPU");
  }

  private static String text(int... words) {
    var bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : words) {
      bytes.putInt(word);
    }
    return new String(bytes.array(), StandardCharsets.US_ASCII).replace('\0', ' ');
  }

  @Test
  void shows_exactly_the_features_of_the_model() {
    for (Feature feature : Feature.values()) {
      int word = leaf(feature.leaf(), feature.subleaf())[feature.register().ordinal()];
      assertThat((word >>> feature.bit() & 1) != 0)
          .as(feature.name())
          .isEqualTo(c.model.has(feature));
    }
  }

  @Test
  void no_two_features_share_a_bit() {
    long distinct =
        EnumSet.allOf(Feature.class).stream()
            .map(f -> f.leaf() + "/" + f.subleaf() + "/" + f.register() + "/" + f.bit())
            .distinct()
            .count();
    assertThat(distinct).isEqualTo(Feature.values().length);
  }

  @Test
  void announces_all_of_the_third_level_and_cryptography() {
    for (String feature :
        ("AVX AVX2 FMA F16C BMI1 BMI2 LZCNT MOVBE XSAVE AES PCLMULQDQ SHA ADX VAES VPCLMULQDQ PKU"
                + " RDPID CLFLUSHOPT CLWB")
            .split(" ")) {
      assertThat(c.model.has(feature)).as(feature).isTrue();
    }
  }

  @Test
  void osxsave_mirrors_cr4() {
    assertThat(leaf(1, 0)[2] >>> 27 & 1).isZero();
    c.cr4 |= Cpu.CR4_OSXSAVE;
    assertThat(leaf(1, 0)[2] >>> 27 & 1).isEqualTo(1);
  }

  @Test
  void the_signature_is_that_of_reset() {
    assertThat(leaf(1, 0)[0]).isEqualTo((int) c.r[Cpu.RDX]);
  }

  @Test
  void xsave_sizes_follow_xcr0() {
    assertThat(leaf(0xD, 0)).containsExactly(0x207, 576, 2696, 0);
    assertThat(leaf(0xD, 1)[1]).isEqualTo(576);
    assertThat(leaf(0xD, 2)).containsExactly(256, 576, 0, 0);
    assertThat(leaf(0xD, 9)).containsExactly(8, 2688, 0, 0);
    ControlRegisters.writeXcr(c, 0, 7);
    assertThat(leaf(0xD, 0)).containsExactly(0x207, 832, 2696, 0);
    assertThat(leaf(0xD, 1)[1]).isEqualTo(832);
    ControlRegisters.writeXcr(c, 0, 0x207);
    assertThat(leaf(0xD, 0)).containsExactly(0x207, 2696, 2696, 0);
    assertThat(leaf(0xD, 1)[1]).isEqualTo(576 + 256 + 8);
  }

  @Test
  void xsave_components_go_with_their_features() {
    var features = EnumSet.copyOf(c.model.features());
    features.remove(Feature.AVX);
    features.remove(Feature.PKU);
    try (var other = new TestMachine(new CpuModel("narrow", features, 1))) {
      int[] out = new int[4];
      Cpuid.read(other.c, 0xD, 0, out);
      assertThat(out).containsExactly(3, 576, 576, 0);
      Cpuid.read(other.c, 0xD, 2, out);
      assertThat(out).containsExactly(0, 0, 0, 0);
    }
  }

  @Test
  void the_time_stamp_counter_runs_at_one_gigahertz() {
    int[] out = leaf(0x15, 0);
    assertThat((long) out[2] * out[1] / out[0]).isEqualTo(1_000_000_000L);
    assertThat(leaf(0x16, 0)[0]).isEqualTo(1000);
  }

  @Test
  void leaves_0x15_and_0x16_tell_the_pace_that_the_counter_has() {
    c.msrs.setTscPace(2_600_000);
    int[] out = leaf(0x15, 0);
    assertThat((long) out[1] * out[2] / out[0]).isEqualTo(2_600_000_000L);
    assertThat(leaf(0x16, 0)).containsExactly(2600, 2600, 100, 0);
    c.msrs.setTscPace(1_000_000);
    assertThat(leaf(0x15, 0)).containsExactly(1, 1, 1_000_000_000, 0);
  }

  @Test
  void the_topology_has_a_core_for_each_processor() {
    int[] out = new int[4];
    CpuModel model = new CpuModel().withCpus(6);
    Cpuid.leaf(model, 5, 0xB, 0, out);
    assertThat(out).containsExactly(0, 1, 1 << 8, 5);
    Cpuid.leaf(model, 5, 0xB, 1, out);
    assertThat(out).containsExactly(3, 6, 2 << 8 | 1, 5);
    Cpuid.leaf(model, 5, 0xB, 2, out);
    assertThat(out).containsExactly(0, 0, 2, 5);
    Cpuid.leaf(model, 5, 1, 0, out);
    assertThat(out[1]).isEqualTo(5 << 24 | 8 << 16 | 8 << 8);
    assertThat(out[3] >>> 28 & 1).as("HTT").isEqualTo(1);
    assertThat(leaf(1, 0)[3] >>> 28 & 1).isZero();
  }

  @Test
  void cache_leaves_end_with_a_null_type() {
    for (int i = 0; i < 4; i++) {
      int[] out = leaf(4, i);
      assertThat(out[0] & 31).isNotZero();
      assertThat((out[1] & 0xFFF) + 1).as("line").isEqualTo(64);
    }
    assertThat(leaf(4, 4)[0]).isZero();
    assertThat(leaf(4, -1)[0]).isZero();
  }

  @Test
  void leaves_out_of_range_show_the_highest_basic_one_but_hypervisor_leaves_are_empty() {
    assertThat(leaf(0x17, 0)).containsExactly(leaf(0x16, 0));
    assertThat(leaf(0x8000_0009, 0)).containsExactly(leaf(0x16, 0));
    assertThat(leaf(0x4000_0002, 0)).containsExactly(0, 0, 0, 0);
    assertThat(leaf(0x8000_0000, 0)[0]).isEqualTo(0x8000_0008);
    assertThat(leaf(0x8000_0008, 0)[0]).isEqualTo(57 << 8 | 46);
  }

  @Test
  void the_instruction_clears_the_upper_halves() {
    m.longMode(0);
    c.r[Cpu.RBX] = -1;
    c.r[Cpu.RAX] = 0xFFFF_FFFF_0000_0000L;
    m.run("0F A2");
    assertThat(c.r[Cpu.RAX]).isEqualTo(0x16);
    assertThat(c.r[Cpu.RBX]).isEqualTo(0x756E_6547L);
  }

  @Test
  void requirements_of_opcode_rows_are_looked_up_by_name() {
    assertThat(c.model.has("8086")).isTrue();
    assertThat(c.model.has("X64")).isTrue();
    assertThat(c.model.has("SSE41")).isTrue();
    assertThat(c.model.has("AES+AVX")).isTrue();
    assertThat(c.model.has("AES+NONSENSE")).isFalse();
    assertThat(c.model.has("NONSENSE")).isFalse();
  }
}
