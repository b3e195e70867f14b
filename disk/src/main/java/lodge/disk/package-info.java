/**
 * Disk images. Each is a {@link lodge.core.BlockBackend}. Whatever is wrong with a file is told by
 * a {@link lodge.disk.DiskException}.
 *
 * <p>All methods of an image may be called from any thread. A thread that is interrupted while it
 * is inside closes the file, as {@link java.nio.channels.FileChannel} does.
 */
package lodge.disk;
