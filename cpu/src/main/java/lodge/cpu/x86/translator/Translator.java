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
  private static final int REGION_LIMIT = 100;

  private static final int QUEUE_LIMIT = 1024;
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private record Done(CodePage page, int entry, Op region, byte[] bytes, int from, int to) {}

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

  Translator(GuestMemory memory) {
    this.memory = memory;
    worker.allowCoreThreadTimeOut(true);
  }

  @Override
  public void hot(CodePage page, int offset) {
    if (!memory.isRam(page.gpa) || !asked.add(new Spot(page.gpa, offset))) {
      return;
    }
    byte[] bytes = new byte[4096];
    memory.get(page.gpa, bytes, 0, 4096);
    worker.execute(() -> translate(page, offset, bytes));
  }

  /** Puts finished regions in their places; on the vCPU's thread, between ops. */
  @Override
  public void install() {
    for (Done each = done.poll(); each != null; each = done.poll()) {
      boolean installed =
          each.page.cache.install(
              each.page, each.entry, each.region, each.bytes, each.from, each.to);
      if (!installed) {
        asked.remove(new Spot(each.page.gpa, each.entry));
      }
    }
  }

  private void translate(CodePage page, int entry, byte[] bytes) {
    try {
      long start = System.nanoTime();
      List<Block> blocks = new RegionScan(bytes, REGION_LIMIT).scan(entry);
      if (blocks.isEmpty()) {
        return;
      }
      RegionEmitter emitter = new RegionEmitter(blocks, entry);
      byte[] classFile = emitter.emit();
      CodeLink[] exits =
          emitter.exits.stream().map(t -> new CodeLink(page, t, 8)).toArray(CodeLink[]::new);
      Op[] ops =
          emitter.steps.stream()
              .map(s -> CodeCache.single(s.insn(), page, s.offset(), RegionOp.CONTINUE))
              .toArray(Op[]::new);
      RegionParts parts =
          new RegionParts(page, entry, emitter.sites.toArray(Site[]::new), exits, ops);
      Class<?> type = LOOKUP.defineHiddenClass(classFile, true).lookupClass();
      MethodHandle constructor =
          LOOKUP.findConstructor(type, MethodType.methodType(void.class, RegionParts.class));
      Op region = (Op) constructor.invoke(parts);
      int from = blocks.getFirst().start();
      int to = 0;
      for (Block block : blocks) {
        to = Math.max(to, block.last().end());
        instructions += block.code().size();
      }
      done.add(new Done(page, entry, region, bytes, from, to));
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
