/**
 * Disk images. Each is a {@link lodge.core.BlockBackend}. Whatever is wrong with a file is told by
 * a {@link lodge.disk.DiskException}.
 *
 * <pre>
 *   RawImage ------------------------------------------> ImageFile --> the host's file
 *
 *   Qcow2Image --> Qcow2Content --> Qcow2Metadata --> ClusterMap (L1, L2) -- TableCache
 *     |             |  |                \--------> Refcounts -- TableCache
 *     |             |  \--> ClusterReader --> CompressedClusters
 *     |             \-----> Qcow2Resize          all of these --> ImageFile
 *     \--------> BackingChain --> another image
 *
 *   BlockImage --> BlockLayout: VDI, VMDK, VHD, VHDX --> TablePages --> ImageFile
 *
 *   Conversion --> ReadAhead --> any image
 *       \--------> RawWriter, Qcow2Writer --> NewFile
 * </pre>
 *
 * <p>All methods of an image may be called from any thread, and requests overlap. A thread that is
 * interrupted while it is inside closes the file, as {@link java.nio.channels.FileChannel} does.
 */
package lodge.disk;
