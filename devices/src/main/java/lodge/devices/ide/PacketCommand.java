package lodge.devices.ide;

import static lodge.devices.ide.PacketCommand.Trait.ANY_TIME;
import static lodge.devices.ide.PacketCommand.Trait.MEDIUM;

import java.util.EnumSet;
import java.util.Set;

/** The packet commands of a CD-ROM drive (MMC-6, 6). */
enum PacketCommand {
  TEST_UNIT_READY(0x00, MEDIUM),
  REQUEST_SENSE(0x03, ANY_TIME),
  INQUIRY(0x12, ANY_TIME),
  START_STOP_UNIT(0x1B),
  PREVENT_ALLOW_MEDIUM_REMOVAL(0x1E),
  READ_CAPACITY(0x25, MEDIUM),
  READ_10(0x28, MEDIUM),
  SEEK_10(0x2B, MEDIUM),
  READ_TOC(0x43, MEDIUM),
  GET_CONFIGURATION(0x46, ANY_TIME),
  GET_EVENT_STATUS_NOTIFICATION(0x4A, ANY_TIME),
  READ_DISC_INFORMATION(0x51, MEDIUM),
  MODE_SENSE_10(0x5A),
  READ_12(0xA8, MEDIUM),
  SET_CD_SPEED(0xBB),
  MECHANISM_STATUS(0xBD);

  /** What is so with a command. */
  enum Trait {
    /** It fails without a medium. */
    MEDIUM,
    /** It is executed even if there is a unit attention to tell. */
    ANY_TIME
  }

  private final int code;
  private final Set<Trait> traits = EnumSet.noneOf(Trait.class);

  PacketCommand(int code, Trait... traits) {
    this.code = code;
    this.traits.addAll(Set.of(traits));
  }

  boolean needsMedium() {
    return traits.contains(MEDIUM);
  }

  boolean ignoresAttention() {
    return traits.contains(ANY_TIME);
  }

  /** The command of this code, or null. */
  static PacketCommand of(int code) {
    for (PacketCommand command : values()) {
      if (command.code == code) {
        return command;
      }
    }
    return null;
  }
}
