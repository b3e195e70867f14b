package lodge.core;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import lodge.core.host.HostMemory;

/**
 * Guest RAM and ROM: one segment in which the guest-physical address (GPA) is the offset.
 *
 * <p>RAM below 4 GiB ends at {@link #lowRamEnd()}; what does not fit there starts again at 4 GiB,
 * so the PCI hole is part of the segment but reserved and never touched. The legacy video area
 * 0xA0000-0xBFFFF is not RAM either. Pages become resident when they are first touched. All values
 * are little-endian; misaligned accesses are allowed.
 *
 * <p>ROM can be read and executed as RAM can; a guest's stores go to the bus instead.
 *
 * <p>The {@code getX}/{@code putX} methods are for addresses that {@link #isRam} accepts; any other
 * address throws {@link IndexOutOfBoundsException} or reads the untouched hole, never memory
 * outside the segment.
 *
 * <p>Guests count on the memory order of x86 processors: only a store and a later load of another
 * place may change places (SDM volume 3, 10.2.2). On an x86 host plain accesses have that order as
 * long as the compiler keeps theirs, and it does: engines execute each guest access in a method
 * call of its own that the compiler cannot see through, or keep their order themselves. On other
 * hosts loads are followed and stores preceded by fences, once the machine has several vCPUs.
 */
public final class GuestMemory implements AutoCloseable {
  public static final int PAGE_SHIFT = 12;
  public static final int PAGE_SIZE = 1 << PAGE_SHIFT;

  /** RAM below 4 GiB never passes this address; the PCI hole starts here at the latest. */
  public static final long LOW_RAM_LIMIT = 0xC000_0000L;

  /** RAM that does not fit below {@link #LOW_RAM_LIMIT} starts here. */
  public static final long HIGH_RAM_START = 0x1_0000_0000L;

  /** Most bytes of ROM below 4 GiB. */
  public static final int MAX_ROM = 8 << 20;

  public static final long VIDEO_START = 0xA_0000L;
  public static final long VIDEO_END = 0xC_0000L;

  /** Page flag: the page is RAM. */
  public static final byte RAM = 1;

  /**
   * Page flag: an engine holds decoded or translated code of this page; stores must be reported to
   * it.
   */
  public static final byte CODE = 2;

  /** Page flag: the page is read and executed as RAM is, but stores do not reach it. */
  public static final byte ROM = 4;

  public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  public static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final VarHandle WORD =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
  private static final VarHandle UNIT =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  /** The host's memory order is at least as strong as the guest's. */
  public static final boolean ORDERED_HOST =
      switch (System.getProperty("os.arch")) {
        case "amd64", "x86_64" -> true;
        default -> false;
      };

  private final Reservation reservation;
  private final MemorySegment segment;
  private final long hostBase;
  private final long size;
  private final long lowRamEnd;
  private final long end;
  private final byte[] pageFlags;
  private final CodeWatch codeWatch;

  private volatile Runnable writableChanged = () -> {};

  /** Several vCPUs access it. */
  private boolean shared;

  private GuestMemory(long size, long reach) {
    this.size = size;
    this.lowRamEnd = Math.min(size, LOW_RAM_LIMIT);
    this.end = size <= LOW_RAM_LIMIT ? size : HIGH_RAM_START + (size - LOW_RAM_LIMIT);
    this.reservation = Reservation.of(Math.max(end, reach));
    this.segment = reservation.segment();
    this.hostBase = segment.address();
    this.pageFlags = new byte[Math.toIntExact(segment.byteSize() >>> PAGE_SHIFT)];
    for (int page = 0; page < pageFlags.length; page++) {
      long gpa = (long) page << PAGE_SHIFT;
      boolean video = gpa >= VIDEO_START && gpa < VIDEO_END;
      boolean hole = gpa >= lowRamEnd && gpa < HIGH_RAM_START;
      pageFlags[page] = hole || video ? 0 : RAM;
    }
    this.codeWatch = new CodeWatch(this);
  }

  /**
   * Reserves guest RAM.
   *
   * @param size bytes, a multiple of {@link #PAGE_SIZE}, at least 1 MiB
   * @throws IllegalArgumentException when the size is out of range
   * @throws OutOfMemoryError when the host refuses the reservation
   */
  public static GuestMemory allocate(long size) {
    checkSize(size);
    return new GuestMemory(size, 0);
  }

  /**
   * Reserves guest RAM, and ROM that ends at 4 GiB, where processors start.
   *
   * @param size as for {@link #allocate(long)}
   * @param rom a multiple of {@link #PAGE_SIZE} long, at most 8 MiB
   */
  public static GuestMemory allocate(long size, byte[] rom) {
    if (rom.length % PAGE_SIZE != 0 || rom.length > MAX_ROM) {
      throw new IllegalArgumentException("ROM of " + rom.length + " bytes");
    }
    checkSize(size);
    GuestMemory memory = new GuestMemory(size, HIGH_RAM_START);
    long start = HIGH_RAM_START - rom.length;
    memory.put(start, rom, 0, rom.length);
    for (long gpa = start; gpa < HIGH_RAM_START; gpa += PAGE_SIZE) {
      memory.pageFlags[(int) (gpa >>> PAGE_SHIFT)] = ROM;
    }
    return memory;
  }

  private static void checkSize(long size) {
    if (size < 1L << 20 || size % PAGE_SIZE != 0 || size > 1L << 42) {
      throw new IllegalArgumentException("memory size " + size);
    }
  }

  /** RAM in bytes, holes not counted. */
  public long size() {
    return size;
  }

  /** End (exclusive) of the RAM that starts at 0. */
  public long lowRamEnd() {
    return lowRamEnd;
  }

  /**
   * End (exclusive) of the RAM that starts at {@link #HIGH_RAM_START}, or {@link #lowRamEnd()} when
   * there is none.
   */
  public long end() {
    return end;
  }

  /** The whole guest-physical range up to the end of RAM and ROM; offset = GPA. */
  public MemorySegment segment() {
    return segment;
  }

  /**
   * Flags ({@link #RAM}, {@link #ROM}, {@link #CODE}) of each page, indexed by page frame number.
   */
  public byte[] pageFlags() {
    return pageFlags;
  }

  /** Who has decoded code of which page. */
  public CodeWatch codeWatch() {
    return codeWatch;
  }

  /** Whether several vCPUs access it, so that the order of each one's accesses can be seen. */
  public boolean shared() {
    return shared;
  }

  /** Says whether several vCPUs access it; before they do. */
  void share(boolean several) {
    shared = several;
  }

  /** Whether the page that holds {@code gpa} is RAM; any 64-bit value may be asked. */
  public boolean isRam(long gpa) {
    long page = gpa >>> PAGE_SHIFT;
    return page < pageFlags.length && (pageFlags[(int) page] & RAM) != 0;
  }

  /** Whether the page that holds {@code gpa} is RAM or ROM; any 64-bit value may be asked. */
  public boolean isReadable(long gpa) {
    long page = gpa >>> PAGE_SHIFT;
    return page < pageFlags.length && (pageFlags[(int) page] & (RAM | ROM)) != 0;
  }

  /**
   * Makes RAM of ROM or the other way round; what is there stays. Direct write paths to it are
   * taken away: a vCPU that calls this has none when its instruction is done, others a moment
   * later.
   *
   * @param gpa of pages that are RAM or ROM
   * @param length a multiple of {@link #PAGE_SIZE}
   */
  public void setWritable(long gpa, long length, boolean writable) {
    int frame = (int) (gpa >>> PAGE_SHIFT);
    codeWatch.setWritable(frame, frame + (int) (length >>> PAGE_SHIFT), writable);
    writableChanged.run();
  }

  /**
   * Has an engine whose page tables are not Lodge's told after each {@link #setWritable}, in the
   * thread that called it; in place of whom was told before.
   */
  public void onSetWritable(Runnable told) {
    writableChanged = told;
  }

  /** Whether all of {@code [gpa, gpa + length)} is RAM; any values may be asked. */
  public boolean isRam(long gpa, long length) {
    if (gpa < 0 || length < 0 || gpa > end - length) {
      return false;
    }
    for (long page = gpa >>> PAGE_SHIFT; page << PAGE_SHIFT < gpa + length; page++) {
      if ((pageFlags[(int) page] & RAM) == 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * What turns a GPA of RAM into an address for {@link HostMemory}, which checks nothing: for
   * addresses made of a TLB entry that was checked when it was filled, and only as long as the
   * memory is not closed. On a host that is not {@link #ORDERED_HOST}, {@link #afterLoad} and
   * {@link #beforeStore} go with it.
   */
  public long hostBase() {
    return hostBase;
  }

  public byte getByte(long gpa) {
    byte value = segment.get(BYTE, gpa);
    if (!ORDERED_HOST) {
      afterLoad();
    }
    return value;
  }

  public short getShort(long gpa) {
    short value = segment.get(SHORT, gpa);
    if (!ORDERED_HOST) {
      afterLoad();
    }
    return value;
  }

  public int getInt(long gpa) {
    int value = segment.get(INT, gpa);
    if (!ORDERED_HOST) {
      afterLoad();
    }
    return value;
  }

  public long getLong(long gpa) {
    long value = segment.get(LONG, gpa);
    if (!ORDERED_HOST) {
      afterLoad();
    }
    return value;
  }

  public void putByte(long gpa, byte value) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    segment.set(BYTE, gpa, value);
  }

  public void putShort(long gpa, short value) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    segment.set(SHORT, gpa, value);
  }

  public void putInt(long gpa, int value) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    segment.set(INT, gpa, value);
  }

  public void putLong(long gpa, long value) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    segment.set(LONG, gpa, value);
  }

  /** What follows a load on a host that is not {@link #ORDERED_HOST}. */
  public void afterLoad() {
    if (shared) {
      VarHandle.acquireFence();
    }
  }

  /** What precedes a store on a host that is not {@link #ORDERED_HOST}. */
  public void beforeStore() {
    if (shared) {
      VarHandle.releaseFence();
    }
  }

  /**
   * Whether {@link #compareAndExchange} can work on these bytes: they do not cross a multiple of 8.
   *
   * @param size 1, 2, 4 or 8
   */
  public static boolean exchangeable(long gpa, int size) {
    return (gpa & 7) + size <= 8;
  }

  /**
   * Replaces a value by another if it is as expected, atomically towards all accesses of whatever
   * size, and as a full fence.
   *
   * @param gpa RAM, and {@link #exchangeable}
   * @param size 1, 2, 4 or 8
   * @param expected zero-extended, as {@code value}
   * @return what was there, zero-extended: {@code expected} when it was replaced
   */
  public long compareAndExchange(long gpa, int size, long expected, long value) {
    if (size == 8) {
      return (long) UNIT.compareAndExchange(segment, gpa, expected, value);
    }
    if (size == 4 && (gpa & 3) == 0) {
      return (int) WORD.compareAndExchange(segment, gpa, (int) expected, (int) value)
          & 0xFFFF_FFFFL;
    }
    long unit = gpa & ~7L;
    int shift = ((int) gpa & 7) << 3;
    long mask = (1L << 8 * size) - 1 << shift;
    while (true) {
      long whole = (long) UNIT.getVolatile(segment, unit);
      long seen = (whole & mask) >>> shift;
      if (seen != expected) {
        VarHandle.fullFence();
        return seen;
      }
      long changed = whole & ~mask | value << shift & mask;
      if (UNIT.compareAndSet(segment, unit, whole, changed)) {
        return expected;
      }
    }
  }

  /** Copies host bytes to guest RAM. */
  public void put(long gpa, byte[] source, int from, int length) {
    MemorySegment.copy(source, from, segment, BYTE, gpa, length);
  }

  /** Copies guest RAM to host bytes. */
  public void get(long gpa, byte[] target, int to, int length) {
    MemorySegment.copy(segment, BYTE, gpa, target, to, length);
  }

  /** Copies within guest RAM; overlapping ranges are copied as if through a buffer. */
  public void copy(long fromGpa, long toGpa, long length) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    MemorySegment.copy(segment, fromGpa, segment, toGpa, length);
    if (!ORDERED_HOST) {
      afterLoad();
    }
  }

  public void fill(long gpa, long length, byte value) {
    if (!ORDERED_HOST) {
      beforeStore();
    }
    segment.asSlice(gpa, length).fill(value);
  }

  /**
   * Fills with the low {@code size} bytes of {@code value}; {@code length} is a multiple of {@code
   * size}.
   */
  public void fill(long gpa, long length, long value, int size) {
    for (long end = gpa + length; gpa < end; gpa += size) {
      switch (size) {
        case 2 -> putShort(gpa, (short) value);
        case 4 -> putInt(gpa, (int) value);
        default -> putLong(gpa, value);
      }
    }
  }

  /**
   * Sets all RAM to zero by giving its pages back to the host where that is possible. What is below
   * {@link #lowRamEnd()} is cleared though it is ROM at present.
   */
  public void clear() {
    reservation.discard(0, lowRamEnd);
    if (end > HIGH_RAM_START) {
      reservation.discard(HIGH_RAM_START, end - HIGH_RAM_START);
    }
  }

  /**
   * Asks the host for huge pages where memory is touched from now on: a processor that translates
   * addresses twice finds them faster.
   *
   * @return false when the host has none
   */
  public boolean hugePages() {
    return reservation.hugePages();
  }

  /**
   * Gives pages of RAM back to the host: they read as zeroes, and become resident again when they
   * are touched. From any thread, while vCPUs execute: code that they had decoded there is
   * forgotten, as after any other write.
   *
   * @param gpa a multiple of {@link #PAGE_SIZE}
   * @param length likewise
   */
  public void discard(long gpa, long length) {
    reservation.discard(gpa, length);
    codeWatch.written(gpa, length);
  }

  @Override
  public void close() {
    reservation.close();
  }
}
