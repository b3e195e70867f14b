package lodge.devices.ide;

import java.io.IOException;
import java.util.concurrent.Executor;
import lodge.core.BlockBackend;

/** A hard disk (ATA/ATAPI-6) with sectors of 512 bytes; DATA SET MANAGEMENT as in ATA8-ACS. */
public final class AtaDisk extends IdeDrive {
  private static final int SECTOR = 512;
  private static final int MAX_MULTIPLE = 16;

  /** Sectors that a 28-bit address reaches. */
  private static final long LBA28_LIMIT = 0xFFF_FFFF;

  // Features of SET FEATURES
  private static final int ENABLE_WRITE_CACHE = 0x02;
  private static final int SET_TRANSFER_MODE = 0x03;
  private static final int DISABLE_WRITE_CACHE = 0x82;

  // DATA SET MANAGEMENT
  private static final int TRIM = 1;
  private static final int MAX_TRIM_SECTORS = 8;
  private static final int TRIM_ENTRY = 8;

  private static final int ACTIVE_OR_IDLE = 0xFF;
  private static final int SMART_PASSED = 0xC24F;

  private final BlockBackend backend;
  private final String serial;
  private final long sectors;
  private final int cylinders;

  // Settings
  private int heads;
  private int sectorsPerTrack;
  private int multiple;
  private int mode;
  private boolean writeCache;
  private boolean smart;

  /** Whether the command that is being executed has a 48-bit address. */
  private boolean extended;

  /** The settings, and what all drives have. */
  public record State(
      Common common,
      int heads,
      int sectorsPerTrack,
      int multiple,
      int mode,
      boolean writeCache,
      boolean smart,
      boolean extended)
      implements IdeDrive.State {
    /** Checks the settings. */
    public State {
      if (heads < 1
          || heads > Geometry.MAX_HEADS
          || sectorsPerTrack < 1
          || sectorsPerTrack > 0xFF
          || !isMultiple(multiple)
          || !TransferMode.isDma(mode)) {
        throw new IllegalArgumentException("not the state of a hard disk");
      }
    }
  }

  /** What the disk is said to look like; a disk that is larger is addressed by LBA. */
  private static final class Geometry {
    static final int MAX_CYLINDERS = 16383;
    static final int MAX_HEADS = 16;
    static final int SECTORS = 63;
  }

  AtaDisk(
      IdeChannel channel,
      BusMaster busMaster,
      Executor executor,
      BlockBackend backend,
      String serial) {
    super(channel, busMaster, executor);
    if (backend.readOnly()) {
      throw new IllegalArgumentException("an IDE disk cannot be read-only");
    }
    if (backend.size() < SECTOR) {
      throw new IllegalArgumentException("an IDE disk has at least one sector of 512 bytes");
    }
    this.backend = backend;
    this.serial = serial;
    this.sectors = backend.size() / SECTOR;
    int track = Geometry.MAX_HEADS * Geometry.SECTORS;
    this.cylinders = Math.clamp(sectors / track, 1, Geometry.MAX_CYLINDERS);
  }

  @Override
  int signature() {
    return 0;
  }

  @Override
  void powerOn() {
    heads = Geometry.MAX_HEADS;
    sectorsPerTrack = Geometry.SECTORS;
    multiple = MAX_MULTIPLE;
    mode = TransferMode.DEFAULT;
    writeCache = backend.writeCache();
    smart = true;
    extended = false;
  }

  @Override
  public BlockBackend medium() {
    return backend;
  }

  @Override
  void execute(int command) {
    TransferCommand known = TransferCommand.of(command);
    if (known != null) {
      transfer(known);
      return;
    }
    switch (command) {
      case 0x06 -> dataSetManagement();
      case 0x10, 0x70 -> complete(); // RECALIBRATE, SEEK
      case 0x27 -> { // READ NATIVE MAX ADDRESS EXT
        file.setLba48(sectors - 1);
        complete();
      }
      case 0x40, 0x41 -> verify(false);
      case 0x42 -> verify(true);
      case 0x91 -> initializeDeviceParameters();
      // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, SLEEP, each with its older code
      case 0x94, 0x95, 0x96, 0x97, 0x99, 0xE0, 0xE1, 0xE2, 0xE3, 0xE6 -> complete();
      case 0x98, 0xE5 -> { // CHECK POWER MODE
        file.set(TaskFile.COUNT, ACTIVE_OR_IDLE);
        complete();
      }
      case 0xB0 -> smart();
      case 0xC6 -> setMultiple();
      case 0xE7, 0xEA -> transfer.work(backend::flush);
      case 0xEC -> transfer.send(identify(), SECTOR, false);
      case 0xEF -> setFeatures();
      case 0xF8 -> { // READ NATIVE MAX ADDRESS
        file.setLba28(Math.min(sectors, LBA28_LIMIT) - 1);
        complete();
      }
      default -> fail(ABRT);
    }
  }

  private void transfer(TransferCommand command) {
    boolean multiply = command.mode() == TransferCommand.Mode.MULTIPLE;
    long length = (long) SECTOR * count(command.extended());
    long offset = start(command.extended(), length);
    if (multiply && multiple == 0) {
      fail(ABRT);
    } else if (offset < 0) {
      fail(IDNF);
    } else {
      int block = multiply ? SECTOR * multiple : SECTOR;
      boolean dma = command.mode() == TransferCommand.Mode.DMA;
      if (command.write()) {
        transfer.write(offset, length, block, dma, command.durable() || !writeCache);
      } else {
        transfer.read(offset, length, block, dma);
      }
    }
  }

  private int count(boolean isExtended) {
    return isExtended ? file.count48() : file.count28();
  }

  /** The first byte that a command means, or -1 when it means some that are not there. */
  private long start(boolean isExtended, long length) {
    extended = isExtended;
    long lba = isExtended ? file.lba48() : file.isLba() ? file.lba28() : chs();
    return lba >= 0 && lba <= sectors - length / SECTOR ? lba * SECTOR : -1;
  }

  /** The sector at cylinder, head and sector, which counts from 1. */
  private long chs() {
    int cylinder = file.get(TaskFile.MID) | file.get(TaskFile.HIGH) << 8;
    int head = file.get(TaskFile.DEVICE) & 0xF;
    int sector = file.get(TaskFile.LOW);
    if (sector == 0 || sector > sectorsPerTrack || head >= heads) {
      return -1;
    }
    return ((long) cylinder * heads + head) * sectorsPerTrack + sector - 1;
  }

  private void verify(boolean isExtended) {
    if (start(isExtended, (long) SECTOR * count(isExtended)) < 0) {
      fail(IDNF);
    } else {
      complete();
    }
  }

  private void initializeDeviceParameters() {
    if (file.get(TaskFile.COUNT) == 0) {
      fail(ABRT);
      return;
    }
    heads = (file.get(TaskFile.DEVICE) & 0xF) + 1;
    sectorsPerTrack = file.get(TaskFile.COUNT);
    complete();
  }

  private void setMultiple() {
    int count = file.get(TaskFile.COUNT);
    if (isMultiple(count)) {
      multiple = count;
      complete();
    } else {
      fail(ABRT);
    }
  }

  private static boolean isMultiple(int count) {
    return count >= 0 && count <= MAX_MULTIPLE && Integer.bitCount(count) <= 1;
  }

  private void setFeatures() {
    switch (file.get(TaskFile.FEATURES)) {
      case ENABLE_WRITE_CACHE -> {
        writeCache = true;
        complete();
      }
      case DISABLE_WRITE_CACHE -> {
        writeCache = false;
        transfer.work(backend::flush);
      }
      case SET_TRANSFER_MODE -> setTransferMode(file.get(TaskFile.COUNT));
      // Power management, acoustic management, read look-ahead, power-on defaults: nothing to set.
      case 0x05, 0x42, 0x55, 0x66, 0x85, 0xAA, 0xC2, 0xCC -> complete();
      default -> fail(ABRT);
    }
  }

  private void setTransferMode(int wanted) {
    if (!TransferMode.isKnown(wanted)) {
      fail(ABRT);
      return;
    }
    if (TransferMode.isDma(wanted)) {
      mode = wanted;
    }
    complete();
  }

  private void dataSetManagement() {
    int count = file.count48();
    if (file.get(TaskFile.FEATURES) != TRIM || count > MAX_TRIM_SECTORS) {
      fail(ABRT);
    } else {
      transfer.receive(count * SECTOR, SECTOR, true);
    }
  }

  /**
   * Entries of a sector's number in 48 bits and a count in 16; those with no sectors are unused.
   */
  private void trim(byte[] list) {
    for (int at = 0; at < list.length; at += TRIM_ENTRY) {
      if (trimCount(list, at) > 0 && trimStart(list, at) > sectors - trimCount(list, at)) {
        fail(IDNF);
        return;
      }
    }
    transfer.work(() -> discard(list));
  }

  private void discard(byte[] list) throws IOException {
    for (int at = 0; at < list.length; at += TRIM_ENTRY) {
      if (trimCount(list, at) > 0) {
        backend.discard(trimStart(list, at) * SECTOR, (long) trimCount(list, at) * SECTOR);
      }
    }
  }

  private static long trimStart(byte[] list, int at) {
    long start = 0;
    for (int i = 0; i < 6; i++) {
      start |= (list[at + i] & 0xFFL) << 8 * i;
    }
    return start;
  }

  private static int trimCount(byte[] list, int at) {
    return list[at + 6] & 0xFF | (list[at + 7] & 0xFF) << 8;
  }

  private void smart() {
    int function = file.get(TaskFile.FEATURES);
    boolean keyed = (file.get(TaskFile.MID) | file.get(TaskFile.HIGH) << 8) == Smart.KEY;
    if (!keyed || !smart && function != Smart.ENABLE) {
      fail(ABRT);
      return;
    }
    switch (function) {
      case Smart.ENABLE, Smart.DISABLE -> {
        smart = function == Smart.ENABLE;
        complete();
      }
      case Smart.AUTOSAVE, Smart.EXECUTE_OFFLINE -> complete();
      case Smart.RETURN_STATUS -> {
        file.set(TaskFile.MID, SMART_PASSED & 0xFF);
        file.set(TaskFile.HIGH, SMART_PASSED >> 8);
        complete();
      }
      case Smart.READ_DATA -> transfer.send(Smart.data(), SECTOR, false);
      case Smart.READ_THRESHOLDS -> transfer.send(Smart.thresholds(), SECTOR, false);
      case Smart.READ_LOG -> {
        byte[] log = Smart.log(file.get(TaskFile.LOW));
        if (log == null || file.get(TaskFile.COUNT) != 1) {
          fail(ABRT);
        } else {
          transfer.send(log, SECTOR, false);
        }
      }
      default -> fail(ABRT);
    }
  }

  private byte[] identify() {
    boolean chs = heads == Geometry.MAX_HEADS && sectorsPerTrack == Geometry.SECTORS;
    int track = heads * sectorsPerTrack;
    long currentCylinders = chs ? cylinders : Math.min(sectors / track, 0xFFFF);
    // NOP, write cache, SMART; FLUSH CACHE (EXT), 48-bit addresses; FUA.
    int set82 = 1 << 14 | 1 << 5 | 1;
    int set83 = 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10;
    int set84 = 1 << 14 | 1 << 6;
    return new IdentifyData()
        .set(0, 1 << 6)
        .set(1, cylinders)
        .set(3, Geometry.MAX_HEADS)
        .set(6, Geometry.SECTORS)
        .set(10, 10, serial)
        .set(23, 4, "1.0")
        .set(27, 20, "LODGE HARDDISK")
        .set(47, 0x8000 | MAX_MULTIPLE)
        .set(48, 1)
        // IORDY, LBA, DMA
        .set(49, 1 << 11 | 1 << 9 | 1 << 8)
        .set(50, 1 << 14)
        .set(53, 7)
        .set(54, (int) currentCylinders)
        .set(55, heads)
        .set(56, sectorsPerTrack)
        .set(57, 2, currentCylinders * track)
        .set(59, multiple == 0 ? 0 : 0x100 | multiple)
        .set(60, 2, Math.min(sectors, LBA28_LIMIT))
        .set(63, TransferMode.multiwordWord(mode))
        .set(64, 3)
        .set(65, 120)
        .set(66, 120)
        .set(67, 120)
        .set(68, 120)
        .set(80, 0xF0)
        .set(82, set82)
        .set(83, set83)
        .set(84, set84)
        .set(85, 1 << 14 | (writeCache ? 1 << 5 : 0) | (smart ? 1 : 0))
        .set(86, set83 & ~(1 << 14))
        .set(87, set84)
        .set(88, TransferMode.ultraWord(mode))
        // An 80-conductor cable; passed the diagnostic.
        .set(93, 1 << 14 | 1 << 13 | 1)
        .set(100, 4, sectors)
        .set(105, MAX_TRIM_SECTORS)
        .set(169, TRIM)
        .bytes();
  }

  @Override
  public void blockReady(DataTransfer.Flow flow, int length, boolean first) {
    boolean out = flow == DataTransfer.Flow.WRITE || flow == DataTransfer.Flow.RECEIVE;
    if (!out || !first) {
      raise();
    }
  }

  @Override
  public void done(DataTransfer.Flow flow, boolean dma) {
    switch (flow) {
      case RECEIVE -> trim(transfer.bytes());
      case SEND, READ -> {
        if (dma) {
          complete();
        }
      }
      case WRITE, NOTHING -> complete();
    }
  }

  @Override
  public void failed(DataTransfer.Flow flow) {
    if (flow == DataTransfer.Flow.READ) {
      long lba = transfer.offset() / SECTOR;
      if (extended) {
        file.setLba48(lba);
      } else if (file.isLba()) {
        file.setLba28(lba);
      }
      fail(UNC);
    } else {
      fail(ABRT);
    }
  }

  @Override
  State state() {
    return new State(common(), heads, sectorsPerTrack, multiple, mode, writeCache, smart, extended);
  }

  @Override
  void check(IdeDrive.State state) {
    if (!(state instanceof State)) {
      throw new IllegalArgumentException("not the state of a hard disk");
    }
    DataTransfer.check(state.common().transfer(), backend.size());
  }

  @Override
  void restore(IdeDrive.State state) {
    State known = (State) state;
    restore(known.common);
    heads = known.heads;
    sectorsPerTrack = known.sectorsPerTrack;
    multiple = known.multiple;
    mode = known.mode;
    writeCache = known.writeCache;
    smart = known.smart;
    extended = known.extended;
  }
}
