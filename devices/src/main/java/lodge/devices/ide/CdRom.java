package lodge.devices.ide;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Executor;
import lodge.core.BlockBackend;

/**
 * A CD-ROM drive with a tray (ATA/ATAPI-6, PACKET command feature set; MMC-6), and what people do
 * with it.
 */
public final class CdRom extends IdeDrive {
  private static final int BLOCK = DiscReplies.BLOCK;
  private static final int SIGNATURE = 0xEB14;
  private static final int PACKET_BYTES = 12;
  private static final int IDENTIFY_BYTES = 512;

  // Features of PACKET
  private static final int DMA = 1;
  private static final int OVERLAP = 1 << 1;

  private static final int SET_TRANSFER_MODE = 0x03;
  private static final int ACTIVE_OR_IDLE = 0xFF;

  // Interrupt reason, in the count register
  private static final int COMMAND_PACKET = 1;
  private static final int TO_HOST = 2;
  private static final int COMPLETED = 3;

  private static final int MAX_LIMIT = 0xFFFE;

  // Media events (MMC-6, 6.7.2.5)
  private static final int EJECT_REQUEST = 1;
  private static final int NEW_MEDIA = 2;
  private static final int MEDIA_REMOVAL = 3;

  // Medium types of the mode header
  private static final int DATA_CD = 0x01;
  private static final int NO_DISC = 0x70;
  private static final int DOOR_OPEN = 0x71;

  private final String serial;
  private BlockBackend medium;
  private boolean open;
  private boolean locked;
  private Sense sense = Sense.NONE;
  private Sense attention = Sense.NONE;
  private int mediaEvent;
  private int mode;

  /** A packet command is being executed, not one of ATA. */
  private boolean packet;

  private boolean dma;

  /** Most bytes that the host takes in one go. */
  private int limit;

  /**
   * All of it, but the medium's content.
   *
   * @param mediumBytes its size, 0 when there is none
   */
  public record State(
      Common common,
      long mediumBytes,
      boolean open,
      boolean locked,
      Sense sense,
      Sense attention,
      int mediaEvent,
      int mode,
      boolean packet,
      boolean dma,
      int limit)
      implements IdeDrive.State {
    /** Checks what can be checked without the drive. */
    public State {
      if (sense == null
          || attention == null
          || mediaEvent < 0
          || mediaEvent > MEDIA_REMOVAL
          || !TransferMode.isDma(mode)
          || limit < 0
          || limit > 0xFFFF) {
        throw new IllegalArgumentException("not the state of a CD-ROM drive");
      }
    }
  }

  CdRom(IdeChannel channel, BusMaster busMaster, Executor executor, String serial) {
    super(channel, busMaster, executor);
    this.serial = serial;
  }

  /**
   * Puts a disc in and closes the tray.
   *
   * @throws IllegalArgumentException when there is not even one block of 2048 bytes
   * @throws IllegalStateException when there is a disc
   */
  public void insert(BlockBackend disc) {
    if (disc.size() < BLOCK) {
      throw new IllegalArgumentException("a disc has at least one block of 2048 bytes");
    }
    synchronized (lock()) {
      if (medium != null) {
        throw new IllegalStateException("there is a disc in the drive");
      }
      medium = disc;
      close();
    }
  }

  /**
   * Takes the disc out, as long as the guest has not locked the tray; then it is told that somebody
   * wants the disc. Nobody reads the disc any more.
   */
  public Optional<BlockBackend> eject() {
    BlockBackend disc;
    synchronized (lock()) {
      if (locked) {
        mediaEvent = EJECT_REQUEST;
        return Optional.empty();
      }
      disc = medium;
      boolean reading = occupied() && packet;
      open = true;
      medium = null;
      mediaEvent = MEDIA_REMOVAL;
      if (reading) {
        transfer.abandon();
        check(Sense.TRAY_OPEN);
        changed();
      }
    }
    transfer.awaitQuiet();
    return Optional.ofNullable(disc);
  }

  private void close() {
    open = false;
    if (medium != null) {
      attention = Sense.MEDIUM_CHANGED;
      mediaEvent = NEW_MEDIA;
    }
  }

  @Override
  int signature() {
    return SIGNATURE;
  }

  @Override
  void powerOn() {
    open = false;
    locked = false;
    sense = Sense.NONE;
    attention = Sense.POWERED_ON;
    mediaEvent = 0;
    mode = TransferMode.DEFAULT;
    packet = false;
    dma = false;
    limit = 0;
  }

  @Override
  public BlockBackend medium() {
    return medium;
  }

  private DiscReplies disc() {
    return new DiscReplies(loaded() ? medium.size() / BLOCK : 0);
  }

  private boolean loaded() {
    return medium != null && !open;
  }

  @Override
  boolean isReset(int command) {
    return command == 0x08;
  }

  @Override
  void execute(int command) {
    packet = false;
    switch (command) {
      case 0x08 -> softReset();
      case 0x20, 0xEC -> { // READ SECTORS, IDENTIFY DEVICE: so the host finds out what this is
        sign();
        fail(ABRT);
      }
      case 0xA0 -> receivePacket();
      case 0xA1 -> transfer.send(identify(), IDENTIFY_BYTES, false);
      case 0xE0, 0xE1, 0xE2, 0xE3, 0xE6, 0xE7 -> complete();
      case 0xE5 -> { // CHECK POWER MODE
        file.set(TaskFile.COUNT, ACTIVE_OR_IDLE);
        complete();
      }
      case 0xEF -> setFeatures();
      default -> fail(ABRT);
    }
  }

  private void setFeatures() {
    int wanted = file.get(TaskFile.COUNT);
    if (file.get(TaskFile.FEATURES) != SET_TRANSFER_MODE || !TransferMode.isKnown(wanted)) {
      fail(ABRT);
      return;
    }
    if (TransferMode.isDma(wanted)) {
      mode = wanted;
    }
    complete();
  }

  private void receivePacket() {
    int features = file.get(TaskFile.FEATURES);
    if ((features & OVERLAP) != 0) {
      fail(ABRT);
      return;
    }
    packet = true;
    dma = (features & DMA) != 0;
    limit = file.get(TaskFile.MID) | file.get(TaskFile.HIGH) << 8;
    transfer.receive(PACKET_BYTES, PACKET_BYTES, false);
  }

  private void executePacket(Cdb cdb) {
    PacketCommand command = PacketCommand.of(cdb.operation());
    if (command != PacketCommand.REQUEST_SENSE) {
      sense = Sense.NONE;
    }
    if (command == null) {
      check(Sense.INVALID_COMMAND);
    } else if (attention != Sense.NONE && !command.ignoresAttention()) {
      Sense told = attention;
      attention = Sense.NONE;
      check(told);
    } else if (command.needsMedium() && !loaded()) {
      check(open ? Sense.TRAY_OPEN : Sense.MEDIUM_NOT_PRESENT);
    } else {
      executePacket(command, cdb);
    }
  }

  private void executePacket(PacketCommand command, Cdb cdb) {
    switch (command) {
      case TEST_UNIT_READY, SET_CD_SPEED -> good();
      case REQUEST_SENSE -> requestSense(cdb.at(4));
      case INQUIRY -> inquiry(cdb);
      case START_STOP_UNIT -> startStop(cdb.at(4));
      case PREVENT_ALLOW_MEDIUM_REMOVAL -> {
        locked = (cdb.at(4) & 1) != 0;
        good();
      }
      case READ_CAPACITY -> reply(disc().capacity(), 8);
      case READ_10 -> read(cdb.int32(2), cdb.int16(7));
      case READ_12 -> read(cdb.int32(2), cdb.int32(6));
      case SEEK_10 -> seek(cdb.int32(2));
      case READ_TOC -> readToc(cdb);
      case GET_CONFIGURATION -> {
        if ((cdb.at(1) & 3) == 3) {
          check(Sense.INVALID_FIELD);
        } else {
          reply(disc().configuration(cdb.at(1) & 3, cdb.int16(2)), cdb.int16(7));
        }
      }
      case GET_EVENT_STATUS_NOTIFICATION -> eventStatus(cdb);
      case READ_DISC_INFORMATION -> {
        if ((cdb.at(1) & 7) == 0) {
          reply(DiscReplies.information(), cdb.int16(7));
        } else {
          check(Sense.INVALID_FIELD);
        }
      }
      case MODE_SENSE_10 -> modeSense(cdb);
      case MECHANISM_STATUS -> reply(DriveReplies.mechanism(open), cdb.int16(8));
    }
  }

  private void requestSense(int length) {
    if (sense == Sense.NONE) {
      sense = attention;
      attention = Sense.NONE;
    }
    byte[] told = sense.bytes();
    sense = Sense.NONE;
    reply(told, length);
  }

  private void inquiry(Cdb cdb) {
    if ((cdb.at(1) & 1) != 0 || cdb.at(2) != 0) {
      check(Sense.INVALID_FIELD);
      return;
    }
    reply(DriveReplies.inquiry(), cdb.int16(3));
  }

  /** Bit 1 moves the tray, bit 0 says in which direction; power conditions change nothing. */
  private void startStop(int wanted) {
    boolean moves = (wanted & 2) != 0 && wanted >> 4 == 0;
    if (!moves) {
      good();
    } else if ((wanted & 1) != 0) {
      if (open) {
        close();
      }
      good();
    } else if (locked) {
      check(Sense.REMOVAL_PREVENTED);
    } else {
      open = true;
      mediaEvent = medium == null ? mediaEvent : MEDIA_REMOVAL;
      good();
    }
  }

  private void read(int block, int count) {
    long from = block & 0xFFFF_FFFFL;
    long blocks = count & 0xFFFF_FFFFL;
    if (from > disc().blocks() - blocks) {
      check(Sense.ADDRESS_OUT_OF_RANGE);
    } else if (blocks == 0) {
      good();
    } else {
      file.set(TaskFile.COUNT, TO_HOST);
      transfer.read(from * BLOCK, blocks * BLOCK, blockBytes(blocks * BLOCK), dma);
    }
  }

  private void seek(int block) {
    if ((block & 0xFFFF_FFFFL) < disc().blocks()) {
      good();
    } else {
      check(Sense.ADDRESS_OUT_OF_RANGE);
    }
  }

  private void readToc(Cdb cdb) {
    boolean msf = (cdb.at(1) & 2) != 0;
    int format = (cdb.at(2) & 0xF) != 0 ? cdb.at(2) & 0xF : cdb.at(9) >> 6;
    int first = cdb.at(6);
    boolean known = format != 0 || first <= 1 || first == 0xAA;
    switch (known ? format : -1) {
      case 0 -> reply(disc().toc(msf, first), cdb.int16(7));
      case 1 -> reply(DiscReplies.sessions(msf), cdb.int16(7));
      case 2 -> reply(disc().fullToc(), cdb.int16(7));
      default -> check(Sense.INVALID_FIELD);
    }
  }

  private void eventStatus(Cdb cdb) {
    if ((cdb.at(1) & 1) == 0) {
      check(Sense.INVALID_FIELD); // only polling
      return;
    }
    int length = cdb.int16(7);
    if ((cdb.at(4) >> DriveReplies.MEDIA_CLASS & 1) == 0) {
      reply(DriveReplies.noEvent(), length);
      return;
    }
    byte[] event = DriveReplies.mediaEvent(mediaEvent, open, medium != null);
    if (length > 4) {
      mediaEvent = 0;
    }
    reply(event, length);
  }

  private void modeSense(Cdb cdb) {
    int control = cdb.at(2) >> 6;
    int type = open ? DOOR_OPEN : medium == null ? NO_DISC : DATA_CD;
    byte[] pages = DriveReplies.modePages(cdb.at(2) & 0x3F, control == 1, type);
    if (control == 3) {
      check(Sense.SAVING_NOT_SUPPORTED);
    } else if (pages == null) {
      check(Sense.INVALID_FIELD);
    } else {
      reply(pages, cdb.int16(7));
    }
  }

  /** Sends as much of a reply as the host has room for. */
  private void reply(byte[] whole, int length) {
    if (length == 0) {
      good();
      return;
    }
    byte[] reply = Arrays.copyOf(whole, Math.min(whole.length, length));
    file.set(TaskFile.COUNT, TO_HOST);
    transfer.send(reply, blockBytes(reply.length), dma);
  }

  /** An odd limit holds for what fits in one go; else all but the last go have even lengths. */
  private int blockBytes(long length) {
    int most = limit == 0 ? MAX_LIMIT : limit;
    return length <= most ? most : Math.clamp(most & ~1, 2, MAX_LIMIT);
  }

  private void good() {
    file.set(TaskFile.COUNT, COMPLETED);
    complete();
  }

  /** Check condition. */
  private void check(Sense why) {
    sense = why;
    file.set(TaskFile.COUNT, COMPLETED);
    fail(why.key << 4 | ABRT);
  }

  private byte[] identify() {
    return new IdentifyData()
        // ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes
        .set(0, 0x85C0)
        .set(10, 10, serial)
        .set(23, 4, "1.0")
        .set(27, 20, "LODGE CD-ROM")
        // IORDY, LBA, DMA
        .set(49, 1 << 11 | 1 << 9 | 1 << 8)
        .set(50, 1 << 14)
        .set(53, 6)
        .set(63, TransferMode.multiwordWord(mode))
        .set(64, 3)
        .set(65, 120)
        .set(66, 120)
        .set(67, 120)
        .set(68, 120)
        .set(80, 0x70)
        // NOP, DEVICE RESET, PACKET
        .set(82, 1 << 14 | 1 << 9 | 1 << 4)
        .set(83, 1 << 14)
        .set(84, 1 << 14)
        .set(85, 1 << 14 | 1 << 9 | 1 << 4)
        .set(87, 1 << 14)
        .set(88, TransferMode.ultraWord(mode))
        .set(93, 1 << 14 | 1 << 13 | 1)
        .bytes();
  }

  @Override
  public void blockReady(DataTransfer.Flow flow, int length, boolean first) {
    if (flow == DataTransfer.Flow.RECEIVE) {
      file.set(TaskFile.COUNT, COMMAND_PACKET);
      return;
    }
    if (packet) {
      file.set(TaskFile.COUNT, TO_HOST);
      file.set(TaskFile.MID, length);
      file.set(TaskFile.HIGH, length >> 8);
    }
    raise();
  }

  @Override
  public void done(DataTransfer.Flow flow, boolean byDma) {
    if (flow == DataTransfer.Flow.RECEIVE) {
      executePacket(new Cdb(transfer.bytes()));
    } else if (packet) {
      good();
    }
  }

  @Override
  public void failed(DataTransfer.Flow flow) {
    check(Sense.UNRECOVERED_READ_ERROR);
  }

  @Override
  State state() {
    long bytes = medium == null ? 0 : medium.size();
    return new State(
        common(), bytes, open, locked, sense, attention, mediaEvent, mode, packet, dma, limit);
  }

  @Override
  void check(IdeDrive.State state) {
    long bytes = medium == null ? 0 : medium.size();
    if (!(state instanceof State known) || known.mediumBytes != bytes) {
      throw new IllegalArgumentException("not the state of a CD-ROM drive with this medium");
    }
    DataTransfer.check(state.common().transfer(), bytes);
  }

  @Override
  void restore(IdeDrive.State state) {
    State known = (State) state;
    restore(known.common);
    open = known.open;
    locked = known.locked;
    sense = known.sense;
    attention = known.attention;
    mediaEvent = known.mediaEvent;
    mode = known.mode;
    packet = known.packet;
    dma = known.dma;
    limit = known.limit;
  }
}
