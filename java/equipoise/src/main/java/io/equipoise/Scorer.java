package io.equipoise;

import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The live policy of a service, with everything that outlives it: switches, breakers, counters; and workspaces to score with. Safe to use
 * from any thread. What is installed, switched or recorded while others score holds for every request that is scored after the call has
 * returned, on all threads.
 */
public final class Scorer implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger("io.equipoise");
  /** Candidates that a borrowed workspace has room for at first. */
  private static final int BORROWED_CAPACITY = 1024;
  private static final int WARM_UP_REQUESTS = 20_000;
  private static final int WARM_UP_CANDIDATES = 16;

  private final Pool pool = new Pool(4 * Math.max(4, Runtime.getRuntime().availableProcessors()));
  private final Handle handle;
  /** Null once closed. Changed together with the native scorer's, under this object's lock. */
  private volatile Policy policy;
  /** The thread that watches a file, null where none does. */
  private Watch watch;

  private Scorer(Policy policy, Switches switches) {
    this.handle = new Handle(this, create(policy, switches), Native::scorerRelease);
    this.policy = policy;
  }

  private static long create(Policy policy, Switches switches) {
    try {
      return Native.scorerNew(policy.raw(), Text.utf8(switches.toJson(), "switches", -1));
    } finally {
      Reference.reachabilityFence(policy);
    }
  }

  /**
   * A scorer that serves a policy, whatever its validity: past it, the organic order.
   *
   * @param policy the policy
   * @return the scorer
   */
  public static Scorer of(Policy policy) {
    return of(policy, Switches.none());
  }

  /**
   * A scorer with switches as they were before a restart.
   *
   * @param policy the policy
   * @param switches what is off
   * @return the scorer
   * @throws InvalidInputException if the switches' text is wrong
   */
  public static Scorer of(Policy policy, Switches switches) {
    requirePolicy(policy);
    requireGiven(switches, "switches");
    return new Scorer(policy, switches);
  }

  /**
   * A scorer without a policy: every campaign is unknown, every request stays in organic order.
   *
   * @return the scorer
   */
  public static Scorer empty() {
    return of(Policy.empty());
  }

  private static void requirePolicy(Policy policy) {
    if (policy == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "policy", -1, "is null, wanted a policy");
    }
  }

  private static void requireGiven(Object value, String argument) {
    if (value == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, argument, -1, "is null");
    }
  }

  void requireOpen() {
    if (policy == null) {
      throw EquipoiseException.fault(UsageException.CLOSED, "scorer", -1, "is closed");
    }
  }

  /**
   * The live policy. Ask once per request and use it throughout: rows, scores and explanations of a request belong to one policy.
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
   * Makes {@code next} the live policy. Requests that have begun go on with theirs; the policy before is kept, to roll back to. Installing
   * the live policy again changes nothing.
   *
   * @param next the policy from now on
   * @param how {@link Install#FORCE} to install it in any case, {@link Install#SUCCESSOR} to want it to come from the live one
   * @throws PolicyException with the live policy left as it is: {@code policy.stale} if its validity is over, {@code policy.foreign} if it
   *     is of another programme, {@code policy.older} if its epoch is smaller, {@code policy.worse} if it is less well certified
   * @throws UsageException if the scorer is closed
   */
  public void install(Policy next, Install... how) {
    requirePolicy(next);
    synchronized (this) {
      requireOpen();
      try {
        if (Native.scorerInstall(handle.raw, next.raw(), Install.flags(how)) != 0) {
          policy = next;
        }
      } finally {
        Reference.reachabilityFence(next);
      }
    }
    LOGGER.log(Level.DEBUG, "policy {0} with {1} campaigns installed", next.id(), next.size());
  }

  /**
   * Reads a policy file and installs it. Publish such a file by rename, so that it is never read half written.
   *
   * @param path a file of the default file system
   * @param how as for {@link #install(Policy, Install...)}
   * @return the live policy
   * @throws PolicyException as {@link #install(Policy, Install...)}, or if the file is not a policy that this version reads
   * @throws InvalidInputException if the file cannot be read
   * @throws UsageException if the scorer is closed
   */
  public Policy installFile(Path path, Install... how) {
    byte[] text = Text.ofPath(path);
    synchronized (this) {
      requireOpen();
      return take(Native.scorerInstallFile(handle.raw, text, Install.flags(how)));
    }
  }

  /**
   * Makes one of the {@linkplain #kept() kept} policies live again, older and worse though it may be.
   *
   * @param id the policy's {@link Policy#id}
   * @return the live policy
   * @throws PolicyException {@code policy.not_kept} if there is none of this id, {@code policy.stale} if its validity is over
   * @throws UsageException if the scorer is closed
   */
  public Policy rollback(String id) {
    byte[] text = Text.utf8(id, "id", -1);
    synchronized (this) {
      requireOpen();
      return take(Native.scorerRollback(handle.raw, text));
    }
  }

  /** Makes the native policy, 0 for no change, the live one here too. */
  private Policy take(long raw) {
    if (raw != 0) {
      policy = new Policy(raw);
      LOGGER.log(Level.DEBUG, "policy {0} with {1} campaigns installed", policy.id(), policy.size());
    }
    return policy;
  }

  /**
   * The policies that {@link #rollback} can go back to.
   *
   * @return ids, the latest first
   */
  public List<String> kept() {
    requireOpen();
    try {
      return List.of(Native.scorerKept(handle.raw));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Why the last install, rollback or look at a watched file failed.
   *
   * @return the refusal, or empty where none has failed since the last that did not
   */
  public Optional<EquipoiseException> lastRefusal() {
    requireOpen();
    try {
      String[] told = Native.scorerRefusal(handle.raw);
      return told.length == 0 ? Optional.empty() : Optional.of(EquipoiseException.of(told[0], "policy", -1, told[1]));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Watches a policy file from a daemon thread of its own, in place of any watched before: it is installed now, and whenever it changes.
   * What is refused is logged, counted and told by {@link #lastRefusal()}; the live policy stays. The thread ends with {@link #unwatch()},
   * {@link #close()}, or when nobody holds the scorer any more.
   *
   * @param path a file of the default file system; publish it by rename
   * @param interval from look to look
   * @param how as for {@link #install(Policy, Install...)}
   */
  public synchronized void watch(Path path, Duration interval, Install... how) {
    byte[] text = Text.ofPath(path);
    requireGiven(interval, "interval");
    requireOpen();
    unwatch();
    watch = new Watch(this, text, Install.flags(how), interval);
  }

  /** Watches no file any more. */
  public synchronized void unwatch() {
    if (watch != null) {
      watch.stop();
      watch = null;
    }
  }

  /** Looks at a watched file once; false if the scorer is closed. */
  synchronized boolean poll(long file) {
    if (policy == null) {
      return false;
    }
    try {
      take(Native.watchPoll(file, handle.raw));
    } catch (EquipoiseException refused) {
      LOGGER.log(Level.WARNING, "policy not installed: {0}", refused.getMessage());
    }
    return true;
  }

  /**
   * Switches promotion off, for every request scored after this call has returned: their organic order stays, with the reason
   * {@code switched_off}. Switches survive installs; {@link #switches()} is what to keep for a restart.
   *
   * <p>A market or surface that the live policy does not know is one of the unknown ones: while it is off, so are all requests whose market
   * (or surface) is unknown or not given. {@link #unmatchedSwitches()} lists such switches.
   *
   * @param scope what is switched
   * @param id of which; empty for {@link Scope#ALL}
   * @return whether it was on
   */
  public boolean switchOff(Scope scope, String id) {
    return flip(scope, id, 0);
  }

  /**
   * Switches promotion on again; other switches that cover it still count.
   *
   * @param scope what is switched
   * @param id of which; empty for {@link Scope#ALL}
   * @return whether it was off
   */
  public boolean switchOn(Scope scope, String id) {
    return flip(scope, id, 1);
  }

  private boolean flip(Scope scope, String id, int on) {
    requireGiven(scope, "scope");
    requireOpen();
    try {
      return Native.scorerSwitch(handle.raw, scope.ordinal(), Text.utf8(id, "id", -1), on) != 0;
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * What is switched off.
   *
   * @return the switches of this moment
   */
  public Switches switches() {
    requireOpen();
    try {
      return Switches.fromJson(Native.scorerSwitches(handle.raw));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Takes over all switches, in place of those that were.
   *
   * @param switches what is off
   * @throws InvalidInputException if the switches' text is wrong; nothing is then changed
   */
  public void setSwitches(Switches switches) {
    requireGiven(switches, "switches");
    requireOpen();
    try {
      Native.scorerSetSwitches(handle.raw, Text.utf8(switches.toJson(), "switches", -1));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Switches that are off and name nothing that the live policy knows: not yet there, or misspelt.
   *
   * @return {@code market=XX}, one each
   */
  public List<String> unmatchedSwitches() {
    requireOpen();
    String[] told;
    try {
      told = Native.scorerUnmatched(handle.raw);
    } finally {
      Reference.reachabilityFence(this);
    }
    List<String> unmatched = new ArrayList<>();
    for (int i = 0; i < told.length; i += 2) {
      unmatched.add(told[i] + "=" + told[i + 1]);
    }
    return List.copyOf(unmatched);
  }

  /**
   * Gives every campaign without a breaker of its own this one.
   *
   * @param rule the rule, or null for none
   * @throws InvalidInputException if a number of the rule is out of range; nothing is then changed
   */
  public void setBreaker(Breaker rule) {
    breaker(null, rule);
  }

  /**
   * Gives a campaign a breaker of its own.
   *
   * @param campaign its id
   * @param rule the rule, or null for that of all others
   * @throws InvalidInputException if a number of the rule is out of range; nothing is then changed
   */
  public void setBreaker(String campaign, Breaker rule) {
    breaker(Text.utf8(campaign, "campaign", -1), rule);
  }

  private void breaker(byte[] campaign, Breaker rule) {
    requireOpen();
    try {
      Native.scorerSetBreaker(handle.raw, campaign, rule == null ? null : Text.utf8(rule.toJson(), "breaker", -1));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Counts listeners' responses to a campaign, now by the clock.
   *
   * @param campaign its id
   * @param events how often it was shown
   * @param responses how many of those were bad, by the measure of its breaker
   * @return how its breaker stands then; empty where it has none, or no policy (live or kept) knows it
   * @throws InvalidInputException if there are more responses than events
   */
  public Optional<BreakerState> recordResponse(String campaign, long events, long responses) {
    return record(campaign, events, responses, 0, 0);
  }

  /**
   * Counts listeners' responses to a campaign at a given time.
   *
   * @param campaign its id
   * @param events how often it was shown
   * @param responses how many of those were bad, by the measure of its breaker
   * @param epochMicros microseconds since 1970 UTC
   * @return how its breaker stands then; empty where it has none, or no policy (live or kept) knows it
   * @throws InvalidInputException if there are more responses than events
   */
  public Optional<BreakerState> recordResponse(String campaign, long events, long responses, long epochMicros) {
    return record(campaign, events, responses, 1, epochMicros);
  }

  private Optional<BreakerState> record(String campaign, long events, long responses, int timed, long now) {
    byte[] id = Text.utf8(campaign, "campaign", -1);
    requireOpen();
    try {
      int state = Native.scorerRecord(handle.raw, id, events, responses, timed, now);
      return state < 0 ? Optional.empty() : Optional.of(BreakerState.values()[state]);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Resets a campaign's breaker by hand.
   *
   * @param campaign its id
   * @return whether it had been tripped
   */
  public boolean resetBreaker(String campaign) {
    byte[] id = Text.utf8(campaign, "campaign", -1);
    requireOpen();
    try {
      return Native.scorerResetBreaker(handle.raw, id) != 0;
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * The rules of breakers and how every campaign stands, to be kept for a restart.
   *
   * @return one JSON object: {@code every}, {@code own}, {@code accounts}
   */
  public String breakers() {
    requireOpen();
    try {
      return Native.scorerBreakers(handle.raw);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Takes over rules and accounts, in place of those that were.
   *
   * @param json what {@link #breakers()} gave
   * @throws InvalidInputException if the text is wrong; nothing is then changed
   */
  public void setBreakers(String json) {
    byte[] text = Text.utf8(json, "breakers", -1);
    requireOpen();
    try {
      Native.scorerSetBreakers(handle.raw, text);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Times one request in so many; a timed request reads a clock twice.
   *
   * @param every rounded up to a power of two, 64 at first; 0 times none
   */
  public void timeEvery(int every) {
    requireOpen();
    try {
      Native.scorerTimeEvery(handle.raw, every);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Every number of {@link Metrics#series()} at this moment, by one native call of a few microseconds.
   *
   * @return the numbers
   */
  public Metrics metrics() {
    requireOpen();
    try {
      return Metrics.of(handle.raw);
    } finally {
      Reference.reachabilityFence(this);
    }
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
    return new Workspace(this, new RequestBuffer(handle.raw, current, n), false);
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
    return new Workspace(this, buffer == null ? new RequestBuffer(handle.raw, current, BORROWED_CAPACITY) : buffer, true);
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
    unwatch();
    handle.release();
    for (RequestBuffer buffer = pool.take(); buffer != null; buffer = pool.take()) {
      buffer.release();
    }
  }
}
