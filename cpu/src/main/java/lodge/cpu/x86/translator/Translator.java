package lodge.cpu.x86.translator;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import lodge.core.Counters;
import lodge.core.GuestMemory;
import lodge.cpu.x86.interpreter.CodeCache;
import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.HotSpots;
import lodge.cpu.x86.interpreter.Op;

/** Translates hot code in the background and hands the regions back to the vCPU's thread. */
final class Translator implements HotSpots {
  /**
   * Most guest instructions in a region: HotSpot compiles what comes out in a fraction of a second.
   */
  private static final int REGION_LIMIT = 60;

  /** HotSpot does not compile methods of 8,000 bytecodes and more. */
  private static final int MAX_CODE = 7_900;

  private static final int QUEUE_LIMIT = 1024;

  /** Past this many places that were asked for, all are forgotten and may be asked for again. */
  private static final int ASKED_LIMIT = 1 << 17;

  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private record Done(CodePage page, int entry, Op region, List<RegionScan.Part> parts) {}

  private record Spot(long gpa, int offset) {}

  private final ThreadPoolExecutor worker =
      new ThreadPoolExecutor(
          1,
          1,
          1,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(QUEUE_LIMIT),
          Thread.ofPlatform().name("lodge-translator").daemon().factory(),
          new ThreadPoolExecutor.DiscardPolicy());
  private final Queue<Done> done = new ConcurrentLinkedQueue<>();
  private final Set<Spot> asked = new HashSet<>();
  private final GuestMemory memory;

  volatile long regions;
  volatile long instructions;
  volatile long nanos;
  volatile Throwable failure;

  private final boolean eager;

  @Override
  public boolean eager() {
    return eager;
  }

  Translator(GuestMemory memory, boolean eager) {
    this.eager = eager;
    this.memory = memory;
    worker.allowCoreThreadTimeOut(true);
  }

  @Override
  public void hot(CodePage page, int offset, long base) {
    if (!memory.isRam(page.gpa) || !asked.add(new Spot(page.gpa, offset)) && !eager) {
      return;
    }
    if (asked.size() > ASKED_LIMIT) {
      asked.clear();
    }
    RegionScan scan = new RegionScan(memory, page, base, REGION_LIMIT);
    if (scan.scan(offset)) {
      if (eager) {
        translate(page, offset, scan);
      } else {
        worker.execute(() -> translate(page, offset, scan));
      }
    }
  }

  /** Puts finished regions in their places; on the vCPU's thread, between ops. */
  @Override
  public void install() {
    for (Done each = done.poll(); each != null; each = done.poll()) {
      boolean unchanged = each.page.peek(each.entry) != null;
      for (RegionScan.Part part : each.parts) {
        unchanged &= part.page().version() == part.version();
      }
      if (unchanged) {
        List<CodePage> pages = each.parts.stream().map(RegionScan.Part::page).toList();
        each.page.cache.install(each.page, each.entry, each.region, pages);
      } else {
        asked.remove(new Spot(each.page.gpa, each.entry));
      }
    }
  }

  private void translate(CodePage page, int entry, RegionScan scan) {
    try {
      long start = System.nanoTime();
      RegionEmitter emitter = null;
      byte[] classFile = null;
      for (int size = scan.size(); ; size = size * 2 / 3) {
        emitter =
            new RegionEmitter(
                scan.blocks(entry, size), entry, scan.parts().size() > 1, scan::targets);
        emitter.ordered = memory.shared();
        classFile = emitter.emit();
        if (emitter.codeLength() < MAX_CODE) {
          instructions += size;
          break;
        }
      }
      CodeLink[] exits =
          emitter.exits.stream().map(t -> new CodeLink(page, t, 8)).toArray(CodeLink[]::new);
      Op[] ops =
          emitter.steps.stream()
              .map(s -> CodeCache.single(s.insn(), page, s.offset(), RegionOp.CONTINUE))
              .toArray(Op[]::new);
      List<RegionScan.Part> parts = scan.parts();
      RegionParts regionParts =
          new RegionParts(
              page,
              entry,
              parts.stream().map(RegionScan.Part::page).toArray(CodePage[]::new),
              parts.stream().mapToInt(RegionScan.Part::delta).toArray(),
              emitter.sites.toArray(Site[]::new),
              exits,
              ops);
      Class<?> type = LOOKUP.defineHiddenClass(classFile, true).lookupClass();
      MethodHandle constructor =
          LOOKUP.findConstructor(type, MethodType.methodType(void.class, RegionParts.class));
      done.add(new Done(page, entry, (Op) constructor.invoke(regionParts), parts));
      regions++;
      nanos += System.nanoTime() - start;
    } catch (Throwable e) {
      failure = e;
    }
  }

  @Override
  public void count(Counters counters) {
    counters.add("translated_regions", regions);
    counters.add("translated_instructions", instructions);
    counters.add("translation_milliseconds", nanos / 1_000_000);
    if (failure != null) {
      failure.printStackTrace();
    }
  }

  @Override
  public void close() {
    worker.shutdownNow();
  }
}
