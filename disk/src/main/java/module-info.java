/**
 * Disk images in files: raw and qcow2, read, written, made and checked; VDI, VMDK, VHD and VHDX,
 * read; converted and compared.
 *
 * <p>With native access enabled for this module, space that is no longer needed goes back to the
 * host's file system. Images that are compressed with Zstandard need a library that lets the JVM
 * warn of its use of memory, unless that is started with {@code
 * --sun-misc-unsafe-memory-access=allow}.
 */
@SuppressWarnings("requires-automatic")
module lodge.disk {
  requires transitive lodge.core;
  requires aircompressor.v3;
  requires jdk.unsupported; // O_DIRECT; and aircompressor finds sun.misc.Unsafe there

  exports lodge.disk;
}
