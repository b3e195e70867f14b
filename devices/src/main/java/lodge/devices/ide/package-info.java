/**
 * Parallel ATA: the IDE interface of the 82371SB (PIIX3) with hard disks (ATA/ATAPI-6) and CD-ROM
 * drives (ATA/ATAPI-6 PACKET commands, MMC-6).
 *
 * <pre>
 *   IdeController --- 2 IdeChannel --- 2 IdeDrive (AtaDisk, CdRom) --- DataTransfer --- BlockBackend
 *                           \-- BusMaster ------------------------------/
 * </pre>
 *
 * <p>A channel guards itself and all that hangs on it. Backends are called by a thread of their
 * own, one for each drive, with no lock held: meanwhile the drive is busy. A reset abandons what is
 * under way: it comes to its end, but nothing of it reaches the guest any more.
 */
package lodge.devices.ide;
