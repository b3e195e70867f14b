package lodge.devices.ide;

import lodge.core.GuestMemory;

/**
 * One channel's half of the bus master (82371SB data sheet, 2.6; Programming Interface for Bus
 * Master IDE Controller 1.0): it moves the drive's data to and from where a table of physical
 * region descriptors (PRD) in guest memory says. The channel's lock guards it.
 */
public final class BusMaster {
  /** Ports of a channel. */
  static final int LENGTH = 8;

  private static final int COMMAND = 0;
  private static final int STATUS = 2;
  private static final int TABLE = 4;

  private static final int START = 1;
  private static final int COMMAND_WRITABLE = START | 1 << 3;

  private static final int ACTIVE = 1;
  private static final int ERROR = 1 << 1;
  private static final int INTERRUPT = 1 << 2;
  private static final int DRIVES_CAPABLE = 3 << 5;

  private static final int PRD_BYTES = 8;
  private static final int END_OF_TABLE = 1 << 31;

  /** A table does not cross a multiple of this, and so has an end even if nothing says so. */
  private static final long TABLE_SPAN = 1 << 16;

  private final GuestMemory memory;
  private int command;
  private int status;
  private int table;

  /** The descriptor that comes next, or the end of the span. */
  private long nextPrd;

  private boolean lastPrd;
  private long region;
  private int regionLeft;

  /** The registers, and how far it has come in its table. */
  public record State(
      int command,
      int status,
      int table,
      long nextPrd,
      boolean lastPrd,
      long region,
      int regionLeft) {
    /** Checks what can be checked without the machine. */
    public State {
      if ((command & ~COMMAND_WRITABLE) != 0
          || (status & ~(ACTIVE | ERROR | INTERRUPT | DRIVES_CAPABLE)) != 0
          || (table & 3) != 0
          || nextPrd < 0
          || nextPrd > 1L << 32
          || region < 0
          || region > 1L << 32
          || regionLeft < 0
          || regionLeft > TABLE_SPAN) {
        throw new IllegalArgumentException("not the state of a bus master");
      }
    }
  }

  BusMaster(GuestMemory memory) {
    this.memory = memory;
  }

  /** A byte of its ports. */
  int read(int offset) {
    return switch (offset) {
      case COMMAND -> command;
      case STATUS -> status;
      case 4, 5, 6, 7 -> table >>> 8 * (offset - TABLE) & 0xFF;
      default -> 0;
    };
  }

  void write(int offset, int value) {
    switch (offset) {
      case COMMAND -> writeCommand(value & COMMAND_WRITABLE);
      case STATUS ->
          status =
              status & ~DRIVES_CAPABLE & ~(value & (ERROR | INTERRUPT)) | value & DRIVES_CAPABLE;
      case 4, 5, 6, 7 -> {
        int shift = 8 * (offset - TABLE);
        table = (table & ~(0xFF << shift) | (value & 0xFF) << shift) & ~3;
      }
      default -> {}
    }
  }

  private void writeCommand(int value) {
    boolean starts = (value & ~command & START) != 0;
    command = value;
    if (starts) {
      status |= ACTIVE;
      nextPrd = table & 0xFFFF_FFFFL;
      lastPrd = false;
      regionLeft = 0;
    } else if ((value & START) == 0) {
      status &= ~ACTIVE;
    }
  }

  /** Whether it moves data when the drive has some. */
  boolean active() {
    return (status & ACTIVE) != 0;
  }

  /** The drive's interrupt has come. */
  void interrupted() {
    status |= INTERRUPT;
  }

  /** The drive's transfer is complete. The table may go on; then it stays active. */
  void complete() {
    if (regionLeft == 0 && lastPrd) {
      status &= ~ACTIVE;
    }
  }

  /**
   * Puts bytes into guest memory.
   *
   * @return how many; fewer when the table ends or leads nowhere
   */
  int store(byte[] from) {
    int done = 0;
    while (done < from.length && hasRegion()) {
      int part = Math.min(regionLeft, from.length - done);
      memory.put(region, from, done, part);
      memory.codeWatch().written(region, part);
      done += advance(part);
    }
    return done;
  }

  /** Likewise takes bytes from guest memory. */
  int load(byte[] into) {
    int done = 0;
    while (done < into.length && hasRegion()) {
      int part = Math.min(regionLeft, into.length - done);
      memory.get(region, into, done, part);
      done += advance(part);
    }
    return done;
  }

  private int advance(int part) {
    region += part;
    regionLeft -= part;
    return part;
  }

  /** Whether there is room in guest memory, after a look at the next descriptor if need be. */
  private boolean hasRegion() {
    if (!active()) {
      return false;
    }
    if (regionLeft > 0) {
      return true;
    }
    if (lastPrd) {
      status &= ~ACTIVE;
      return false;
    }
    boolean inSpan = nextPrd - (table & 0xFFFF_FFFFL & -TABLE_SPAN) <= TABLE_SPAN - PRD_BYTES;
    if (!inSpan || !memory.isRam(nextPrd, PRD_BYTES)) {
      return fail();
    }
    long base = memory.getInt(nextPrd) & 0xFFFF_FFFEL;
    int second = memory.getInt(nextPrd + 4);
    int count = second & 0xFFFE;
    int length = count == 0 ? 1 << 16 : count;
    if (!memory.isRam(base, length)) {
      return fail();
    }
    nextPrd += PRD_BYTES;
    lastPrd = (second & END_OF_TABLE) != 0;
    region = base;
    regionLeft = length;
    return true;
  }

  /** Nobody answers at an address (master abort). */
  private boolean fail() {
    status = status & ~ACTIVE | ERROR;
    return false;
  }

  State state() {
    return new State(command, status, table, nextPrd, lastPrd, region, regionLeft);
  }

  /**
   * @throws IllegalArgumentException when it leads out of guest memory; nothing changed then
   */
  void check(State state) {
    if (!memory.isRam(state.region, state.regionLeft)) {
      throw new IllegalArgumentException("a bus master outside of guest memory");
    }
  }

  void restore(State state) {
    command = state.command;
    status = state.status;
    table = state.table;
    nextPrd = state.nextPrd;
    lastPrd = state.lastPrd;
    region = state.region;
    regionLeft = state.regionLeft;
  }

  void reset() {
    restore(new State(0, 0, 0, 0, false, 0, 0));
  }
}
