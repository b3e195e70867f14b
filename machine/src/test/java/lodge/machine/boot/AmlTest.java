package lodge.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class AmlTest {
  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  @Test
  void integersTakeTheirShortestForm() {
    assertThat(hex(Aml.integer(0))).isEqualTo("00");
    assertThat(hex(Aml.integer(1))).isEqualTo("01");
    assertThat(hex(Aml.integer(0xFF))).isEqualTo("0aff");
    assertThat(hex(Aml.integer(0x100))).isEqualTo("0b0001");
    assertThat(hex(Aml.integer(0xC000_0000L))).isEqualTo("0c000000c0");
    assertThat(hex(Aml.integer(-1))).isEqualTo("0effffffffffffffff");
  }

  @Test
  void eisaIdsArePackedAsTheSpecificationSays() {
    assertThat(hex(Aml.eisaId("PNP0A03"))).isEqualTo("0c41d00a03");
  }

  @Test
  void pathsAreFilledUpAndPrefixedByTheirLength() {
    assertThat(hex(Aml.name("_S5", Aml.integer(0))))
        .isEqualTo("08" + hex("_S5_".getBytes()) + "00");
    assertThat(hex(Aml.scope("\\_SB.PCI0")))
        .isEqualTo("100b" + "5c2e" + hex("_SB_PCI0".getBytes()));
    assertThat(hex(Aml.scope("\\A.B.C")))
        .isEqualTo("1010" + "5c2f03" + hex("A___B___C___".getBytes()));
  }

  @Test
  void packageLengthsGrowWithTheirContent() {
    // The length counts its own bytes: 63 is the most that one byte tells, 4095 what two do.
    assertThat(lead(Aml.packageOf(string(58)))).isEqualTo("3c");
    assertThat(lead(Aml.packageOf(string(61)))).isEqualTo("3f");
    assertThat(lead(Aml.packageOf(string(62)))).isEqualTo("4104");
    assertThat(lead(Aml.packageOf(string(4092)))).isEqualTo("4fff");
    assertThat(lead(Aml.packageOf(string(4093)))).isEqualTo("810001");
  }

  /** A string term of this many bytes. */
  private static byte[] string(int length) {
    return Aml.string("x".repeat(length - 2));
  }

  private static String lead(byte[] term) {
    return hex(Arrays.copyOfRange(term, 1, 2 + (term[1] >> 6 & 3)));
  }
}
