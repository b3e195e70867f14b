package lodge.devices.ide;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** What a CD-ROM drive tells of itself (MMC-6, 6 and 7). */
final class DriveReplies {
  static final int MEDIA_CLASS = 4;
  private static final int NO_EVENT_AVAILABLE = 0x80;

  private static final int ALL = 0x3F;
  private static final int HEADER = 8;

  /** Kilobytes a second, as a drive of speed 4 has. */
  private static final int SPEED = 706;

  private static final int BUFFER_KILOBYTES = 512;

  /**
   * Read/write error recovery; C/DVD capabilities: reads CD-R and all kinds of DVD, locks, ejects.
   */
  private static final List<int[]> PAGES =
      List.of(
          new int[] {0x01, 0x06, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00},
          new int[] {
            0x2A,
            0x12,
            0x3B,
            0x00,
            0x70,
            0x60,
            0x29,
            0x00,
            SPEED >> 8,
            SPEED & 0xFF,
            0x00,
            0x02,
            BUFFER_KILOBYTES >> 8,
            0x00,
            SPEED >> 8,
            SPEED & 0xFF,
            0x00,
            0x00,
            0x00,
            0x00
          });

  private DriveReplies() {}

  /** INQUIRY: a CD-ROM drive with a removable medium. */
  static byte[] inquiry() {
    byte[] reply = new byte[36];
    Arrays.fill(reply, 8, 36, (byte) ' ');
    reply[0] = 5;
    reply[1] = (byte) 0x80;
    reply[3] = 0x21;
    reply[4] = 31;
    put(reply, 8, "LODGE");
    put(reply, 16, "CD-ROM");
    put(reply, 32, "1.0");
    return reply;
  }

  private static void put(byte[] reply, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, reply, at, bytes.length);
  }

  /** MECHANISM STATUS: idle, one slot. */
  static byte[] mechanism(boolean open) {
    return new byte[] {0, (byte) (open ? 0x10 : 0), 0, 0, 0, 1, 0, 0};
  }

  /** GET EVENT STATUS NOTIFICATION: what there is of the media class. */
  static byte[] mediaEvent(int event, boolean open, boolean present) {
    int status = (present ? 2 : 0) | (open ? 1 : 0);
    return new byte[] {0, 6, MEDIA_CLASS, 1 << MEDIA_CLASS, (byte) event, (byte) status, 0, 0};
  }

  /** Likewise when other classes are asked for. */
  static byte[] noEvent() {
    return new byte[] {0, 2, (byte) NO_EVENT_AVAILABLE, 1 << MEDIA_CLASS};
  }

  /**
   * MODE SENSE(10). Nothing of it can be changed.
   *
   * @param page its code, or all
   * @param changeable whether a mask of what can be changed is wanted instead
   * @param mediumType as the header says it
   * @return null when there is no such page
   */
  static byte[] modePages(int page, boolean changeable, int mediumType) {
    ByteArrayOutputStream pages = new ByteArrayOutputStream();
    for (int[] bytes : PAGES) {
      if (page == ALL || page == bytes[0]) {
        for (int i = 0; i < bytes.length; i++) {
          pages.write(changeable && i >= 2 ? 0 : bytes[i]);
        }
      }
    }
    if (pages.size() == 0) {
      return null;
    }
    byte[] reply = new byte[HEADER + pages.size()];
    int length = reply.length - 2;
    reply[0] = (byte) (length >> 8);
    reply[1] = (byte) length;
    reply[2] = (byte) mediumType;
    System.arraycopy(pages.toByteArray(), 0, reply, HEADER, pages.size());
    return reply;
  }
}
