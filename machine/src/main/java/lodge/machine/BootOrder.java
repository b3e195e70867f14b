package lodge.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The drives as firmware is told to try them: each by its path from the PCI bus on (IEEE 1275, as
 * QEMU writes it into fw_cfg's file {@code bootorder}).
 */
final class BootOrder {
  private BootOrder() {}

  static List<String> of(List<Drive> drives, BootFrom first) {
    List<String> disks = new ArrayList<>();
    List<String> discs = new ArrayList<>();
    int slot = PciSlots.FIRST;
    int position = 0;
    for (Drive drive : drives) {
      switch (drive.kind()) {
        case VIRTIO_DISK -> disks.add("/pci@i0cf8/scsi@%x/disk@0,0".formatted(slot++));
        case IDE_DISK -> disks.add(ide(position++));
        case IDE_CDROM -> discs.add(ide(position++));
      }
    }
    return switch (first) {
      case DISK -> Stream.of(disks, discs).flatMap(List::stream).toList();
      case CDROM -> Stream.of(discs, disks).flatMap(List::stream).toList();
    };
  }

  /**
   * @param position 0 primary master, 1 primary slave, 2 secondary master, 3 secondary slave
   */
  private static String ide(int position) {
    return "/pci@i0cf8/ide@%x,%x/drive@%x/disk@%x"
        .formatted(Board.ISA_BRIDGE_SLOT, Board.IDE_FUNCTION, position / 2, position % 2);
  }
}
