package lodge.cpu.x86.translator;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import lodge.core.Counters;
import lodge.core.GuestMemory;
import lodge.cpu.x86.interpreter.CodeCache;
import lodge.cpu.x86.interpreter.CodeLimits;
import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.HotSpots;
import lodge.cpu.x86.interpreter.Op;

/** Translates hot code in the background and hands the regions back to the vCPU's thread. */
final class Translator implements HotSpots {
  /**
   * Most guest instructions in a region: HotSpot compiles what comes out in a fraction of a second.
   */
  private static final int REGION_LIMIT = 40;

  /** As many in one that was made again because it is left often: fewer ways out of a hot loop. */
  private static final int GROWN_LIMIT = 120;

  /** HotSpot does not compile methods of 8,000 bytecodes and more. */
  private static final int MAX_CODE = 7_900;

  /** Regions in use are looked at after as many batches and as much time. */
  private static final int BATCHES = 64;

  private static final long LOOK_NANOS = 20_000_000;

  private static final int TAKEN = 1 << 24;

  /**
   * What is executed less often than {@link CodeCache#HOT} times in these nanoseconds stays with
   * the interpreter, however long it goes on: its host code, some 260 bytes an instruction, would
   * only push out of the processor's caches what is hot. A disk's requests, whose way through the
   * kernel is 19,000 instructions long, are faster for it.
   */
  private static final long PAUSE = 500_000_000;

  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  /**
   * A place that was asked for.
   *
   * @param version of the page's code: other code is worth another look
   */
  private record Spot(long gpa, int offset, long version) {}

  /** A region that is to be made again. */
  private record Growth(Spot spot, int growth, boolean requires) {}

  private final ScheduledThreadPoolExecutor worker =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().name("lodge-translator").daemon().factory());

  /** What the vCPU's thread is to do between two batches. */
  private final Queue<Runnable> changes = new ConcurrentLinkedQueue<>();

  /**
   * A place that was found hot.
   *
   * @param found how often in a row without a pause; {@link #TAKEN} once it is translated
   * @param nanos when last
   */
  private record Heat(int found, long nanos) {}

  private static final Heat NEVER_FOUND = new Heat(0, 0);

  private final Map<Spot, Heat> asked = new HashMap<>();

  private final Set<Growth> grown = new HashSet<>();

  private final GuestMemory memory;
  private final Runnable kick;
  private final WarmUp warmUp = new WarmUp(this::compiled, this::thrownAway);
  private long lastLook;
  private int batches;
  private boolean looking;

  volatile long regions;
  volatile long instructions;
  volatile long nanos;
  volatile Throwable failure;

  private final boolean eager;
  private final CodeLimits limits;

  /** How often all places that were asked for were forgotten. */
  private long placesForgotten;

  /** How often a hot place was passed over because too many waited. */
  private long placesPassedOver;

  /** Null when nobody wants to know. */
  private final TranslationTrace trace;

  @Override
  public boolean eager() {
    return eager;
  }

  /**
   * @param kick makes the vCPU leave the region it is in
   * @param trace is told of regions, or null
   */
  Translator(
      GuestMemory memory, Runnable kick, boolean eager, CodeLimits limits, TranslationTrace trace) {
    this.trace = trace;
    this.limits = limits;
    this.eager = eager;
    this.memory = memory;
    this.kick = kick;
    worker.setKeepAliveTime(1, TimeUnit.SECONDS);
    worker.allowCoreThreadTimeOut(true);
    worker.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
  }

  @Override
  public void hot(CodePage page, int offset, long base) {
    if (!eager && worker.getQueue().size() >= limits.queue()) {
      placesPassedOver++;
      return;
    }
    if (memory.isReadable(page.gpa)
        && (eager || isDue(new Spot(page.gpa, offset, page.version())))) {
      scan(page, offset, base, 0, true);
    }
  }

  private boolean isDue(Spot spot) {
    if (asked.size() > limits.asked()) {
      asked.clear();
      placesForgotten++;
    }
    long now = System.nanoTime();
    Heat heat = asked.getOrDefault(spot, NEVER_FOUND);
    if (heat.found == TAKEN) {
      return false;
    }
    int found = now - heat.nanos < PAUSE && heat != NEVER_FOUND ? heat.found + 1 : 0;
    boolean due = found >= CompileBudget.OF_THIS_JVM.needed();
    asked.put(spot, new Heat(due ? TAKEN : found, now));
    if (!due) {
      return false;
    }
    CompileBudget.OF_THIS_JVM.spend(1);
    return true;
  }

  @Override
  public void grow(CodePage page, int offset, long base, int growth, boolean requires) {
    if (page.peek(offset) == null || !memory.isReadable(page.gpa)) {
      return;
    }
    Growth wish = new Growth(new Spot(page.gpa, offset, page.version()), growth, requires);
    // What is not translated at all comes first.
    if (grown.contains(wish) || !eager && CompileBudget.OF_THIS_JVM.needed() > 1) {
      return;
    }
    if (grown.size() > limits.asked()) {
      grown.clear();
    }
    grown.add(wish);
    CompileBudget.OF_THIS_JVM.spend(GROWN_LIMIT / REGION_LIMIT);
    scan(page, offset, base, growth, requires);
  }

  private void scan(CodePage page, int offset, long base, int growth, boolean requires) {
    int limit = growth == 0 ? REGION_LIMIT : GROWN_LIMIT;
    RegionScan scan = new RegionScan(memory, page, base, limit);
    if (scan.scan(offset)) {
      Op original = page.peek(offset).original();
      if (eager) {
        translate(page, offset, original, scan, growth, requires);
      } else {
        worker.execute(() -> translate(page, offset, original, scan, growth, requires));
      }
    }
  }

  /** Puts finished regions in their places; on the vCPU's thread, between ops. */
  @Override
  public void install() {
    for (Runnable change = changes.poll(); change != null; change = changes.poll()) {
      change.run();
    }
    // An idle guest has few batches, and nothing that could get slow.
    if (!eager && regions > 0 && (++batches & BATCHES - 1) == 0) {
      long now = System.nanoTime();
      if (now - lastLook > LOOK_NANOS) {
        lastLook = now;
        worker.execute(this::lookAtHot);
      }
    }
  }

  private void compiled(Translation translation) {
    changes.add(
        () -> {
          if (translation.unchanged()) {
            CodePage page = translation.page();
            if (page.peek(translation.entry()) instanceof RegionOp smaller) {
              smaller.retire();
            }
            page.cache.install(
                page, translation.entry(), translation.region(), translation.pages());
            translation.region().observer.accept(RegionEvent.INSTALLED);
          } else {
            translation.region().retire();
            translation.region().observer.accept(RegionEvent.DROPPED);
            CodePage page = translation.page();
            asked.remove(new Spot(page.gpa, translation.entry(), page.version()));
          }
        });
  }

  private void thrownAway(Translation translation) {
    changes.add(() -> translation.region().withdraw());
    kick.run();
  }

  private void lookAtHot() {
    warmUp.lookAtHot();
    lookSoon();
  }

  private void lookAtCold() {
    looking = false;
    warmUp.lookAtCold();
    lookSoon();
  }

  private void lookSoon() {
    if (warmUp.waits() && !looking) {
      looking = true;
      worker.schedule(this::lookAtCold, 1, TimeUnit.MILLISECONDS);
    }
  }

  private void translate(
      CodePage page, int entry, Op original, RegionScan scan, int growth, boolean requires) {
    try {
      long start = System.nanoTime();
      RegionEmitter emitter = null;
      byte[] classFile = null;
      for (int size = scan.size(); ; size = size * 5 / 6) {
        emitter =
            new RegionEmitter(
                scan.blocks(entry, size),
                entry,
                memory.shared(),
                requires,
                scan.parts().size() > 1,
                scan::targets);
        classFile = emitter.emit();
        if (emitter.codeLength() < MAX_CODE) {
          instructions += size;
          break;
        }
      }
      CodeLink[] links =
          emitter.exits.stream()
              .map(exit -> new CodeLink(page, exit.target(), 8))
              .toArray(CodeLink[]::new);
      Op[] ops =
          emitter.steps.stream()
              .map(s -> CodeCache.single(s.insn(), page, s.offset(), RegionOp.CONTINUE))
              .toArray(Op[]::new);
      List<RegionScan.Part> parts = scan.parts();
      RegionParts regionParts =
          new RegionParts(
              page,
              entry,
              growth,
              requires,
              original,
              parts.stream().map(RegionScan.Part::page).toArray(CodePage[]::new),
              parts.stream().mapToInt(RegionScan.Part::delta).toArray(),
              emitter.sites.toArray(Site[]::new),
              emitter.exits.toArray(Exit[]::new),
              emitter.ways.toArray(Way[]::new),
              links,
              ops);
      Class<?> type = LOOKUP.defineHiddenClass(classFile, true).lookupClass();
      MethodHandle constructor =
          LOOKUP.findConstructor(type, MethodType.methodType(void.class, RegionParts.class));
      RegionOp region = (RegionOp) constructor.invoke(regionParts);
      if (trace != null) {
        long taken = System.nanoTime() - start;
        region.observer = trace.made(emitter, classFile, scan.base(), page.gpa, taken);
      }
      Translation translation = new Translation(page, entry, region, parts);
      if (eager) {
        compiled(translation);
      } else {
        warmUp.add(translation);
        lookSoon();
      }
      regions++;
      nanos += System.nanoTime() - start;
    } catch (Throwable e) {
      failure = e;
      if (eager) {
        throw new IllegalStateException("a region cannot be made", e);
      }
    }
  }

  @Override
  public void count(Counters counters) {
    counters.add("translated_regions", regions);
    counters.add("translated_instructions", instructions);
    counters.add("translation_milliseconds", nanos / 1_000_000);
    counters.add("translator_forgets", placesForgotten);
    counters.add("translator_passes_over", placesPassedOver);
    counters.add("regions_never_compiled", warmUp.givenUp);
    counters.add("regions_compiled_again", warmUp.cooled);
    if (failure != null) {
      failure.printStackTrace();
    }
  }

  @Override
  public void close() {
    worker.shutdownNow();
  }
}
