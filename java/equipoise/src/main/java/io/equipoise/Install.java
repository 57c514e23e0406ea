package io.equipoise;

/** How {@link Scorer#install(Policy, Install...)} judges a policy; without any of these it is checked in the usual way. */
public enum Install {
  /** Install whatever is a policy: stale, foreign, older or worse. */
  FORCE(Native.FORCE),
  /** Want the policy's parent to be the live policy, where that holds any campaign. */
  SUCCESSOR(Native.SUCCESSOR);

  private final int flag;

  Install(int flag) {
    this.flag = flag;
  }

  static int flags(Install[] all) {
    int flags = 0;
    for (Install one : all) {
      flags |= one.flag;
    }
    return flags;
  }
}
