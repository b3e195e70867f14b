package lodge.devices;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * MSI-X (PCI Local Bus Specification 3.0, 6.8.2): a table of messages, each of which can be masked,
 * and a bit for each that waits for that to end. Table and bits are in one memory BAR of {@link
 * #LENGTH} bytes.
 */
public final class Msix implements BusDevice, Stateful<Msix.State> {
  /** Of the memory. */
  public static final int LENGTH = 0x1000;

  /** So many fit in front of the pending bits. */
  public static final int MAX_VECTORS = 128;

  private static final int CAPABILITY_ID = 0x11;
  private static final int CAPABILITY_LENGTH = 12;
  private static final int PENDING_BITS = 0x800;

  private static final int COMMAND = 0x04;
  private static final int BUS_MASTER = 1 << 2;

  // Message control
  private static final int ENABLE = 1 << 15;
  private static final int FUNCTION_MASK = 1 << 14;

  private static final int ENTRY_BYTES = 16;
  private static final int VECTOR_CONTROL = 3;
  private static final int MASKED = 1;

  // The address and data of a message (SDM volume 3, 12.11)
  private static final int DOORBELL = 0xFEE;
  private static final int LOGICAL = 1 << 2;
  private static final int LEVEL_TRIGGERED = 1 << 15;
  private static final int ASSERT = 1 << 14;

  private final PciConfigSpace config;
  private final int control;
  private final InterruptMessageSink sink;
  private final int vectors;

  /** Four words an entry, as the guest sees them. */
  private final int[] table;

  private final long[] pending;

  /** Words of the table, and the pending bits; message control is in configuration space. */
  public record State(List<Integer> table, List<Long> pending) {
    /** Copies the lists. */
    public State {
      table = List.copyOf(table);
      pending = List.copyOf(pending);
    }
  }

  /**
   * @param bar where the guest finds this
   */
  public Msix(PciConfigSpace config, int bar, int vectors, InterruptMessageSink sink) {
    if (vectors < 1 || vectors > MAX_VECTORS) {
      throw new IllegalArgumentException(vectors + " vectors");
    }
    this.config = config;
    this.vectors = vectors;
    this.sink = sink;
    this.table = new int[4 * vectors];
    this.pending = new long[(vectors + 63) / 64];
    int capability = config.capability(CAPABILITY_ID, CAPABILITY_LENGTH);
    this.control = capability + 2;
    config
        .define(control, 2, vectors - 1, ENABLE | FUNCTION_MASK)
        .define(capability + 4, 4, bar, 0)
        .define(capability + 8, 4, PENDING_BITS | bar, 0);
    reset();
  }

  public int vectors() {
    return vectors;
  }

  /** Whether the guest wants messages, not INTx. */
  public boolean enabled() {
    return (config.read(control, 2) & ENABLE) != 0;
  }

  /** Sends a message, now or when it is unmasked; one that does not exist is nobody's. */
  public synchronized void signal(int vector) {
    if (vector < vectors && enabled()) {
      pending[vector >> 6] |= 1L << vector;
      send(vector);
    }
  }

  /** To be called when the configuration space was written to. */
  public synchronized void update() {
    for (int vector = 0; vector < vectors; vector++) {
      send(vector);
    }
  }

  private void send(int vector) {
    boolean waits = (pending[vector >> 6] >> vector & 1) != 0;
    // A message is a write to memory.
    boolean open =
        (config.read(control, 2) & (ENABLE | FUNCTION_MASK)) == ENABLE
            && (config.read(COMMAND, 2) & BUS_MASTER) != 0;
    if (!waits || !open || (table[4 * vector + VECTOR_CONTROL] & MASKED) != 0) {
      return;
    }
    pending[vector >> 6] &= ~(1L << vector);
    int address = table[4 * vector];
    int data = table[4 * vector + 2];
    if (address >>> 20 != DOORBELL || table[4 * vector + 1] != 0) {
      return;
    }
    boolean level = (data & LEVEL_TRIGGERED) != 0;
    int destination = address >> 12 & 0xFF;
    sink.deliver(
        destination == 0xFF ? InterruptMessageSink.BROADCAST : destination,
        (address & LOGICAL) != 0,
        data >> 8 & 7,
        data & 0xFF,
        level,
        !level || (data & ASSERT) != 0);
  }

  @Override
  public synchronized long read(long offset, int size) {
    int word;
    if (offset >= 0 && offset < (long) ENTRY_BYTES * vectors) {
      word = table[(int) offset >> 2];
    } else if (offset >= PENDING_BITS && offset < PENDING_BITS + 8L * pending.length) {
      int at = (int) offset - PENDING_BITS;
      word = (int) (pending[at >> 3] >>> 8 * (at & 4));
    } else {
      return 0;
    }
    return word >>> 8 * (offset & 3);
  }

  /** The guest is to write whole words; what is narrower is ignored. */
  @Override
  public synchronized void write(long offset, int size, long value) {
    if (size == 4 && offset >= 0 && (offset & 3) == 0 && offset < (long) ENTRY_BYTES * vectors) {
      int word = (int) offset >> 2;
      table[word] =
          switch (word & 3) {
            case 0 -> (int) value & ~3;
            case VECTOR_CONTROL -> (int) value & MASKED;
            default -> (int) value;
          };
      send(word >> 2);
    }
  }

  @Override
  public synchronized State state() {
    List<Integer> words = new ArrayList<>();
    for (int word : table) {
      words.add(word);
    }
    List<Long> bits = new ArrayList<>();
    for (long word : pending) {
      bits.add(word);
    }
    return new State(words, bits);
  }

  @Override
  public synchronized void restore(State state) {
    if (state.table.size() != table.length || state.pending.size() != pending.length) {
      throw new IllegalArgumentException("an MSI-X table of another size");
    }
    for (int i = 0; i < table.length; i++) {
      table[i] = state.table.get(i);
    }
    for (int i = 0; i < pending.length; i++) {
      pending[i] = state.pending.get(i);
    }
  }

  /** All are masked. */
  @Override
  public synchronized void reset() {
    for (int i = 0; i < table.length; i++) {
      table[i] = (i & 3) == VECTOR_CONTROL ? MASKED : 0;
    }
    Arrays.fill(pending, 0);
  }
}
