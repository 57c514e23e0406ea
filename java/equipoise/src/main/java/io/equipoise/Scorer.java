package io.equipoise;

import java.lang.System.Logger.Level;

/**
 * The current policy of a service, and workspaces to score with. Safe to use from any thread; {@link #install} swaps the policy while
 * others score.
 */
public final class Scorer implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger("io.equipoise");
  /** Candidates that a borrowed workspace has room for at first. */
  private static final int BORROWED_CAPACITY = 1024;
  private static final int WARM_UP_REQUESTS = 20_000;
  private static final int WARM_UP_CANDIDATES = 16;

  private final Pool pool = new Pool(4 * Math.max(4, Runtime.getRuntime().availableProcessors()));
  /** Null once closed. */
  private volatile Policy policy;

  private Scorer(Policy policy) {
    this.policy = policy;
  }

  /**
   * A scorer that serves a policy.
   *
   * @param policy the policy
   * @return the scorer
   */
  public static Scorer of(Policy policy) {
    requirePolicy(policy);
    return new Scorer(policy);
  }

  /**
   * A scorer without a policy: every campaign is unknown, every request stays in organic order.
   *
   * @return the scorer
   */
  public static Scorer empty() {
    return new Scorer(Policy.empty());
  }

  private static void requirePolicy(Policy policy) {
    if (policy == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "policy", -1, "is null, wanted a policy");
    }
  }

  void requireOpen() {
    if (policy == null) {
      throw EquipoiseException.fault(UsageException.CLOSED, "scorer", -1, "is closed");
    }
  }

  /**
   * The current policy. Ask once per request and use it throughout: rows, scores and explanations of a request belong to one policy.
   *
   * @return the policy installed last
   * @throws UsageException if the scorer is closed
   */
  public Policy policy() {
    Policy current = policy;
    if (current == null) {
      requireOpen();
    }
    return current;
  }

  /**
   * Makes {@code next} the current policy. Requests that have begun go on with theirs.
   *
   * @param next the policy from now on
   * @throws UsageException if the scorer is closed
   */
  public void install(Policy next) {
    requirePolicy(next);
    synchronized (this) {
      requireOpen();
      policy = next;
    }
    LOGGER.log(Level.DEBUG, "policy {0} with {1} campaigns installed", next.id(), next.size());
  }

  /**
   * A workspace of the caller's own, to keep and reuse.
   *
   * @param n candidates that it has room for at first, from 0 to {@link Workspace#LIMIT}
   * @return a workspace
   * @throws UsageException if the scorer is closed
   */
  public Workspace newWorkspace(int n) {
    Policy current = policy();
    RequestBuffer.checkCount(n);
    return new Workspace(this, new RequestBuffer(current, n), false);
  }

  /**
   * A workspace for one use, given back by {@link Workspace#close}: for pools, virtual threads and coroutines.
   *
   * @return a workspace
   * @throws UsageException if the scorer is closed
   */
  public Workspace borrow() {
    Policy current = policy();
    RequestBuffer buffer = pool.take();
    return new Workspace(this, buffer == null ? new RequestBuffer(current, BORROWED_CAPACITY) : buffer, true);
  }

  /** Takes back the buffer of a workspace that was closed. */
  void close(RequestBuffer buffer, boolean borrowed) {
    if (borrowed && buffer.idle() && policy != null) {
      buffer.clear();
      if (pool.put(buffer)) {
        return;
      }
    }
    buffer.release();
  }

  /**
   * Scores some thousand small requests of no consequence, so that the first real ones find compiled code and touched memory. Takes some
   * hundredths of a second.
   *
   * @throws UsageException if the scorer is closed
   */
  public void warmUp() {
    Policy current = policy();
    int measures = current.measures().size();
    try (Workspace ws = borrow()) {
      for (int request = 0; request < WARM_UP_REQUESTS; request++) {
        ws.begin(current, WARM_UP_CANDIDATES).market(-1).surface(-1).time(0).slots(1).key(request).reference(0);
        for (int i = 0; i < WARM_UP_CANDIDATES; i++) {
          ws.organic(i, 0).campaign(i, -1);
          for (int j = 0; j < measures; j++) {
            ws.measure(i, j, 0);
          }
        }
        ws.score();
        for (int i = 0; i < WARM_UP_CANDIDATES; i++) {
          ws.promotionScore(i);
        }
      }
    }
  }

  /**
   * Ends the scorer: what is asked of it or begun on its workspaces later throws {@code usage.closed}. Scores under way are finished.
   * Closing twice does nothing.
   */
  @Override
  public synchronized void close() {
    policy = null;
    for (RequestBuffer buffer = pool.take(); buffer != null; buffer = pool.take()) {
      buffer.release();
    }
  }
}
