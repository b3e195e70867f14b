package lodge.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is told what when code is decoded and written to. */
@Timeout(30)
class CodeWatchTest {
  private static final long PAGE = 0x5000;
  private static final int FRAME = 5;
  private static final long GRAIN_0 = CodeWatch.grains(0, 64);
  private static final long GRAIN_9 = CodeWatch.grains(9 * 64 + 5, 1);

  private final GuestMemory memory = GuestMemory.allocate(1 << 20);

  /** A vCPU that notes what is asked of it. */
  private final class Processor implements CodeWatch.Cache {
    final List<Long> isProtected = new ArrayList<>();
    final List<Long> changed = new ArrayList<>();
    volatile boolean attention;
    final CodeWatch.Member member = memory.codeWatch().join(() -> attention = true);

    @Override
    public void protectFromWrites(long gpaPage) {
      isProtected.add(gpaPage);
    }

    @Override
    public void codeChanged(long gpaPage) {
      changed.add(gpaPage);
      member.release(gpaPage);
    }

    void cover(long grains) {
      member.cover(PAGE, grains, this);
    }
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private boolean holdsCode() {
    return (memory.pageFlags()[FRAME] & GuestMemory.CODE) != 0;
  }

  @Test
  void grainsAreThoseThatTheBytesTouch() {
    assertThat(CodeWatch.grains(0, 4096)).isEqualTo(-1);
    assertThat(CodeWatch.grains(63, 1)).isEqualTo(1);
    assertThat(CodeWatch.grains(63, 2)).isEqualTo(3);
    assertThat(CodeWatch.grains(4095, 1)).isEqualTo(1L << 63);
  }

  @Test
  void aSingleProcessorProtectsAPageOnceAndOpensItWhenItsCodeIsGone() {
    Processor single = new Processor();
    assertThat(single.member.mayWrite(FRAME)).isTrue();
    single.cover(GRAIN_0);
    single.cover(GRAIN_9);
    assertThat(single.isProtected).containsExactly(PAGE);
    assertThat(single.member.mayWrite(FRAME)).isFalse();
    assertThat(single.member.hitsCode(FRAME)).isTrue();
    single.member.written(PAGE, GRAIN_0, GRAIN_9);
    assertThat(holdsCode()).isTrue();
    single.member.written(PAGE, GRAIN_9, 0);
    assertThat(holdsCode()).isFalse();
    assertThat(single.attention).isFalse();
  }

  @Test
  void onlyThoseWhoseCodeIsHitAreTold() {
    Processor writer = new Processor();
    Processor hit = new Processor();
    Processor missed = new Processor();
    hit.cover(GRAIN_0);
    missed.cover(-1);
    missed.member.narrow(PAGE, GRAIN_9);
    assertThat(writer.member.hitsCode(FRAME)).isTrue();
    writer.member.written(PAGE, GRAIN_0, 0);
    writer.member.written(PAGE, GRAIN_0, 0);
    assertThat(hit.attention).isTrue();
    hit.member.serve(hit);
    assertThat(hit.changed).as("told once").containsExactly(PAGE);
    missed.member.serve(missed);
    assertThat(missed.changed).isEmpty();
    assertThat(missed.attention).isFalse();
    assertThat(holdsCode()).isTrue();
    missed.member.release(PAGE);
    assertThat(holdsCode()).isFalse();
  }

  @Test
  void aPageHoldsCodeUntilAllHaveForgotten() {
    Processor writer = new Processor();
    Processor other = new Processor();
    other.cover(GRAIN_0);
    writer.member.written(PAGE, GRAIN_0, 0);
    assertThat(holdsCode()).as("the other has not looked yet").isTrue();
    other.member.serve(other);
    assertThat(holdsCode()).isFalse();
    other.cover(GRAIN_0);
    writer.member.written(PAGE, GRAIN_0, 0);
    other.member.serve(other);
    assertThat(other.changed).containsExactly(PAGE, PAGE);
  }

  @Test
  void aDeviceThatWritesTellsASingleProcessorAndSeveral() {
    Processor first = new Processor();
    first.cover(GRAIN_0);
    memory.codeWatch().written(PAGE - 4096, 3 * 4096);
    memory.codeWatch().written(PAGE + 4096, 4096);
    first.member.serve(first);
    assertThat(first.changed).containsExactly(PAGE);
    assertThat(holdsCode()).isFalse();

    Processor second = new Processor();
    first.cover(GRAIN_0);
    second.cover(GRAIN_9);
    memory.codeWatch().written(PAGE + 9 * 64, 1);
    first.member.serve(first);
    second.member.serve(second);
    assertThat(first.changed).hasSize(1);
    assertThat(second.changed).containsExactly(PAGE);
    // The end of memory and what is no RAM.
    memory.codeWatch().written((1 << 20) - 1, 1);
    memory.codeWatch().written(GuestMemory.VIDEO_START, 1L << 40);
  }

  @Test
  void whoDoesNotExecuteIsNotWaitedForButActsBeforeItDoes() {
    Processor sleeper = new Processor();
    Processor decoder = new Processor();
    sleeper.member.enter(sleeper);
    assertThat(sleeper.member.mayWrite(FRAME)).isTrue();
    sleeper.member.leave();
    decoder.cover(GRAIN_0);
    assertThat(sleeper.isProtected).isEmpty();
    assertThat(sleeper.attention).isTrue();
    sleeper.member.enter(sleeper);
    assertThat(sleeper.isProtected).containsExactly(PAGE);
    assertThat(sleeper.member.mayWrite(FRAME)).isFalse();
  }

  @Test
  void whoDecodesGivesUpItsOwnWritePath() {
    new Processor();
    Processor decoder = new Processor();
    assertThat(decoder.member.mayWrite(FRAME)).isTrue();
    decoder.cover(GRAIN_0);
    decoder.cover(GRAIN_9);
    assertThat(decoder.isProtected).containsExactly(PAGE);
  }

  @Test
  void whoExecutesAndMayWriteIsWaitedFor() throws Exception {
    Processor writer = new Processor();
    Processor decoder = new Processor();
    writer.member.enter(writer);
    assertThat(writer.member.mayWrite(FRAME)).isTrue();
    CountDownLatch covered = new CountDownLatch(1);
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  decoder.cover(GRAIN_0);
                  covered.countDown();
                });
    assertThat(covered.await(50, TimeUnit.MILLISECONDS)).isFalse();
    assertThat(writer.attention).isTrue();
    writer.member.serve(writer);
    covered.await();
    thread.join();
    assertThat(writer.isProtected).containsExactly(PAGE);
  }

  @Test
  void twoThatWaitForEachOtherBothGoOn() throws Exception {
    Processor[] both = {new Processor(), new Processor()};
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      int own = i;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    Processor p = both[own];
                    p.member.enter(p);
                    for (int frame = 16; frame < 116; frame++) {
                      p.member.mayWrite(2 * frame + 1 - own);
                    }
                    for (int frame = 16; frame < 116; frame++) {
                      p.member.cover((2L * frame + own) << 12, GRAIN_0, p);
                    }
                    p.member.leave();
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (Processor p : both) {
      p.member.serve(p);
      assertThat(p.member.mayWrite(40) || p.member.mayWrite(41)).isFalse();
    }
  }

  @Test
  void exchangesAreOfTheirBytesAlone() {
    for (int size = 1; size <= 8; size *= 2) {
      for (int at = 0; at + size <= 8; at++) {
        memory.putLong(0x100, 0x8877_6655_4433_2211L);
        long mask = size == 8 ? -1L : (1L << 8 * size) - 1;
        long there = 0x8877_6655_4433_2211L >>> 8 * at & mask;
        long wanted = ~there & mask;
        assertThat(GuestMemory.exchangeable(0x100 + at, size)).isTrue();
        assertThat(memory.compareAndExchange(0x100 + at, size, wanted, 0)).isEqualTo(there);
        assertThat(memory.getLong(0x100)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(memory.compareAndExchange(0x100 + at, size, there, wanted)).isEqualTo(there);
        assertThat(memory.getLong(0x100)).isEqualTo(0x8877_6655_4433_2211L ^ mask << 8 * at);
      }
    }
    assertThat(GuestMemory.exchangeable(0x107, 2)).isFalse();
  }
}
