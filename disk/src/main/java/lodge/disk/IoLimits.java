package lodge.disk;

/**
 * How fast a disk may be, as QEMU's {@code throttling} options say it: averages, and bursts above
 * them. 0 stands for no limit.
 *
 * @param bps bytes a second, read and written
 * @param iops requests a second
 * @param bpsMax bytes that may come at once after a pause; 0 for a tenth of a second's
 * @param iopsMax requests that may come at once after a pause; 0 for a tenth of a second's
 */
public record IoLimits(long bps, long iops, long bpsMax, long iopsMax) {
  public static final IoLimits NONE = new IoLimits(0, 0, 0, 0);

  public IoLimits {
    if (Math.min(Math.min(bps, iops), Math.min(bpsMax, iopsMax)) < 0) {
      throw new IllegalArgumentException("limits are not negative");
    }
    if ((bps == 0 && bpsMax != 0) || (iops == 0 && iopsMax != 0)) {
      throw new IllegalArgumentException("a burst needs the limit that it goes beyond");
    }
  }
}
