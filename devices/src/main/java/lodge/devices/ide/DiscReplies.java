package lodge.devices.ide;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * What a drive tells of a disc with one session and one data track (MMC-6).
 *
 * @param blocks of 2048 bytes
 */
record DiscReplies(long blocks) {
  static final int BLOCK = 2048;

  /** 80 minutes: what is larger is a DVD. */
  private static final long CD_BLOCKS = 80 * 60 * 75;

  private static final int CD_ROM = 0x0008;
  private static final int DVD_ROM = 0x0010;

  private static final int DATA_TRACK = 0x14;
  private static final int LEAD_OUT = 0xAA;

  /** Blocks before the first one that has an address: 2 seconds. */
  private static final int PREGAP = 150;

  /** The last block's address, and how long blocks are (6.24). */
  byte[] capacity() {
    return ByteBuffer.allocate(8).putInt((int) blocks - 1).putInt(BLOCK).array();
  }

  /** READ TOC, format 0: the track and the lead-out, or the latter alone (6.25.3.2). */
  byte[] toc(boolean msf, int firstTrack) {
    ByteBuffer toc = ByteBuffer.allocate(20);
    toc.putShort((short) 0).put((byte) 1).put((byte) 1);
    if (firstTrack <= 1) {
      track(toc, 1, msf, 0);
    }
    track(toc, LEAD_OUT, msf, blocks);
    return sized(toc);
  }

  /** Format 1: where the last session begins (6.25.3.3). */
  static byte[] sessions(boolean msf) {
    ByteBuffer toc = ByteBuffer.allocate(12);
    toc.putShort((short) 0).put((byte) 1).put((byte) 1);
    track(toc, 1, msf, 0);
    return sized(toc);
  }

  /** Format 2: the lead-in's entries A0, A1 and A2, and the track's (6.25.3.4). */
  byte[] fullToc() {
    ByteBuffer toc = ByteBuffer.allocate(4 + 4 * 11);
    toc.putShort((short) 0).put((byte) 1).put((byte) 1);
    point(toc, 0xA0, 1 << 16);
    point(toc, 0xA1, 1 << 16);
    point(toc, 0xA2, time(blocks));
    point(toc, 1, time(0));
    return sized(toc);
  }

  private static void track(ByteBuffer toc, int number, boolean msf, long block) {
    toc.put((byte) 0).put((byte) DATA_TRACK).put((byte) number).put((byte) 0);
    toc.putInt(msf ? time(block) : (int) block);
  }

  private static void point(ByteBuffer toc, int point, int time) {
    toc.put((byte) 1).put((byte) DATA_TRACK).put((byte) 0).put((byte) point);
    toc.put((byte) 0).put((byte) 0).put((byte) 0).putInt(time);
  }

  /** Minute, second and frame, a byte each. */
  private static int time(long block) {
    long frames = block + PREGAP;
    return (int) (frames / 75 / 60 << 16 | frames / 75 % 60 << 8 | frames % 75);
  }

  private static byte[] sized(ByteBuffer reply) {
    reply.putShort(0, (short) (reply.position() - 2));
    return Arrays.copyOf(reply.array(), reply.position());
  }

  /** READ DISC INFORMATION: complete, finalized, for unrestricted use (6.22.3.1). */
  static byte[] information() {
    byte[] reply = new byte[34];
    reply[1] = 32;
    reply[2] = 0x0E;
    reply[3] = 1;
    reply[4] = 1;
    reply[5] = 1;
    reply[6] = 1;
    reply[7] = 0x20;
    return reply;
  }

  private int profile() {
    return blocks == 0 ? 0 : blocks > CD_BLOCKS ? DVD_ROM : CD_ROM;
  }

  private record Feature(int code, int versionPersistentCurrent, byte... data) {}

  private List<Feature> features() {
    byte dvd = (byte) (profile() == DVD_ROM ? 1 : 0);
    byte cd = (byte) (profile() == CD_ROM ? 1 : 0);
    int medium = blocks == 0 ? 0 : 1;
    return List.of(
        new Feature(
            0x0000,
            3,
            (byte) 0,
            (byte) DVD_ROM,
            dvd,
            (byte) 0,
            (byte) 0,
            (byte) CD_ROM,
            cd,
            (byte) 0),
        // Core: ATAPI
        new Feature(
            0x0001, 0x0B, (byte) 0, (byte) 0, (byte) 0, (byte) 2, (byte) 1, (byte) 0, (byte) 0,
            (byte) 0),
        // Removable medium: a tray that can be locked and opens
        new Feature(0x0003, 3, (byte) 0x29, (byte) 0, (byte) 0, (byte) 0),
        // Random readable: blocks of 2048 bytes, one by one
        new Feature(
            0x0010, medium, (byte) 0, (byte) 0, (byte) 8, (byte) 0, (byte) 0, (byte) 1, (byte) 0,
            (byte) 0),
        new Feature(0x001E, 8 | cd, (byte) 0, (byte) 0, (byte) 0, (byte) 0),
        new Feature(0x001F, dvd));
  }

  /**
   * GET CONFIGURATION (6.6).
   *
   * @param which 0 all features from the first one on, 1 those that are current, 2 only that one
   */
  byte[] configuration(int which, int first) {
    ByteArrayOutputStream chosen = new ByteArrayOutputStream();
    for (Feature feature : features()) {
      boolean wanted = which == 2 ? feature.code == first : feature.code >= first;
      if (wanted && (which != 1 || (feature.versionPersistentCurrent & 1) != 0)) {
        chosen.write(feature.code >> 8);
        chosen.write(feature.code);
        chosen.write(feature.versionPersistentCurrent);
        chosen.write(feature.data.length);
        chosen.writeBytes(feature.data);
      }
    }
    return ByteBuffer.allocate(8 + chosen.size())
        .putInt(4 + chosen.size())
        .putInt(profile())
        .put(chosen.toByteArray())
        .array();
  }
}
