package lodge.devices.virtio;

/** What a guest tells about its memory (virtio 1.3, 5.5.6.4), in the order of the tags. */
public enum BalloonStatistic {
  /** Bytes swapped in. */
  SWAP_IN,
  /** Bytes swapped out. */
  SWAP_OUT,
  MAJOR_FAULTS,
  MINOR_FAULTS,
  /** Bytes that are used for nothing. */
  FREE_MEMORY,
  /** Bytes that the guest has to use. */
  TOTAL_MEMORY,
  /** Bytes that could be had without swapping. */
  AVAILABLE_MEMORY,
  /** Bytes of file contents that could be given up. */
  DISK_CACHES,
  /** Huge pages that were allocated. */
  HUGE_PAGES_ALLOCATED,
  /** Huge pages that could not be allocated. */
  HUGE_PAGE_FAILURES
}
