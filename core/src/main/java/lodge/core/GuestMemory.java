package lodge.core;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Guest RAM: one segment in which the guest-physical address (GPA) is the offset.
 *
 * <p>RAM below 4 GiB ends at {@link #lowRamEnd()}; what does not fit there starts again at 4 GiB,
 * so the PCI hole is part of the segment but reserved and never touched. The legacy video area
 * 0xA0000-0xBFFFF is not RAM either. Pages become resident when they are first touched. All values
 * are little-endian; misaligned accesses are allowed.
 *
 * <p>The {@code getX}/{@code putX} methods are for addresses that {@link #isRam} accepts; any other
 * address throws {@link IndexOutOfBoundsException} or reads the untouched hole, never memory
 * outside the segment.
 */
public final class GuestMemory implements AutoCloseable {
  public static final int PAGE_SHIFT = 12;
  public static final int PAGE_SIZE = 1 << PAGE_SHIFT;

  /** RAM below 4 GiB never passes this address; the PCI hole starts here at the latest. */
  public static final long LOW_RAM_LIMIT = 0xC000_0000L;

  /** RAM that does not fit below {@link #LOW_RAM_LIMIT} starts here. */
  public static final long HIGH_RAM_START = 0x1_0000_0000L;

  public static final long VIDEO_START = 0xA_0000L;
  public static final long VIDEO_END = 0xC_0000L;

  /** Page flag: the page is RAM. */
  public static final byte RAM = 1;

  /**
   * Page flag: an engine holds decoded or translated code of this page; stores must be reported to
   * it.
   */
  public static final byte CODE = 2;

  public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  public static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Reservation reservation;
  private final MemorySegment segment;
  private final long size;
  private final long lowRamEnd;
  private final long end;
  private final byte[] pageFlags;

  private GuestMemory(long size) {
    this.size = size;
    this.lowRamEnd = Math.min(size, LOW_RAM_LIMIT);
    this.end = size <= LOW_RAM_LIMIT ? size : HIGH_RAM_START + (size - LOW_RAM_LIMIT);
    this.reservation = Reservation.of(end);
    this.segment = reservation.segment();
    this.pageFlags = new byte[Math.toIntExact(end >>> PAGE_SHIFT)];
    for (int page = 0; page < pageFlags.length; page++) {
      long gpa = (long) page << PAGE_SHIFT;
      boolean video = gpa >= VIDEO_START && gpa < VIDEO_END;
      pageFlags[page] = gpa >= lowRamEnd && gpa < HIGH_RAM_START || video ? 0 : RAM;
    }
  }

  /**
   * Reserves guest RAM.
   *
   * @param size bytes, a multiple of {@link #PAGE_SIZE}, at least 1 MiB
   * @throws IllegalArgumentException when the size is out of range
   * @throws OutOfMemoryError when the host refuses the reservation
   */
  public static GuestMemory allocate(long size) {
    if (size < 1L << 20 || size % PAGE_SIZE != 0 || size > 1L << 42) {
      throw new IllegalArgumentException("memory size " + size);
    }
    return new GuestMemory(size);
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

  /** The whole guest-physical range up to {@link #end()}; offset = GPA. */
  public MemorySegment segment() {
    return segment;
  }

  /** Flags ({@link #RAM}, {@link #CODE}) of each page, indexed by page frame number. */
  public byte[] pageFlags() {
    return pageFlags;
  }

  /** Whether the page that holds {@code gpa} is RAM; any 64-bit value may be asked. */
  public boolean isRam(long gpa) {
    long page = gpa >>> PAGE_SHIFT;
    return page < pageFlags.length && (pageFlags[(int) page] & RAM) != 0;
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

  public byte getByte(long gpa) {
    return segment.get(BYTE, gpa);
  }

  public short getShort(long gpa) {
    return segment.get(SHORT, gpa);
  }

  public int getInt(long gpa) {
    return segment.get(INT, gpa);
  }

  public long getLong(long gpa) {
    return segment.get(LONG, gpa);
  }

  public void putByte(long gpa, byte value) {
    segment.set(BYTE, gpa, value);
  }

  public void putShort(long gpa, short value) {
    segment.set(SHORT, gpa, value);
  }

  public void putInt(long gpa, int value) {
    segment.set(INT, gpa, value);
  }

  public void putLong(long gpa, long value) {
    segment.set(LONG, gpa, value);
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
    MemorySegment.copy(segment, fromGpa, segment, toGpa, length);
  }

  public void fill(long gpa, long length, byte value) {
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

  /** Sets all RAM to zero by giving its pages back to the host where that is possible. */
  public void clear() {
    reservation.clear();
  }

  @Override
  public void close() {
    reservation.close();
  }
}
