package lodge.cpu.x86.translator;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import lodge.cpu.x86.interpreter.Op;

/**
 * Keeps the guest away from regions that HotSpot has not compiled: the JVM's interpreter takes
 * longer for a region than Lodge's takes for the instructions in it. A region is called here, with
 * no processor and so with no effect, until it has been compiled; that is seen from the time a call
 * takes. Regions whose compiled code HotSpot has thrown away come back here. On the translator's
 * thread.
 */
final class WarmUp {
  /** After these calls HotSpot wants the method compiled. */
  private static final int FIRST_CALLS = 384;

  /** What a call that does nothing takes at most when it is compiled; interpreted, 50 and more. */
  private static final int COMPILED_NANOS = 30;

  private static final int TIMED_CALLS = 4;

  /** A region was in use when it was entered as often since the last look. */
  private static final int IN_USE = 64;

  /** Most regions looked at in one go. */
  private static final int SLICE = 500;

  /** HotSpot has given a method up that it did not compile within so many looks. */
  private static final int PATIENCE = 5000;

  private static final class Cold {
    final Translation translation;
    int looks;

    Cold(Translation translation) {
      this.translation = translation;
    }
  }

  private static final class Hot {
    final Translation translation;
    int entered;

    Hot(Translation translation) {
      this.translation = translation;
      this.entered = translation.region().entered;
    }
  }

  private final List<Cold> cold = new ArrayList<>();
  private final List<Hot> hot = new ArrayList<>();
  private final Consumer<Translation> compiled;
  private final Consumer<Translation> thrownAway;
  private int next;

  /** Regions that HotSpot has never compiled, and how often one lost its compiled code. */
  volatile int givenUp;

  volatile int cooled;

  /**
   * @param compiled is given regions that may be executed from now on
   * @param thrownAway is given those that had better not
   */
  WarmUp(Consumer<Translation> compiled, Consumer<Translation> thrownAway) {
    this.compiled = compiled;
    this.thrownAway = thrownAway;
  }

  void add(Translation translation) {
    Op region = translation.region();
    for (int i = 0; i < FIRST_CALLS; i++) {
      region.exec(null);
    }
    cold.add(new Cold(translation));
  }

  /** Whether regions wait for being compiled. */
  boolean waits() {
    return !cold.isEmpty();
  }

  /** Looks which regions have been compiled. */
  void lookAtCold() {
    for (Iterator<Cold> i = cold.iterator(); i.hasNext(); ) {
      Cold each = i.next();
      if (each.translation.region().dead) {
        i.remove();
      } else if (isCompiled(each.translation.region())) {
        i.remove();
        hot.add(new Hot(each.translation));
        compiled.accept(each.translation);
      } else if (++each.looks > PATIENCE) {
        i.remove();
        givenUp++;
        each.translation.region().observer.accept(RegionEvent.GIVEN_UP);
      }
    }
  }

  /** Looks at some of the regions in use for those that have lost their compiled code. */
  void lookAtHot() {
    int looks = Math.min(SLICE, hot.size());
    for (int i = 0; i < looks; i++) {
      if (next >= hot.size()) {
        next = 0;
      }
      Hot each = hot.get(next);
      RegionOp region = each.translation.region();
      int entered = region.entered - each.entered;
      boolean lost = !region.dead && entered >= IN_USE && !isCompiled(region);
      if (region.dead || lost) {
        hot.set(next, hot.getLast());
        hot.removeLast();
        if (hot.isEmpty()) {
          i = looks;
        }
      } else {
        if (entered >= IN_USE) {
          each.entered = region.entered;
        }
        next++;
      }
      if (lost) {
        cooled++;
        thrownAway.accept(each.translation);
        add(each.translation);
      }
    }
  }

  private static boolean isCompiled(Op region) {
    // The first call brings the code into the caches.
    region.exec(null);
    for (int attempt = 0; attempt < 2; attempt++) {
      long start = System.nanoTime();
      for (int i = 0; i < TIMED_CALLS; i++) {
        region.exec(null);
      }
      if (System.nanoTime() - start <= TIMED_CALLS * COMPILED_NANOS) {
        return true;
      }
    }
    return false;
  }
}
