package lodge.disk;

/** What a check may change. */
public enum Repair {
  NOTHING,
  /** Clusters that nobody uses become free. */
  LEAKS,
  /** Refcounts and marks become what the tables say. */
  ALL
}
