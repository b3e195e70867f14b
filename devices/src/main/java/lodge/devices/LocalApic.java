package lodge.devices;

import static lodge.devices.ApicRegister.CURRENT_COUNT;
import static lodge.devices.ApicRegister.DFR;
import static lodge.devices.ApicRegister.DIVIDE_CONFIGURATION;
import static lodge.devices.ApicRegister.DIVIDE_WRITABLE;
import static lodge.devices.ApicRegister.EOI;
import static lodge.devices.ApicRegister.ESR;
import static lodge.devices.ApicRegister.ESR_ILLEGAL_REGISTER;
import static lodge.devices.ApicRegister.ESR_SEND_ILLEGAL_VECTOR;
import static lodge.devices.ApicRegister.ICR;
import static lodge.devices.ApicRegister.ICR_ASSERT;
import static lodge.devices.ApicRegister.ICR_HIGH;
import static lodge.devices.ApicRegister.ICR_LEVEL;
import static lodge.devices.ApicRegister.ICR_LOGICAL;
import static lodge.devices.ApicRegister.ICR_WRITABLE;
import static lodge.devices.ApicRegister.ID;
import static lodge.devices.ApicRegister.INITIAL_COUNT;
import static lodge.devices.ApicRegister.IRR;
import static lodge.devices.ApicRegister.ISR;
import static lodge.devices.ApicRegister.LDR;
import static lodge.devices.ApicRegister.LVT_LEVEL;
import static lodge.devices.ApicRegister.LVT_MASKED;
import static lodge.devices.ApicRegister.LVT_REMOTE_IRR;
import static lodge.devices.ApicRegister.LVT_TIMER;
import static lodge.devices.ApicRegister.PPR;
import static lodge.devices.ApicRegister.SELF_IPI;
import static lodge.devices.ApicRegister.SVR;
import static lodge.devices.ApicRegister.SVR_ENABLE;
import static lodge.devices.ApicRegister.SVR_WRITABLE;
import static lodge.devices.ApicRegister.TMR;
import static lodge.devices.ApicRegister.TPR;
import static lodge.devices.ApicRegister.VERSION;
import static lodge.devices.ApicRegister.VERSION_VALUE;
import static lodge.devices.InterruptMessageSink.BROADCAST;
import static lodge.devices.InterruptMessageSink.FIXED;
import static lodge.devices.InterruptMessageSink.LOWEST_PRIORITY;

import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.ApicKeeper;
import lodge.core.ApicState;
import lodge.core.Clock;
import lodge.core.Stateful;

/**
 * The local APIC of one processor, in xAPIC and x2APIC mode (SDM vol. 3, chapter 12).
 *
 * <p>The processor asks {@link #pending}, {@link #takeNmi}, {@link #takeInit} and {@link
 * #takeStartup}; each is one volatile read when there is nothing. Registers are accessed by the
 * processor's own thread; messages, pins and the timer come from any thread.
 */
public final class LocalApic extends ApicInterrupts implements Stateful<LocalApic.State> {
  public static final int IA32_APIC_BASE = 0x1B;
  public static final int IA32_TSC_DEADLINE = 0x6E0;
  public static final int X2APIC_FIRST = 0x800;
  public static final int X2APIC_LAST = 0x8FF;

  /** Address of the register page after reset. */
  public static final long DEFAULT_BASE = 0xFEE0_0000L;

  private final long baseWritable;
  private final ApicBus bus;

  /** Written under the lock. */
  private volatile long mmioBase;

  /** Somebody else has the registers. */
  private volatile boolean lent;

  /**
   * All of it; {@code isr}, {@code irr} and {@code tmr} have four words, {@code lvt} six entries.
   */
  public record State(
      long base,
      int id,
      int tpr,
      int ldr,
      int dfr,
      int svr,
      int esr,
      int errors,
      long icr,
      int[] lvt,
      long[] isr,
      long[] irr,
      long[] tmr,
      boolean lint0Level,
      boolean lint1Level,
      boolean extIntMessage,
      int nmis,
      boolean init,
      boolean waitsForStartup,
      int startupVector,
      ApicTimer.State timer) {
    /** Copies the arrays. */
    public State {
      lvt = lvt.clone();
      isr = isr.clone();
      irr = irr.clone();
      tmr = tmr.clone();
    }
  }

  /**
   * Attaches itself to the bus.
   *
   * @param id x2APIC id; the xAPIC id is its low byte
   * @param bsp the bootstrap processor; the others wait for a start-up message
   * @param physicalAddressBits MAXPHYADDR: IA32_APIC_BASE takes no bits above
   * @param timerHz the timer's clock before division, 1 to 4 GHz
   * @param tsc the guest's time-stamp counter, which counts nanoseconds
   * @param extInt the 8259's acknowledge cycle
   * @param onInterrupt called from any thread when the processor should look at this APIC; must not
   *     block
   */
  public LocalApic(
      int id,
      boolean bsp,
      int physicalAddressBits,
      long timerHz,
      Clock clock,
      LongSupplier tsc,
      ApicBus bus,
      IntSupplier extInt,
      Runnable onInterrupt) {
    super(id, bsp, timerHz, clock, tsc, extInt, onInterrupt);
    this.baseWritable = (1L << physicalAddressBits) - 1 & ~0xFFFL | BASE_BSP | BASE_EXTD | BASE_EN;
    this.bus = bus;
    reset();
    bus.attach(this);
  }

  /**
   * Page-aligned address of the register page, or -1 when it is not in memory (disabled or x2APIC
   * mode).
   */
  public long mmioBase() {
    return mmioBase;
  }

  // Model-specific registers (SDM vol. 3, 12.4.4, 12.5.4.1, 12.12)

  /** Whether the APIC has this register in its present mode, be it for reading or for writing. */
  public boolean hasMsr(int msr) {
    return canReadMsr(msr)
        || x2apic() && (msr == X2APIC_FIRST + EOI || msr == X2APIC_FIRST + SELF_IPI);
  }

  /** Like {@link #hasMsr}, without the write-only registers: reading those is #GP. */
  public boolean canReadMsr(int msr) {
    if (msr == IA32_APIC_BASE || msr == IA32_TSC_DEADLINE) {
      return !lent;
    }
    return msr >= X2APIC_FIRST
        && msr <= X2APIC_LAST
        && x2apic()
        && ApicRegister.readableInX2apic(msr - X2APIC_FIRST);
  }

  /**
   * @return the value; 0 for a register that {@link #canReadMsr} does not know
   */
  public long readMsr(int msr) {
    synchronized (this) {
      if (!canReadMsr(msr)) {
        return 0;
      }
      return switch (msr) {
        case IA32_APIC_BASE -> base;
        case IA32_TSC_DEADLINE -> timer.deadline();
        case X2APIC_FIRST + ICR -> icr;
        default -> Integer.toUnsignedLong(readRegister(msr - X2APIC_FIRST));
      };
    }
  }

  /**
   * @return false when the value or the register is not allowed: #GP
   */
  public boolean writeMsr(int msr, long value) {
    if (lent) {
      return false;
    }
    if (msr == IA32_APIC_BASE) {
      return writeBase(value);
    }
    if (msr == IA32_TSC_DEADLINE) {
      synchronized (this) {
        timer.deadline(value);
      }
      // One that has passed interrupts before the next instruction.
      onTimer();
      return true;
    }
    if (!hasMsr(msr)) {
      return false;
    }
    int register = msr - X2APIC_FIRST;
    long writable = ApicRegister.x2apicWritable(register);
    if (writable == -1 || (value & ~writable) != 0) {
      return false;
    }
    if (register == ICR) {
      synchronized (this) {
        icr = value;
      }
      send((int) value, (int) (value >>> 32));
    } else {
      writeRegister(register, (int) value);
    }
    return true;
  }

  private boolean writeBase(long value) {
    boolean kick;
    synchronized (this) {
      boolean extd = (value & BASE_EXTD) != 0;
      boolean en = (value & BASE_EN) != 0;
      boolean wasX2apic = x2apic();
      boolean wasEn = (base & BASE_EN) != 0;
      // Allowed: disabled <-> xAPIC, xAPIC -> x2APIC, x2APIC -> disabled (SDM vol. 3, 12.12.5).
      boolean invalid = extd && !en || wasX2apic && en && !extd || !wasEn && extd;
      if ((value & ~baseWritable) != 0 || invalid) {
        return false;
      }
      base = value;
      if (wasEn != en) {
        id = initialId & 0xFF;
        resetRegisters();
      } else if (x2apic() && !wasX2apic) {
        id = initialId;
        ldr = x2apicLdr();
        icr &= 0xFFFF_FFFFL;
      }
      updateMmioBase();
      kick = updateInterrupt();
    }
    kickIf(kick);
    return true;
  }

  private void updateMmioBase() {
    mmioBase = (base & (BASE_EN | BASE_EXTD)) == BASE_EN ? base & ~0xFFFL : -1;
  }

  // The register page

  /**
   * @param offset 0 to 0xFFF in the register page; registers stand at multiples of 16 and are 32
   *     bits wide
   * @return 0 where no register is, which is also noted in the error status register
   */
  public long read(int offset, int size) {
    if (mmioBase < 0 || (offset & 0xC) != 0) {
      return mmioBase < 0 ? -1 : 0;
    }
    int register = offset >> 4 & 0xFF;
    boolean kick = false;
    long value = 0;
    synchronized (this) {
      if (ApicRegister.inPage(register)) {
        value = Integer.toUnsignedLong(readRegister(register));
      } else {
        kick = error(ESR_ILLEGAL_REGISTER);
      }
    }
    kickIf(kick);
    return value >>> 8 * (offset & 3);
  }

  /** Only aligned writes of 32 bits, or the low half of 64, reach a register. */
  public void write(int offset, int size, long value) {
    if (mmioBase < 0 || (offset & 0xF) != 0 || size < 4) {
      return;
    }
    int register = offset >> 4 & 0xFF;
    if (ApicRegister.inPage(register)) {
      writeRegister(register, (int) value);
    } else {
      boolean kick;
      synchronized (this) {
        kick = error(ESR_ILLEGAL_REGISTER);
      }
      kickIf(kick);
    }
  }

  private int readRegister(int register) {
    settleEoiFlag();
    return switch (register) {
      case ID -> x2apic() ? id : id << 24;
      case VERSION -> VERSION_VALUE;
      case TPR -> tpr;
      case PPR -> processorPriority();
      case LDR -> ldr;
      case DFR -> dfr;
      case SVR -> svr;
      case ESR -> esr;
      case ICR -> (int) icr;
      case ICR_HIGH -> (int) (icr >>> 32);
      case INITIAL_COUNT -> timer.initialCount();
      case CURRENT_COUNT -> timer.currentCount();
      case DIVIDE_CONFIGURATION -> timer.divideConfiguration();
      default -> {
        if (ApicRegister.isLvt(register)) {
          yield lvt[register - LVT_TIMER];
        }
        if (register >= ISR && register < ESR) {
          VectorSet set = register >= IRR ? irr : register >= TMR ? tmr : isr;
          yield set.register(register & 7);
        }
        yield 0;
      }
    };
  }

  private void writeRegister(int register, int value) {
    switch (register) {
      case TPR -> setTpr(value & 0xFF);
      case EOI -> endOfInterrupt();
      case ICR -> {
        int destination;
        synchronized (this) {
          icr = icr & 0xFFFF_FFFF_0000_0000L | value & ICR_WRITABLE;
          destination = (int) (icr >>> 56);
        }
        boolean broadcast = destination == 0xFF && (value & ICR_LOGICAL) == 0;
        send(value, broadcast ? BROADCAST : destination);
      }
      case SELF_IPI -> send(ICR_ASSERT | 1 << 18 | value & 0xFF, 0);
      default -> {
        boolean kick;
        synchronized (this) {
          writeQuietRegister(register, value);
          kick = updateInterrupt();
        }
        kickIf(kick);
      }
    }
  }

  /** Those that send nothing anywhere. */
  private void writeQuietRegister(int register, int value) {
    switch (register) {
      case ID -> id = value >>> 24;
      case LDR -> ldr = value & 0xFF00_0000;
      case DFR -> dfr = value | 0x0FFF_FFFF;
      case SVR -> {
        svr = value & SVR_WRITABLE;
        if ((svr & SVR_ENABLE) == 0) {
          for (int i = 0; i < lvt.length; i++) {
            lvt[i] |= LVT_MASKED;
          }
        }
      }
      case ESR -> {
        esr = errors;
        errors = 0;
      }
      case ICR_HIGH -> icr = (long) (value & 0xFF00_0000) << 32 | icr & 0xFFFF_FFFFL;
      case INITIAL_COUNT -> timer.initialCount(value);
      case DIVIDE_CONFIGURATION -> timer.divideConfiguration(value & DIVIDE_WRITABLE);
      default -> {
        if (ApicRegister.isLvt(register)) {
          writeLvt(register - LVT_TIMER, value & ApicRegister.lvtWritable(register));
        }
      }
    }
  }

  private void writeLvt(int entry, int value) {
    if (entry == TIMER && timer.expired()) {
      // One that nobody has noticed yet is still of the old mode.
      deliverLocal(TIMER);
    }
    int masked = (svr & SVR_ENABLE) == 0 ? LVT_MASKED : 0;
    boolean level = (value & LVT_LEVEL) != 0;
    lvt[entry] = value | masked | (level ? lvt[entry] & LVT_REMOTE_IRR : 0);
    if (entry == TIMER) {
      timer.mode(value >> 17 & 3);
    } else if (entry == LINT0 && lint0Level && level) {
      deliverLocal(LINT0);
    }
  }

  private void endOfInterrupt() {
    int vector;
    boolean broadcast;
    boolean kick;
    synchronized (this) {
      settleEoiFlag();
      vector = isr.highest();
      if (vector < 0) {
        return;
      }
      isr.set(vector, false);
      broadcast = tmr.contains(vector);
      if ((lvt[LINT0] & LVT_REMOTE_IRR) != 0 && (lvt[LINT0] & 0xFF) == vector) {
        lvt[LINT0] &= ~LVT_REMOTE_IRR;
        if (lint0Level) {
          deliverLocal(LINT0);
        }
      }
      kick = updateInterrupt();
    }
    if (broadcast) {
      bus.endOfInterrupt(vector);
    }
    kickIf(kick);
  }

  // Sending (SDM vol. 3, 12.6)

  private void send(int command, int destination) {
    int vector = command & 0xFF;
    int deliveryMode = command >> 8 & 7;
    if ((deliveryMode == FIXED || deliveryMode == LOWEST_PRIORITY) && vector < 16) {
      boolean kick;
      synchronized (this) {
        kick = error(ESR_SEND_ILLEGAL_VECTOR);
      }
      kickIf(kick);
      return;
    }
    boolean asserted = (command & (ICR_LEVEL | ICR_ASSERT)) != ICR_LEVEL;
    if (!asserted) {
      return;
    }
    switch (command >> 18 & 3) {
      case 0 ->
          bus.deliver(destination, (command & ICR_LOGICAL) != 0, deliveryMode, vector, false, true);
      case 1 -> accept(deliveryMode, vector, false);
      case 2 -> bus.deliver(BROADCAST, false, deliveryMode, vector, false, true);
      default -> bus.deliverToOthers(this, deliveryMode, vector);
    }
  }

  /**
   * Sends what an interrupt command with a physical destination asks for.
   *
   * @param command bits 31:0 of ICR, without shorthand
   * @return false when no APIC has that identifier
   */
  public boolean sendTo(int destination, int command) {
    if (!bus.has(destination)) {
      return false;
    }
    send(command, destination);
    return true;
  }

  // Somebody else's

  /**
   * Has somebody else do this APIC's work from here on, and all APICs' on the bus get messages. As
   * if it were disabled, this one then only has the pins: the 8259 and NMI still come through it.
   * To be called before the guest's first instruction or while its processors stand still.
   *
   * @return what to go on from
   */
  public ApicState lend(ApicKeeper keeper) {
    bus.keeper(keeper);
    ApicState state;
    synchronized (this) {
      int[] registers = new int[ApicState.REGISTERS];
      for (int register = 0; register < registers.length; register++) {
        registers[register] = ApicRegister.inPage(register) ? readRegister(register) : 0;
      }
      registers[ID] = id << 24;
      state = new ApicState(base, timer.deadline(), registers, waitsForStartup);
      lent = true;
      base = 0;
      waitsForStartup = false;
      resetRegisters();
      updateMmioBase();
      updateInterrupt();
    }
    onInterrupt.run();
    return state;
  }

  /** Goes on from what {@link #lend} has led to. */
  public void giveBack(ApicState state) {
    bus.keeper((_, _, _, _, _) -> false);
    int[] r = state.registers();
    synchronized (this) {
      lent = false;
      base = state.base();
      id = r[ID] >>> 24;
      tpr = r[TPR] & 0xFF;
      ldr = x2apic() ? x2apicLdr() : r[LDR];
      dfr = r[DFR];
      svr = r[SVR] & SVR_WRITABLE;
      esr = r[ESR];
      icr = (long) r[ICR_HIGH] << 32 | r[ICR] & 0xFFFF_FFFFL;
      System.arraycopy(r, LVT_TIMER, lvt, 0, lvt.length);
      isr.restore(words(r, ISR));
      tmr.restore(words(r, TMR));
      irr.restore(words(r, IRR));
      waitsForStartup = state.waitsForStartup();
      timer.restore(
          lvt[TIMER] >> 17 & 3,
          r[DIVIDE_CONFIGURATION] & DIVIDE_WRITABLE,
          r[INITIAL_COUNT],
          r[CURRENT_COUNT],
          state.deadline());
      updateMmioBase();
      updateInterrupt();
    }
    onInterrupt.run();
  }

  private static long[] words(int[] registers, int first) {
    long[] words = new long[4];
    for (int i = 0; i < words.length; i++) {
      int at = first + 2 * i;
      words[i] = (long) registers[at + 1] << 32 | registers[at] & 0xFFFF_FFFFL;
    }
    return words;
  }

  /** Software has ended an interrupt for which somebody else does this APIC's work. */
  public void ended(int vector) {
    bus.endOfInterrupt(vector);
  }

  // State

  @Override
  public synchronized void reset() {
    lent = false;
    base = DEFAULT_BASE | BASE_EN | (bsp ? BASE_BSP : 0);
    id = initialId & 0xFF;
    nmis = 0;
    init = false;
    waitsForStartup = !bsp;
    startupVector = -1;
    resetRegisters();
    updateMmioBase();
    updateInterrupt();
  }

  @Override
  public synchronized State state() {
    settleEoiFlag();
    return new State(
        base,
        id,
        tpr,
        ldr,
        dfr,
        svr,
        esr,
        errors,
        icr,
        lvt,
        isr.words(),
        irr.words(),
        tmr.words(),
        lint0Level,
        lint1Level,
        extIntMessage,
        nmis,
        init,
        waitsForStartup,
        startupVector,
        timer.state());
  }

  @Override
  public void restore(State state) {
    boolean arrays =
        state.lvt.length == lvt.length
            && state.isr.length == 4
            && state.irr.length == 4
            && state.tmr.length == 4;
    boolean baseValid =
        (state.base & ~baseWritable) == 0 && (state.base & (BASE_EN | BASE_EXTD)) != BASE_EXTD;
    boolean nmisValid = state.nmis >= 0 && state.nmis <= MAX_NMIS;
    if (!nmisValid
        || !arrays
        || !baseValid
        || !ApicTimer.valid(state.timer)
        || state.startupVector > 0xFF) {
      throw new IllegalArgumentException("not the state of a local APIC: " + state);
    }
    synchronized (this) {
      base = state.base;
      id = state.id;
      tpr = state.tpr & 0xFF;
      ldr = state.ldr;
      dfr = state.dfr;
      svr = state.svr;
      esr = state.esr;
      errors = state.errors;
      icr = state.icr;
      System.arraycopy(state.lvt, 0, lvt, 0, lvt.length);
      isr.restore(state.isr);
      irr.restore(state.irr);
      tmr.restore(state.tmr);
      lint0Level = state.lint0Level;
      lint1Level = state.lint1Level;
      extIntMessage = state.extIntMessage;
      nmis = state.nmis;
      init = state.init;
      waitsForStartup = state.waitsForStartup;
      startupVector = state.startupVector;
      timer.restore(state.timer);
      updateMmioBase();
      updateInterrupt();
    }
    onInterrupt.run();
  }
}
