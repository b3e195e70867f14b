package lodge.cli.guest;

import java.nio.file.Path;

/**
 * A guest that is ready to boot.
 *
 * @param name its recipe's name
 * @param kernel the kernel image
 * @param initrd the initial RAM disk
 * @param append the kernel's command line
 * @param memory RAM in bytes
 */
public record Guest(String name, Path kernel, Path initrd, String append, long memory) {}
