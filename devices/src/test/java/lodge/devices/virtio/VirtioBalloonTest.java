package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A balloon of which all work is done before a notification returns. */
class VirtioBalloonTest {
  private static final int INFLATE = 0;
  private static final int DEFLATE = 1;
  private static final int STATISTICS = 2;
  private static final int REPORTING = 3;
  private static final int PAGE = 4096;

  /** The first of some pages that nothing else is in. */
  private static final int FREE = 0x310;

  private final Rig<VirtioBalloon.State> rig;
  private final VirtioBalloon balloon;

  VirtioBalloonTest() {
    VirtioBalloon[] made = new VirtioBalloon[1];
    rig = new Rig<>(memory -> made[0] = new VirtioBalloon(memory, true, true, Runnable::run));
    balloon = made[0];
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private void fill(int page, int pages) {
    rig.memory.fill((long) page * PAGE, (long) pages * PAGE, (byte) 7);
  }

  private boolean isZero(int page) {
    return rig.memory.getByte((long) page * PAGE) == 0
        && rig.memory.getByte((long) page * PAGE + PAGE - 1) == 0;
  }

  private Piece numbers(int... pages) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * pages.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int page : pages) {
      bytes.putInt(page);
    }
    return rig.out(0, bytes.array());
  }

  private static Piece pages(int page, int pages) {
    return new Piece((long) page * PAGE, pages * PAGE, true);
  }

  @Test
  void theDriverIsToldHowLargeItIsToBeAndTellsHowLargeItIs() {
    rig.start(0);
    assertThat(rig.pci.read(0, 4)).isEqualTo(0x1002_1AF4);
    balloon.target(1000);
    assertThat(rig.configurationInterrupts).isEqualTo(1);
    assertThat(rig.configuration(0, 4)).isEqualTo(1000);
    rig.driver.write(PciDriver.DEVICE, 4, 4, 900);
    assertThat(rig.configuration(4, 4)).isEqualTo(900);
    assertThat(balloon.actual()).isEqualTo(900);
    rig.driver.write(PciDriver.DEVICE, 0, 4, 1);
    assertThat(rig.configuration(0, 4)).as("the host's own").isEqualTo(1000);
  }

  @Test
  void whatIsOfferedIsTheUsersChoice() {
    long chosen = VirtioBalloon.DEFLATE_ON_OOM | VirtioBalloon.PAGE_REPORTING;
    VirtioBalloon plain = new VirtioBalloon(rig.memory, false, false, Runnable::run);
    assertThat(balloon.features() & chosen).isEqualTo(chosen);
    assertThat(plain.features() & (chosen | VirtioBalloon.PAGE_POISON)).isZero();
    assertThat(plain.features() & VirtioBalloon.STATS_VQ).isNotZero();
  }

  @Test
  void pagesInTheBalloonAreGivenBack() {
    for (long features : new long[] {0, Features.RING_PACKED}) {
      rig.start(features);
      fill(FREE, 8);
      int token = rig.add(INFLATE, numbers(FREE + 1, FREE + 2, FREE + 3, FREE + 6, FREE + 5));
      assertThat(rig.poll(INFLATE)).isEqualTo(new Used(token, 0));
      for (int page = 0; page < 8; page++) {
        boolean inside = page != 0 && page != 4 && page != 7;
        assertThat(isZero(FREE + page)).as("page %d", page).isEqualTo(inside);
      }
      token = rig.add(DEFLATE, numbers(FREE + 1, FREE + 6));
      assertThat(rig.poll(DEFLATE)).isEqualTo(new Used(token, 0));
      rig.pci.reset();
    }
  }

  @Test
  void pagesThatAreNoRamAreLeftAlone() {
    rig.start(0);
    fill(FREE, 1);
    fill(0x9F, 1);
    rig.add(INFLATE, numbers(0xA0, -1, 0x8000_0000, 0x400, FREE), new Piece(Rig.DATA, 3, false));
    assertThat(rig.poll(INFLATE)).isNotNull();
    assertThat(isZero(FREE)).isTrue();
    assertThat(isZero(0x9F)).isFalse();
    rig.add(INFLATE, Rig.in(0, 8));
    assertThat(rig.poll(INFLATE)).isNotNull();
    assertThat(rig.needsReset()).isFalse();
  }

  @Test
  void reportedPagesAreGivenBackWhole() {
    rig.start(VirtioBalloon.STATS_VQ | VirtioBalloon.PAGE_REPORTING);
    fill(FREE, 8);
    int token =
        rig.add(
            REPORTING,
            pages(FREE, 2),
            new Piece((FREE + 3L) * PAGE + 1, 2 * PAGE, true),
            new Piece((FREE + 6L) * PAGE + 1, PAGE - 1, true));
    assertThat(rig.poll(REPORTING)).isEqualTo(new Used(token, 0));
    for (int page = 0; page < 8; page++) {
      boolean given = page == 0 || page == 1 || page == 4;
      assertThat(isZero(FREE + page)).as("page %d", page).isEqualTo(given);
    }
  }

  @Test
  void aGuestThatPoisonsFreePagesFindsItsPoison() {
    rig.start(VirtioBalloon.STATS_VQ | VirtioBalloon.PAGE_REPORTING | VirtioBalloon.PAGE_POISON);
    fill(FREE, 1);
    rig.driver.write(PciDriver.DEVICE, 12, 4, 0x0707_0707);
    rig.add(REPORTING, pages(FREE, 1));
    assertThat(rig.poll(REPORTING)).isNotNull();
    assertThat(isZero(FREE)).isFalse();
  }

  private Piece statistics(long free) {
    ByteBuffer bytes = ByteBuffer.allocate(31).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort((short) 4).putLong(free);
    bytes.putShort((short) 0xFFFF).putLong(1);
    bytes.putShort((short) 5).putLong(-1);
    return rig.out(0, bytes.array());
  }

  @Test
  void statisticsComeWhenTheHostAsks() {
    rig.start(VirtioBalloon.STATS_VQ);
    assertThat(balloon.statistics()).isEmpty();
    rig.add(STATISTICS, statistics(100));
    assertThat(rig.poll(STATISTICS)).as("the first buffer tells already").isNotNull();
    assertThat(balloon.statistics())
        .isEqualTo(Map.of(BalloonStatistic.FREE_MEMORY, 100L, BalloonStatistic.TOTAL_MEMORY, -1L));
    rig.add(STATISTICS, statistics(200));
    assertThat(rig.poll(STATISTICS)).as("nobody has asked").isNull();
    balloon.pollStatistics();
    balloon.pollStatistics();
    assertThat(rig.poll(STATISTICS)).as("asked").isNotNull();
    assertThat(balloon.statistics()).containsEntry(BalloonStatistic.FREE_MEMORY, 100L);
    rig.add(STATISTICS, statistics(300));
    assertThat(rig.poll(STATISTICS)).as("answered").isNotNull();
    assertThat(balloon.statistics()).containsEntry(BalloonStatistic.FREE_MEMORY, 300L);
    rig.add(STATISTICS, statistics(400));
    assertThat(rig.poll(STATISTICS)).isNull();
    assertThat(balloon.statistics()).containsEntry(BalloonStatistic.FREE_MEMORY, 300L);
  }

  @Test
  void savingDoesNotWaitForStatistics() {
    rig.start(VirtioBalloon.STATS_VQ);
    rig.add(STATISTICS, statistics(100));
    rig.poll(STATISTICS);
    rig.add(STATISTICS, statistics(200));
    balloon.target(77);
    rig.driver.write(PciDriver.DEVICE, 4, 4, 66);
    VirtioPci.State<VirtioBalloon.State> saved = rig.pci.state();
    rig.pci.reset();
    assertThat(balloon.actual()).isZero();
    rig.pci.restore(saved);
    assertThat(rig.configuration(0, 8)).isEqualTo(66L << 32 | 77);
    assertThat(rig.poll(STATISTICS)).isNotNull();
    rig.add(STATISTICS, statistics(300));
    balloon.pollStatistics();
    assertThat(rig.poll(STATISTICS)).isNotNull();
    rig.add(STATISTICS, statistics(500));
    assertThat(balloon.statistics()).containsEntry(BalloonStatistic.FREE_MEMORY, 500L);
  }

  @Test
  void aDriverThatResetsTheDeviceStillFindsTheTarget() {
    balloon.target(5);
    rig.start(0);
    rig.driver.write(PciDriver.DEVICE, 4, 4, 5);
    rig.start(0);
    assertThat(rig.configuration(0, 8)).isEqualTo(5);
  }
}
