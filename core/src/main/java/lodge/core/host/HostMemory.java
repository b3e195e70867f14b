package lodge.core.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.internal.misc.Unsafe;

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

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private HostMemory() {}

  /** Whether accesses are single instructions. */
  public static boolean direct() {
    return DIRECT;
  }

  public static byte getByte(long address) {
    return DIRECT ? UNSAFE.getByte(null, address) : ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  public static short getShort(long address) {
    return DIRECT ? UNSAFE.getShort(null, address) : ALL.get(SHORT, address);
  }

  public static int getInt(long address) {
    return DIRECT ? UNSAFE.getInt(null, address) : ALL.get(INT, address);
  }

  public static long getLong(long address) {
    return DIRECT ? UNSAFE.getLong(null, address) : ALL.get(LONG, address);
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
      ALL.set(SHORT, address, value);
    }
  }

  public static void putInt(long address, int value) {
    if (DIRECT) {
      UNSAFE.putInt(null, address, value);
    } else {
      ALL.set(INT, address, value);
    }
  }

  public static void putLong(long address, long value) {
    if (DIRECT) {
      UNSAFE.putLong(null, address, value);
    } else {
      ALL.set(LONG, address, value);
    }
  }
}
