package lodge.core.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.internal.misc.Unsafe;
import lodge.core.GuestMemory;

/**
 * Little-endian loads and stores at absolute addresses of the host, of any alignment and without
 * any check: only for addresses that come out of a valid entry of a software TLB.
 *
 * <p>Where the JVM opens {@code jdk.internal.misc} to this module ({@code --add-exports
 * java.base/jdk.internal.misc=lodge.core,lodge.cpu}) an access is one machine instruction in
 * everything that HotSpot makes of it. Elsewhere it goes through a memory segment of all addresses,
 * which takes the JVM's interpreter and its first compiler several times as long, and the
 * optimizing compiler longer to see through.
 */
public final class HostMemory {
  private static final boolean DIRECT =
      Object.class.getModule().isExported("jdk.internal.misc", HostMemory.class.getModule())
          && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
          && Direct.UNSAFE.unalignedAccess();

  private static final class Direct {
    static final Unsafe UNSAFE = Unsafe.getUnsafe();
  }

  private static final Unsafe UNSAFE = DIRECT ? Direct.UNSAFE : null;

  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final VarHandle INTS =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
  private static final VarHandle LONGS =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  private HostMemory() {}

  /** Whether accesses are single instructions. */
  public static boolean direct() {
    return DIRECT;
  }

  /** Where {@code Unsafe} finds the first element of an array of longs. */
  public static long longArrayBase() {
    return Unsafe.ARRAY_LONG_BASE_OFFSET;
  }

  public static byte getByte(long address) {
    return DIRECT ? UNSAFE.getByte(null, address) : ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  public static short getShort(long address) {
    return DIRECT ? UNSAFE.getShort(null, address) : ALL.get(GuestMemory.SHORT, address);
  }

  public static int getInt(long address) {
    return DIRECT ? UNSAFE.getInt(null, address) : ALL.get(GuestMemory.INT, address);
  }

  public static long getLong(long address) {
    return DIRECT ? UNSAFE.getLong(null, address) : ALL.get(GuestMemory.LONG, address);
  }

  public static void putByte(long address, byte value) {
    if (DIRECT) {
      UNSAFE.putByte(null, address, value);
    } else {
      ALL.set(ValueLayout.JAVA_BYTE, address, value);
    }
  }

  public static void putShort(long address, short value) {
    if (DIRECT) {
      UNSAFE.putShort(null, address, value);
    } else {
      ALL.set(GuestMemory.SHORT, address, value);
    }
  }

  public static void putInt(long address, int value) {
    if (DIRECT) {
      UNSAFE.putInt(null, address, value);
    } else {
      ALL.set(GuestMemory.INT, address, value);
    }
  }

  public static void putLong(long address, long value) {
    if (DIRECT) {
      UNSAFE.putLong(null, address, value);
    } else {
      ALL.set(GuestMemory.LONG, address, value);
    }
  }

  // ---------------------------------------------------------------- atomic, at aligned addresses

  /** Replaces a value by another if it is as expected. @return what was there */
  public static int compareAndExchange(long address, int expected, int value) {
    return DIRECT
        ? UNSAFE.compareAndExchangeInt(null, address, expected, value)
        : (int) INTS.compareAndExchange(ALL, address, expected, value);
  }

  /** See {@link #compareAndExchange(long, int, int)}. */
  public static long compareAndExchange(long address, long expected, long value) {
    return DIRECT
        ? UNSAFE.compareAndExchangeLong(null, address, expected, value)
        : (long) LONGS.compareAndExchange(ALL, address, expected, value);
  }

  /** Adds. @return what was there */
  public static int getAndAdd(long address, int value) {
    return DIRECT
        ? UNSAFE.getAndAddInt(null, address, value)
        : (int) INTS.getAndAdd(ALL, address, value);
  }

  /** See {@link #getAndAdd(long, int)}. */
  public static long getAndAdd(long address, long value) {
    return DIRECT
        ? UNSAFE.getAndAddLong(null, address, value)
        : (long) LONGS.getAndAdd(ALL, address, value);
  }

  /** Replaces. @return what was there */
  public static int getAndSet(long address, int value) {
    return DIRECT
        ? UNSAFE.getAndSetInt(null, address, value)
        : (int) INTS.getAndSet(ALL, address, value);
  }

  /** See {@link #getAndSet(long, int)}. */
  public static long getAndSet(long address, long value) {
    return DIRECT
        ? UNSAFE.getAndSetLong(null, address, value)
        : (long) LONGS.getAndSet(ALL, address, value);
  }

  /** AND. @return what was there */
  public static int getAndAnd(long address, int value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseAndInt(null, address, value)
        : (int) INTS.getAndBitwiseAnd(ALL, address, value);
  }

  /** See {@link #getAndAnd(long, int)}. */
  public static long getAndAnd(long address, long value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseAndLong(null, address, value)
        : (long) LONGS.getAndBitwiseAnd(ALL, address, value);
  }

  /** OR. @return what was there */
  public static int getAndOr(long address, int value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseOrInt(null, address, value)
        : (int) INTS.getAndBitwiseOr(ALL, address, value);
  }

  /** See {@link #getAndOr(long, int)}. */
  public static long getAndOr(long address, long value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseOrLong(null, address, value)
        : (long) LONGS.getAndBitwiseOr(ALL, address, value);
  }

  /** XOR. @return what was there */
  public static int getAndXor(long address, int value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseXorInt(null, address, value)
        : (int) INTS.getAndBitwiseXor(ALL, address, value);
  }

  /** See {@link #getAndXor(long, int)}. */
  public static long getAndXor(long address, long value) {
    return DIRECT
        ? UNSAFE.getAndBitwiseXorLong(null, address, value)
        : (long) LONGS.getAndBitwiseXor(ALL, address, value);
  }
}
