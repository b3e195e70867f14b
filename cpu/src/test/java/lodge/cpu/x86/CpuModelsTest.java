package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CpuModelsTest {
  private static void refused(String description, String message) {
    assertThatThrownBy(() -> CpuModels.parse(description))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void maxIsAllThatIsImplemented() {
    assertThat(CpuModels.parse("max").features()).isEqualTo(new CpuModel().features());
    assertThat(CpuModels.names()).containsExactly("max", "x86-64-v1", "x86-64-v2", "x86-64-v3");
  }

  @Test
  void eachModelHasWhatItsFeaturesNeedAndMoreThanTheOneBefore() {
    Set<Feature> before = EnumSet.noneOf(Feature.class);
    for (String name : CpuModels.names().subList(1, CpuModels.names().size())) {
      Set<Feature> features = CpuModels.parse(name).features();
      assertThat(features).containsAll(before).hasSizeGreaterThan(before.size());
      assertThat(CpuModels.features()).containsAll(features);
      before = features;
    }
  }

  @Test
  void theLevelsAreThoseOfTheAbi() {
    assertThat(CpuModels.parse("x86-64-v1").features())
        .contains(Feature.CMOV, Feature.CX8, Feature.FXSR, Feature.MMX, Feature.SSE2)
        .contains(Feature.SYSCALL, Feature.X87, Feature.LM, Feature.NX)
        .doesNotContain(Feature.SSE3, Feature.CX16, Feature.POPCNT, Feature.XSAVE, Feature.SMAP);
    assertThat(CpuModels.parse("x86-64-v2").features())
        .contains(Feature.CX16, Feature.LAHF64, Feature.POPCNT, Feature.SSE42, Feature.SSSE3)
        .doesNotContain(Feature.AVX, Feature.MOVBE, Feature.LZCNT, Feature.XSAVE);
    assertThat(CpuModels.parse("x86-64-v3").features())
        .contains(Feature.AVX, Feature.AVX2, Feature.BMI1, Feature.BMI2, Feature.F16C)
        .contains(Feature.FMA, Feature.LZCNT, Feature.MOVBE, Feature.XSAVE)
        .doesNotContain(Feature.AES, Feature.ADX, Feature.SHA, Feature.SMAP, Feature.PCID);
  }

  @Test
  void featuresAreAddedAndTakenAwayInOrder() {
    assertThat(CpuModels.parse("x86-64-v1,+popcnt,+movbe,-movbe").features())
        .contains(Feature.POPCNT)
        .doesNotContain(Feature.MOVBE);
    assertThat(CpuModels.parse("max,-popcnt").features()).doesNotContain(Feature.POPCNT);
    // INVPCID without PCID is a processor that test programs ask for.
    assertThat(CpuModels.parse("max,-pcid,+invpcid").features())
        .contains(Feature.INVPCID)
        .doesNotContain(Feature.PCID);
  }

  @Test
  void namesAreThoseOfQemu() {
    assertThat(FeatureNames.of(Feature.SSE41)).isEqualTo("sse4.1");
    assertThat(FeatureNames.of(Feature.GB_PAGES)).isEqualTo("pdpe1gb");
    assertThat(FeatureNames.of(Feature.TSC_DEADLINE)).isEqualTo("tsc-deadline");
    assertThat(FeatureNames.of(Feature.AVX2)).isEqualTo("avx2");
    assertThat(FeatureNames.parse("tsc_deadline")).isEqualTo(Feature.TSC_DEADLINE);
    assertThat(FeatureNames.parse("sse4_1")).isEqualTo(Feature.SSE41);
    for (Feature feature : Feature.values()) {
      assertThat(FeatureNames.parse(FeatureNames.of(feature))).isEqualTo(feature);
    }
  }

  @Test
  void unknownModelsAndFeaturesAreRefused() {
    refused("pentium", "cpu 'pentium' is unknown; there are max, x86-64-v1");
    refused("", "cpu '' is unknown");
    refused("max,+warp", "cpu feature 'warp' is unknown");
    refused("max,+", "cpu feature '' is unknown");
    refused("max,popcnt", "'popcnt' is no change");
    refused("max,", "'' is no change");
    refused("MAX", "is unknown");
  }

  @Test
  void maxIsNotWithoutWhatIsAddedByNameAndOtherModelsAreNotWithoutAnything() {
    assertThat(CpuModels.demanded("max")).isEmpty();
    assertThat(CpuModels.demanded("max,-movbe,+avx2,+aes,+popcnt,-adx,+adx,-adx"))
        .containsExactlyInAnyOrder(Feature.AVX2, Feature.AES, Feature.POPCNT);
    assertThat(CpuModels.demanded("x86-64-v2,+aes,-popcnt"))
        .isEqualTo(CpuModels.parse("x86-64-v2,+aes,-popcnt").features());
  }

  @Test
  void missingPrerequisitesAreRefused() {
    refused("max,-xsave", "needs xsave, which is off");
    refused("x86-64-v1,+sse4.2", "cpu feature sse4.2 needs sse4.1, which is off");
    refused("x86-64-v1,-sse2", "needs sse2, which is off");
    refused("max,-lm", "lm cannot be off");
  }

  @Test
  void everyFeatureCanBeTakenFromMaxOrIsNeededByAnother() {
    for (Feature feature : CpuModels.features()) {
      EnumSet<Feature> others = EnumSet.copyOf(CpuModels.features());
      others.remove(feature);
      boolean needed = others.stream().anyMatch(o -> Prerequisites.of(o).contains(feature));
      String description = "max,-" + FeatureNames.of(feature);
      if (needed || feature == Feature.LM) {
        refused(description, FeatureNames.of(feature));
      } else {
        assertThat(CpuModels.parse(description).has(feature)).isFalse();
      }
    }
  }
}
