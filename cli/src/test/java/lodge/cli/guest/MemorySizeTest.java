package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemorySizeTest {
  @ParameterizedTest
  @CsvSource({
    "512, 536870912",
    "512M, 536870912",
    "512m, 536870912",
    "512MiB, 536870912",
    "1MB, 1048576",
    "65536K, 67108864",
    "2G, 2147483648",
    "1T, 1099511627776"
  })
  void sizesAreReadAsPeopleWriteThem(String text, long bytes) {
    assertThat(MemorySize.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "abc",
        "-1",
        "0x10",
        "1.5G",
        "12P",
        "M",
        "1 G",
        "512B",
        "99999999999999999999"
      })
  void whatIsNoSizeIsRefusedWithAnExampleOfOne(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemorySize.parse(text))
        .withMessageContaining("'" + text + "'")
        .withMessageContaining("512M");
  }

  @ParameterizedTest
  @ValueSource(strings = {"999999999999999999", "999999999T", "99999999999G"})
  void whatOverflowsIsRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemorySize.parse(text))
        .withMessageContaining("more than any machine has");
  }

  @ParameterizedTest
  @CsvSource({
    "1024, 1K",
    "8388608, 8M",
    "1073741824, 1G",
    "1073742848, 1048577K",
    "1099511627776, 1T"
  })
  void sizesAreWrittenWithTheLargestUnitThatFits(long bytes, String text) {
    assertThat(MemorySize.format(bytes)).isEqualTo(text);
  }
}
