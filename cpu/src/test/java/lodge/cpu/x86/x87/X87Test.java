package lodge.cpu.x86.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class X87Test {
  private static final int ONE = 0x3FFF;
  private static final long TOP = 1L << 63;

  private final X87 x = new X87();

  @Test
  void resetLeavesAllRegistersZeroAndInitEmptiesThem() {
    x.reset();
    assertThat(x.controlWord()).isEqualTo(0x40);
    assertThat(Environment.tagWord(x)).isEqualTo(0x5555);
    x.init();
    assertThat(x.controlWord()).isEqualTo(0x37F);
    assertThat(Environment.tagWord(x)).isEqualTo(0xFFFF);
  }

  @Test
  void unknownControlBitsAreDropped() {
    x.setControlWord(0xFFFF);
    assertThat(x.controlWord()).isEqualTo(0x1F7F);
    x.setControlWord(0);
    assertThat(x.controlWord()).isEqualTo(0x40);
  }

  @Test
  void theSummaryFollowsFlagsAndMasks() {
    x.init();
    x.setStatusWord(X87.ES | X87.BUSY | X87.PE);
    assertThat(x.statusWord()).isEqualTo(X87.PE);
    x.setControlWord(0x37F & ~X87.PE);
    assertThat(x.statusWord()).isEqualTo(X87.ES | X87.BUSY | X87.PE);
    x.setControlWord(0x37F);
    assertThat(x.statusWord()).isEqualTo(X87.PE);
  }

  @Test
  void tagsTellZeroSpecialAndValidApart() {
    x.init();
    x.push(ONE, TOP); // 7
    x.push(0, 0); // 6
    x.push(0x7FFF, TOP); // 5
    x.push(0, 1); // 4
    x.push(ONE, 1); // 3, an unnormal
    assertThat(Environment.tagWord(x)).isEqualTo(0b00_01_10_10_10_11_11_11);
    assertThat(x.fxsaveTags()).isEqualTo(0xF8);
    assertThat(x.statusWord() >> 11).isEqualTo(3);
  }

  @Test
  void mmxInstructionsTakeTheWholeStackAndEmmsEmptiesIt() {
    x.init();
    x.push(ONE, TOP);
    x.enterMmx();
    x.setMmx(3, 0x0123_4567_89AB_CDEFL);
    assertThat(x.top).isZero();
    assertThat(x.fxsaveTags()).isEqualTo(0xFF);
    assertThat(x.significand[3]).isEqualTo(0x0123_4567_89AB_CDEFL);
    assertThat(x.signExponent[3]).isEqualTo(0xFFFF);
    assertThat(x.mmx(7)).as("what was pushed").isEqualTo(TOP);
    x.emms();
    assertThat(x.fxsaveTags()).isZero();
  }

  @Test
  void theInitialConfigurationIsNotInUse() {
    x.reset();
    assertThat(x.inUse()).isTrue();
    x.initForXrstor();
    assertThat(x.inUse()).isFalse();
    x.significand[5] = 1;
    assertThat(x.inUse()).isTrue();
  }

  @Test
  void examinationNamesEachKindOfNumber() {
    assertThat(examine(ONE, TOP)).isEqualTo(X87.C2);
    assertThat(examine(ONE | 0x8000, TOP)).isEqualTo(X87.C2 | X87.C1);
    assertThat(examine(0, 0)).isEqualTo(X87.C3);
    assertThat(examine(0, 1)).isEqualTo(X87.C3 | X87.C2);
    assertThat(examine(0x7FFF, TOP)).isEqualTo(X87.C2 | X87.C0);
    assertThat(examine(0x7FFF, -1L)).isEqualTo(X87.C0);
    assertThat(examine(ONE, 1)).isZero();
    x.init();
    Functions.execute(x, 0xE5);
    assertThat(x.status & (X87.C3 | X87.C2 | X87.C0)).isEqualTo(X87.C3 | X87.C0);
  }

  private int examine(int se, long sig) {
    x.init();
    x.push(se, sig);
    Functions.execute(x, 0xE5);
    return x.status;
  }

  @Test
  void constantsAreRoundedAsTheControlWordSaysWithoutFlags() {
    x.init();
    Functions.execute(x, 0xEB); // FLDPI
    assertThat(x.sig(0)).isEqualTo(0xC90F_DAA2_2168_C235L);
    x.setControlWord(0x77F); // down
    Functions.execute(x, 0xEB);
    assertThat(x.sig(0)).isEqualTo(0xC90F_DAA2_2168_C234L);
    x.setControlWord(0xB7F); // up
    Functions.execute(x, 0xE9); // FLDL2T
    assertThat(x.sig(0)).isEqualTo(0xD49A_784B_CD1B_8AFFL);
    assertThat(x.status & 0x3F).isZero();
  }
}
