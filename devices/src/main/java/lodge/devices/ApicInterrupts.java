package lodge.devices;

import static lodge.devices.ApicRegister.ESR_RECEIVE_ILLEGAL_VECTOR;
import static lodge.devices.ApicRegister.LVT_LEVEL;
import static lodge.devices.ApicRegister.LVT_MASKED;
import static lodge.devices.ApicRegister.LVT_REMOTE_IRR;
import static lodge.devices.ApicRegister.SVR_ENABLE;
import static lodge.devices.InterruptMessageSink.BROADCAST;
import static lodge.devices.InterruptMessageSink.EXT_INT;
import static lodge.devices.InterruptMessageSink.FIXED;
import static lodge.devices.InterruptMessageSink.INIT;
import static lodge.devices.InterruptMessageSink.LOWEST_PRIORITY;
import static lodge.devices.InterruptMessageSink.NMI;
import static lodge.devices.InterruptMessageSink.STARTUP;

import java.util.Arrays;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.Clock;
import lodge.core.InterruptLine;

/**
 * How a local APIC accepts interrupts from messages, pins and its own sources, orders them, and
 * hands them to its processor (SDM vol. 3, 12.5.1 and 12.6 to 12.8). The registers through which
 * software sees this are {@link LocalApic}.
 */
abstract sealed class ApicInterrupts permits LocalApic {
  // IA32_APIC_BASE
  static final long BASE_BSP = 1 << 8;
  static final long BASE_EXTD = 1 << 10;
  static final long BASE_EN = 1 << 11;

  // Indices into the local vector table: register - LVT_TIMER
  static final int TIMER = 0;
  static final int LINT0 = 3;
  private static final int LINT1 = 4;

  static final int MAX_NMIS = 2;
  private static final int ERROR = 5;

  final int initialId;
  final boolean bsp;
  private final IntSupplier extInt;
  final Runnable onInterrupt;
  final ApicTimer timer;

  long base;
  int id;
  int tpr;
  int ldr;
  int dfr;
  int svr;
  int esr;

  /** Errors since ESR was last written. */
  int errors;

  long icr;
  final int[] lvt = new int[6];
  final VectorSet isr = new VectorSet();
  final VectorSet irr = new VectorSet();
  final VectorSet tmr = new VectorSet();
  boolean lint0Level;
  boolean lint1Level;

  /** An ExtINT message, as opposed to LINT0 in ExtINT mode, waits. */
  boolean extIntMessage;

  /** By which software may end interrupts; null when it does not. */
  private EoiFlag eoiFlag;

  /** The flag was set for the interrupt in service: software may have ended it by now. */
  private boolean eoiFlagSet;

  // What the processor polls; written under the lock.
  private volatile boolean deliverable;

  /**
   * NMIs that the processor has not taken: one that it will be about to handle and one that it
   * remembers meanwhile.
   */
  volatile int nmis;

  volatile boolean init;
  volatile boolean waitsForStartup;
  volatile int startupVector;

  ApicInterrupts(
      int id,
      boolean bsp,
      long timerHz,
      Clock clock,
      LongSupplier tsc,
      IntSupplier extInt,
      Runnable onInterrupt) {
    this.initialId = id;
    this.bsp = bsp;
    this.extInt = extInt;
    this.onInterrupt = onInterrupt;
    this.timer = new ApicTimer(clock, tsc, timerHz, this::onTimer);
  }

  // What the processor asks

  /** Whether an interrupt waits whose priority the task priority lets through, or an ExtINT. */
  public boolean pending() {
    return deliverable;
  }

  /**
   * Takes the interrupt of the highest priority: its vector, 0 to 255, or -1 when there is none any
   * more.
   */
  public int acknowledge() {
    synchronized (this) {
      settleEoiFlag();
      updateInterrupt();
      if (!extIntPending()) {
        int vector = irr.highest();
        if (!deliverable || vector < 0) {
          return -1;
        }
        irr.set(vector, false);
        isr.set(vector, true);
        offerEoiFlag(vector);
        updateInterrupt();
        return vector;
      }
      extIntMessage = false;
      updateInterrupt();
    }
    return extInt.getAsInt();
  }

  /**
   * Has software end interrupts by a flag where it need not tell the APIC at once; to be called by
   * the processor's thread.
   *
   * @param flag null for none
   */
  public synchronized void eoiFlag(EoiFlag flag) {
    settleEoiFlag();
    eoiFlag = flag;
  }

  /**
   * The end of an interrupt has to be told when another one waits for it, and when it is to be sent
   * on.
   */
  private void offerEoiFlag(int vector) {
    if (eoiFlag != null && irr.highest() < 0 && !tmr.contains(vector)) {
      eoiFlag.set();
      eoiFlagSet = true;
    }
  }

  /** Sees whether software has ended the interrupt in service; if not, it has to write EOI. */
  void settleEoiFlag() {
    if (eoiFlagSet) {
      eoiFlagSet = false;
      if (!eoiFlag.clear()) {
        isr.set(isr.highest(), false);
      }
    }
  }

  /** Takes a non-maskable interrupt if one waits. */
  public boolean takeNmi() {
    if (nmis == 0) {
      return false;
    }
    synchronized (this) {
      if (nmis == 0) {
        return false;
      }
      nmis--;
      return true;
    }
  }

  /**
   * Takes an INIT if one waits: the registers are reset, and an application processor waits for its
   * start-up.
   */
  public boolean takeInit() {
    if (!init) {
      return false;
    }
    synchronized (this) {
      if (!init) {
        return false;
      }
      init = false;
      resetRegisters();
      waitsForStartup = (base & BASE_BSP) == 0;
      updateInterrupt();
      return true;
    }
  }

  /**
   * Takes a start-up message: its vector (the processor starts at vector * 4096), or -1. To be
   * asked after INIT.
   */
  public int takeStartup() {
    if (startupVector < 0) {
      return -1;
    }
    synchronized (this) {
      if (init || !waitsForStartup) {
        return -1;
      }
      int vector = startupVector;
      startupVector = -1;
      waitsForStartup = false;
      return vector;
    }
  }

  /** Whether the processor may not run until {@link #takeStartup} gives a vector. */
  public boolean waitsForStartup() {
    return waitsForStartup;
  }

  /** The guest's TSC was written: the deadline is counted anew. */
  public synchronized void tscAdjusted() {
    timer.rearm();
  }

  /** CR8: bits 7:4 of the task-priority register. */
  public int cr8() {
    return tpr >> 4;
  }

  public void setCr8(int value) {
    setTpr((value & 0xF) << 4);
  }

  void setTpr(int value) {
    if (value == tpr) {
      return;
    }
    boolean kick;
    synchronized (this) {
      tpr = value;
      kick = updateInterrupt();
    }
    kickIf(kick);
  }

  // Receiving (SDM vol. 3, 12.6.2 and 12.8)

  /** Whether a message with this destination is for this APIC. */
  synchronized boolean matches(int destination, boolean logical) {
    if ((base & BASE_EN) == 0) {
      return false;
    }
    if (destination == BROADCAST) {
      return true;
    }
    if (!logical) {
      return destination == id;
    }
    if (x2apic()) {
      return destination >>> 16 == ldr >>> 16 && (destination & ldr & 0xFFFF) != 0;
    }
    int own = ldr >>> 24;
    if (dfr >>> 28 == 0xF) {
      return (destination & own & 0xFF) != 0;
    }
    boolean cluster = (destination & 0xF0) == 0xF0 || (destination & 0xF0) == (own & 0xF0);
    return cluster && (destination & own & 0xF) != 0;
  }

  /** Whether fixed interrupts are taken: the APIC is there and software has enabled it. */
  synchronized boolean takesFixed() {
    return (base & BASE_EN) != 0 && (svr & SVR_ENABLE) != 0;
  }

  /**
   * PPR: the higher one of the task's class and the class of the interrupt in service (SDM vol. 3,
   * 12.8.3.1).
   */
  synchronized int processorPriority() {
    int inService = Math.max(isr.highest(), 0) & 0xF0;
    return (tpr & 0xF0) >= inService ? tpr : inService;
  }

  void accept(int deliveryMode, int vector, boolean level) {
    boolean kick;
    synchronized (this) {
      kick =
          (base & BASE_EN) != 0
              && switch (deliveryMode) {
                case FIXED, LOWEST_PRIORITY -> acceptFixed(vector, level);
                case NMI -> acceptNmi();
                case INIT -> acceptInit();
                case STARTUP -> acceptStartup(vector);
                case EXT_INT -> {
                  extIntMessage = true;
                  yield updateInterrupt();
                }
                // SMI: there is no system-management mode. 3 is reserved.
                default -> false;
              };
    }
    kickIf(kick);
  }

  private boolean acceptFixed(int vector, boolean level) {
    if ((svr & SVR_ENABLE) == 0) {
      return false;
    }
    if (vector < 16) {
      return error(ESR_RECEIVE_ILLEGAL_VECTOR);
    }
    tmr.set(vector, level);
    irr.set(vector, true);
    return updateInterrupt();
  }

  private boolean acceptNmi() {
    nmis = Math.min(nmis + 1, MAX_NMIS);
    return true;
  }

  private boolean acceptInit() {
    startupVector = -1;
    init = true;
    return true;
  }

  /**
   * Only a processor that was INITed listens, and to the first message: a second one in a row is
   * lost, even when the host has not let the processor look at the first one yet.
   */
  private boolean acceptStartup(int vector) {
    boolean listens = waitsForStartup || init && (base & BASE_BSP) == 0;
    if (!listens || startupVector >= 0) {
      return false;
    }
    startupVector = vector;
    return true;
  }

  // Local interrupts (SDM vol. 3, 12.5.1)

  /** The pin that the 8259 drives. */
  public InterruptLine lint0() {
    return this::setLint0;
  }

  /** The pin for NMI. */
  public InterruptLine lint1() {
    return this::setLint1;
  }

  private void setLint0(boolean level) {
    boolean kick;
    synchronized (this) {
      boolean rising = level && !lint0Level;
      lint0Level = level;
      kick = rising && (base & BASE_EN) != 0 && deliverLocal(LINT0);
      kick |= updateInterrupt();
    }
    kickIf(kick);
  }

  private void setLint1(boolean level) {
    boolean kick;
    synchronized (this) {
      boolean rising = level && !lint1Level;
      lint1Level = level;
      kick = rising && ((base & BASE_EN) != 0 ? deliverLocal(LINT1) : acceptNmi());
    }
    kickIf(kick);
  }

  /**
   * Sends what an entry of the local vector table says; true when the processor is to be kicked.
   */
  boolean deliverLocal(int entry) {
    int value = lvt[entry];
    if ((value & LVT_MASKED) != 0) {
      return false;
    }
    return switch (value >> 8 & 7) {
      case FIXED -> {
        boolean level = entry == LINT0 && (value & LVT_LEVEL) != 0;
        if (level && (value & LVT_REMOTE_IRR) != 0) {
          yield false;
        }
        lvt[entry] |= level ? LVT_REMOTE_IRR : 0;
        yield acceptFixed(value & 0xFF, level);
      }
      case NMI -> acceptNmi();
      case INIT -> acceptInit();
      // ExtINT is the pin's level: updateInterrupt looks at it.
      default -> false;
    };
  }

  /** Notes an error; a new one interrupts through its entry (SDM vol. 3, 12.5.3). */
  boolean error(int bit) {
    boolean isNew = (errors & bit) == 0;
    errors |= bit;
    return isNew && deliverLocal(ERROR);
  }

  void onTimer() {
    boolean kick;
    synchronized (this) {
      kick = timer.expired() && deliverLocal(TIMER);
    }
    kickIf(kick);
  }

  private boolean extIntPending() {
    if ((base & BASE_EN) == 0) {
      return lint0Level;
    }
    int mode = lvt[LINT0] & (LVT_MASKED | 7 << 8);
    return extIntMessage || lint0Level && mode == EXT_INT << 8;
  }

  /** Derives what {@link #pending} says; true when it has become true. */
  boolean updateInterrupt() {
    int vector = irr.highest();
    // With the flag set, the processor's thread has to look whether one is in service at all.
    boolean now =
        extIntPending()
            || vector >= 0 && (eoiFlagSet || (vector & 0xF0) > (processorPriority() & 0xF0));
    boolean rises = now && !deliverable;
    deliverable = now;
    return rises;
  }

  void kickIf(boolean kick) {
    if (kick) {
      onInterrupt.run();
    }
  }

  // What both layers need

  boolean x2apic() {
    return (base & BASE_EXTD) != 0;
  }

  int x2apicLdr() {
    return initialId >>> 4 << 16 | 1 << (initialId & 0xF);
  }

  /**
   * As after INIT; the id, the base and what waits for the processor outside the registers stay.
   */
  void resetRegisters() {
    tpr = 0;
    ldr = x2apic() ? x2apicLdr() : 0;
    dfr = -1;
    svr = 0xFF;
    esr = 0;
    errors = 0;
    icr = 0;
    Arrays.fill(lvt, LVT_MASKED);
    isr.clear();
    irr.clear();
    tmr.clear();
    extIntMessage = false;
    eoiFlag = null;
    eoiFlagSet = false;
    timer.reset();
  }
}
