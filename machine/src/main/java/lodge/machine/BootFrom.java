package lodge.machine;

/** From which drives firmware tries to boot first. Those of the other kind come behind them. */
public enum BootFrom {
  /** Hard disks, in the order in which they were added. */
  DISK,
  /** CD-ROM drives, likewise. */
  CDROM
}
