package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * The PC's pair of interrupt controllers, the second one on line 2 of the first (Intel 8259A data
 * sheet; edge/level control registers from the 82371SB data sheet, which take the place of ICW1's
 * LTIM bit).
 *
 * <p>An edge stays latched when its line falls before the acknowledge. On the chip such a request
 * becomes a spurious interrupt 7; here the processor may be late by a time slice of the host, and a
 * timer tick must not get lost for that.
 */
public final class Pic8259 implements Stateful<Pic8259.State> {
  /** The line of the first chip that the second one drives. */
  private static final int CASCADE = 2;

  private static final int SPURIOUS = 7;

  /** Lines 0, 1 and 2 are wired to edge sources, as are 8 and 13. */
  private static final int MASTER_ELCR = 0xF8;

  private static final int SLAVE_ELCR = 0xDE;

  private final InterruptLine output;
  private final Chip master = new Chip(MASTER_ELCR);
  private final Chip slave = new Chip(SLAVE_ELCR);

  /** Both chips. */
  public record State(ChipState master, ChipState slave) {}

  /**
   * One chip: its registers, the levels of its input lines, and where it is in its initialization.
   */
  public record ChipState(
      int irr,
      int isr,
      int imr,
      int lines,
      int elcr,
      int icw1,
      int icw2,
      int icw3,
      int icw4,
      int initialization,
      int lowestPriority,
      boolean rotateOnAutoEoi,
      boolean specialMask,
      boolean readIsr,
      boolean poll) {}

  /**
   * @param output INTR: to LINT0 of the bootstrap processor's local APIC
   */
  public Pic8259(InterruptLine output) {
    this.output = output;
  }

  /** Ports 0x20-0x21. */
  public BusDevice master() {
    return master;
  }

  /** Ports 0xA0-0xA1. */
  public BusDevice slave() {
    return slave;
  }

  /** Ports 0x4D0-0x4D1: a bit for each line, set for level-triggered. */
  public BusDevice edgeLevelControl() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        synchronized (Pic8259.this) {
          return offset == 0 ? master.elcr : offset == 1 ? slave.elcr : -1;
        }
      }

      @Override
      public void write(long offset, int size, long value) {
        synchronized (Pic8259.this) {
          if (offset == 0) {
            master.setTriggers((int) value);
          } else if (offset == 1) {
            slave.setTriggers((int) value);
          }
          updateInterrupt();
        }
      }
    };
  }

  /**
   * @param irq 0 to 15 without 2, where the second chip is
   */
  public InterruptLine line(int irq) {
    if (irq < 0 || irq > 15 || irq == CASCADE) {
      throw new IllegalArgumentException("no interrupt line " + irq);
    }
    Chip chip = irq < 8 ? master : slave;
    int bit = 1 << (irq & 7);
    return level -> {
      synchronized (Pic8259.this) {
        chip.setLine(bit, level);
        updateInterrupt();
      }
    };
  }

  /**
   * The processor's two acknowledge cycles.
   *
   * @return the vector, 0 to 255; that of line 7 when the request has gone away
   */
  public synchronized int acknowledge() {
    int irq = master.request();
    int vector;
    if (irq < 0) {
      vector = master.vector(SPURIOUS);
    } else {
      master.acknowledge(irq);
      vector = master.vector(irq);
      if (irq == CASCADE && !master.single()) {
        int slaveIrq = slave.request();
        if (slaveIrq >= 0) {
          slave.acknowledge(slaveIrq);
        }
        vector = slave.vector(slaveIrq >= 0 ? slaveIrq : SPURIOUS);
        // INT falls in each acknowledge cycle, so that a request still waiting makes a new edge.
        master.setLine(1 << CASCADE, false);
      }
    }
    updateInterrupt();
    return vector;
  }

  private void updateInterrupt() {
    master.setLine(1 << CASCADE, slave.request() >= 0);
    output.set(master.request() >= 0);
  }

  @Override
  public synchronized State state() {
    return new State(master.state(), slave.state());
  }

  @Override
  public synchronized void restore(State state) {
    master.check(state.master);
    slave.check(state.slave);
    master.restore(state.master);
    slave.restore(state.slave);
    updateInterrupt();
  }

  @Override
  public synchronized void reset() {
    master.reset();
    slave.reset();
    updateInterrupt();
  }

  /** One 8259A; port 0 is the command port, port 1 the data port. */
  private final class Chip implements BusDevice {
    private static final int ICW1 = 1 << 4;
    private static final int ICW1_ICW4_NEEDED = 1;
    private static final int ICW1_SINGLE = 1 << 1;
    private static final int ICW4_AUTO_EOI = 1 << 1;
    private static final int ICW4_FULLY_NESTED = 1 << 4;
    private static final int OCW3 = 1 << 3;
    private static final int OCW3_READ_ISR = 1;
    private static final int OCW3_READ = 1 << 1;
    private static final int OCW3_POLL = 1 << 2;
    private static final int OCW3_SPECIAL_MASK = 1 << 5;
    private static final int OCW3_SET_SPECIAL_MASK = 1 << 6;

    private static final int READY = 0;
    private static final int WAITS_FOR_ICW2 = 2;
    private static final int WAITS_FOR_ICW3 = 3;
    private static final int WAITS_FOR_ICW4 = 4;

    private final int elcrWritable;
    private int irr;
    private int isr;
    private int imr;
    private int lines;
    private int elcr;
    private int icw1;
    private int icw2;
    private int icw3;
    private int icw4;
    private int initialization;
    private int lowestPriority = 7;
    private boolean rotateOnAutoEoi;
    private boolean specialMask;
    private boolean readIsr;
    private boolean poll;

    Chip(int elcrWritable) {
      this.elcrWritable = elcrWritable;
    }

    @Override
    public long read(long offset, int size) {
      if ((offset & ~1L) != 0) {
        return -1;
      }
      synchronized (Pic8259.this) {
        if (poll) {
          poll = false;
          int irq = request();
          if (irq >= 0) {
            acknowledge(irq);
            updateInterrupt();
          }
          return irq >= 0 ? 0x80 | irq : 0;
        }
        return offset == 1 ? imr : readIsr ? isr : irr;
      }
    }

    @Override
    public void write(long offset, int size, long value) {
      if ((offset & ~1L) != 0) {
        return;
      }
      int b = (int) value & 0xFF;
      synchronized (Pic8259.this) {
        if (offset == 1) {
          writeData(b);
        } else if ((b & ICW1) != 0) {
          initialize(b);
        } else if ((b & OCW3) != 0) {
          writeOcw3(b);
        } else {
          writeOcw2(b);
        }
        updateInterrupt();
      }
    }

    private void initialize(int b) {
      icw1 = b;
      imr = 0;
      isr = 0;
      lowestPriority = 7;
      specialMask = false;
      readIsr = false;
      poll = false;
      rotateOnAutoEoi = false;
      if ((b & ICW1_ICW4_NEEDED) == 0) {
        icw4 = 0;
      }
      // The edge sense circuit starts anew: a line must fall and rise to request again.
      irr = lines & elcr;
      initialization = WAITS_FOR_ICW2;
    }

    private void writeData(int b) {
      switch (initialization) {
        case WAITS_FOR_ICW2 -> {
          icw2 = b & 0xF8;
          initialization = single() ? afterIcw3() : WAITS_FOR_ICW3;
        }
        case WAITS_FOR_ICW3 -> {
          icw3 = b;
          initialization = afterIcw3();
        }
        case WAITS_FOR_ICW4 -> {
          icw4 = b & 0x1F;
          initialization = READY;
        }
        default -> imr = b;
      }
    }

    private int afterIcw3() {
      return (icw1 & ICW1_ICW4_NEEDED) != 0 ? WAITS_FOR_ICW4 : READY;
    }

    /** End of interrupt and rotation. */
    private void writeOcw2(int b) {
      int irq = b & 7;
      switch (b >> 5) {
        case 0 -> rotateOnAutoEoi = false;
        case 1 -> endOfInterrupt(highestInService());
        case 3 -> endOfInterrupt(irq);
        case 4 -> rotateOnAutoEoi = true;
        case 5 -> {
          int ended = highestInService();
          endOfInterrupt(ended);
          lowestPriority = ended >= 0 ? ended : lowestPriority;
        }
        case 6 -> lowestPriority = irq;
        case 7 -> {
          endOfInterrupt(irq);
          lowestPriority = irq;
        }
        default -> {}
      }
    }

    private void writeOcw3(int b) {
      poll = (b & OCW3_POLL) != 0;
      if ((b & OCW3_READ) != 0) {
        readIsr = (b & OCW3_READ_ISR) != 0;
      }
      if ((b & OCW3_SET_SPECIAL_MASK) != 0) {
        specialMask = (b & OCW3_SPECIAL_MASK) != 0;
      }
    }

    private void endOfInterrupt(int irq) {
      if (irq >= 0) {
        isr &= ~(1 << irq);
      }
    }

    private boolean single() {
      return (icw1 & ICW1_SINGLE) != 0;
    }

    /** What is level-triggered requests as its line stands, whatever edges came before. */
    private void setTriggers(int value) {
      elcr = value & elcrWritable;
      irr = irr & ~elcr | lines & elcr;
    }

    private int vector(int irq) {
      return icw2 | irq;
    }

    private void setLine(int bit, boolean level) {
      if (level) {
        if ((lines & bit) == 0 || (elcr & bit) != 0) {
          irr |= bit;
        }
        lines |= bit;
      } else {
        if ((elcr & bit) != 0) {
          irr &= ~bit;
        }
        lines &= ~bit;
      }
    }

    /** 0 is the highest, 7 the lowest. */
    private int priority(int irq) {
      return irq - lowestPriority - 1 & 7;
    }

    /** The one of the highest priority in a set of lines, or -1. */
    private int highest(int set) {
      for (int i = 1; i <= 8; i++) {
        int irq = lowestPriority + i & 7;
        if ((set >> irq & 1) != 0) {
          return irq;
        }
      }
      return -1;
    }

    /** In special mask mode a masked level in service is passed over. */
    private int highestInService() {
      return highest(specialMask ? isr & ~imr : isr);
    }

    /**
     * The line to interrupt for, or -1: what is in service keeps its own and lower priorities out.
     */
    private int request() {
      int irq = initialization == READY ? highest(irr & ~imr) : -1;
      if (irq < 0) {
        return -1;
      }
      int blocking = specialMask ? isr & ~imr : isr;
      if (specialMask && (isr >> irq & 1) != 0) {
        return -1;
      }
      if (this == master && (icw4 & ICW4_FULLY_NESTED) != 0) {
        // The second chip's lines of higher priority get through while one of it is in service.
        blocking &= ~(1 << CASCADE);
      }
      int inService = highest(blocking);
      return inService < 0 || priority(irq) < priority(inService) ? irq : -1;
    }

    private void acknowledge(int irq) {
      int bit = 1 << irq;
      if ((elcr & bit) == 0) {
        irr &= ~bit;
      }
      if ((icw4 & ICW4_AUTO_EOI) == 0) {
        isr |= bit;
      } else if (rotateOnAutoEoi) {
        lowestPriority = irq;
      }
    }

    private ChipState state() {
      return new ChipState(
          irr,
          isr,
          imr,
          lines,
          elcr,
          icw1,
          icw2,
          icw3,
          icw4,
          initialization,
          lowestPriority,
          rotateOnAutoEoi,
          specialMask,
          readIsr,
          poll);
    }

    private void check(ChipState state) {
      int registers =
          state.irr
              | state.isr
              | state.imr
              | state.lines
              | state.icw1
              | state.icw2
              | state.icw3
              | state.icw4;
      if ((registers & ~0xFF) != 0
          || (state.elcr & ~elcrWritable) != 0
          || (state.lowestPriority & ~7) != 0
          || state.initialization < READY
          || state.initialization > WAITS_FOR_ICW4) {
        throw new IllegalArgumentException("not the state of an 8259: " + state);
      }
    }

    private void restore(ChipState state) {
      irr = state.irr;
      isr = state.isr;
      imr = state.imr;
      lines = state.lines;
      elcr = state.elcr;
      icw1 = state.icw1;
      icw2 = state.icw2;
      icw3 = state.icw3;
      icw4 = state.icw4;
      initialization = state.initialization;
      lowestPriority = state.lowestPriority;
      rotateOnAutoEoi = state.rotateOnAutoEoi;
      specialMask = state.specialMask;
      readIsr = state.readIsr;
      poll = state.poll;
    }

    private void reset() {
      restore(new ChipState(0, 0, 0, lines, 0, 0, 0, 0, 0, READY, 7, false, false, false, false));
    }
  }
}
