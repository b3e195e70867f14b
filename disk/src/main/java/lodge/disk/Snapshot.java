package lodge.disk;

import java.time.Duration;
import java.time.Instant;

/**
 * What a disk was like at a moment, kept in the same image.
 *
 * @param id a number that QEMU gives, unique in the image
 * @param name chosen by people
 * @param diskSize in bytes, at that time
 * @param vmStateSize in bytes, of the memory and devices of a machine that are kept with it; 0 for
 *     the disk alone
 * @param vmClock how long that machine had run
 */
public record Snapshot(
    String id, String name, Instant created, long diskSize, long vmStateSize, Duration vmClock) {}
