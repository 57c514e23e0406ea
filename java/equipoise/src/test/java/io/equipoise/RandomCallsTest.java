package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Any order of calls with any arguments gives results that are in order, or an exception with a code. */
class RandomCallsTest {
  private static final int CALLS = Soak.times(200_000);
  private static final float[] NUMBERS = {
    0f, -0f, 1f, 0.25f, 3e-42f, 1e12f, -1f, 1e13f, -1e13f, Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN
  };

  private final Random random = new Random(17);

  /** Mostly a good number, sometimes any. */
  private float number() {
    return random.nextInt(200) == 0 ? NUMBERS[random.nextInt(NUMBERS.length)] : random.nextFloat();
  }

  private int index(int n) {
    switch (random.nextInt(60)) {
      case 0:
        return -1;
      case 1:
        return n;
      case 2:
        return Integer.MAX_VALUE - random.nextInt(3);
      case 3:
        return Integer.MIN_VALUE + random.nextInt(3);
      default:
        return random.nextInt(Math.max(1, n));
    }
  }

  private float[] floats(int n) {
    float[] out = new float[Math.max(0, random.nextInt(20) == 0 ? n + 1 : n)];
    for (int i = 0; i < out.length; i++) {
      out[i] = random.nextInt(20) == 0 ? number() : random.nextFloat();
    }
    return random.nextInt(100) == 0 ? null : out;
  }

  private int row(Policy p) {
    switch (random.nextInt(200)) {
      case 0:
        return random.nextInt();
      case 1:
        return Policy.UNKNOWN;
      case 2:
        return Policy.ORGANIC;
      default:
        return p.row(random.nextBoolean() ? "campaign-17" : Policies.shared(random.nextInt(Policies.SHARED)));
    }
  }

  private int[] rows(Policy p, int n) {
    int[] out = new int[Math.max(0, random.nextInt(20) == 0 ? n + 1 : n)];
    for (int i = 0; i < out.length; i++) {
      out[i] = row(p);
    }
    return random.nextInt(100) == 0 ? null : out;
  }

  @Test
  void resultsOrCodes() {
    Policy[] policies = {Policies.load("example"), Policies.load("permuted-0"), Policies.load("permuted-5"), Policy.empty()};
    int scored = 0;
    int refused = 0;
    try (Scorer scorer = Scorer.of(policies[0])) {
      Workspace ws = scorer.newWorkspace(4);
      Policy p = policies[0];
      int n = 0;
      for (int call = 0; call < CALLS; call++) {
        try {
          switch (random.nextInt(24)) {
            case 0:
              Policy next = policies[random.nextInt(policies.length)];
              int wanted = index(random.nextInt(10) == 0 ? 500 : 12);
              ws.begin(next, wanted);
              p = next;
              n = wanted;
              break;
            case 1:
              ws.market(index(3));
              break;
            case 2:
              ws.market(random.nextBoolean() ? "SE" : null).surface(random.nextBoolean() ? "radio" : "\ud800");
              break;
            case 3:
              ws.time(random.nextLong()).key(random.nextLong());
              break;
            case 4:
              ws.slots(index(5));
              break;
            case 5:
              ws.reference(number());
              break;
            case 6:
              ws.organic(index(n), number());
              break;
            case 7:
              ws.organic(floats(n));
              break;
            case 8:
              ws.organic(index(n), floats(n), index(n), index(n));
              break;
            case 9:
              ws.organic().put(0, number());
              break;
            case 10:
              ws.campaign(index(n), row(p));
              break;
            case 11:
              ws.campaign(rows(p, n));
              break;
            case 12:
              ws.campaign().put(0, row(p));
              break;
            case 13:
              ws.item(index(n), index(n));
              break;
            case 14:
              ws.item().put(0, random.nextInt());
              break;
            case 15:
              ws.measure(index(n), index(3), number());
              break;
            case 16:
              ws.measure(index(3), floats(n));
              break;
            case 17:
              ws.measure(index(3), index(n), floats(n), index(n), index(n));
              break;
            case 18:
              ws.measure(index(3)).put(0, number());
              break;
            case 19:
              ws.promotionScores(floats(n));
              break;
            case 20:
              ws.explain(index(n));
              break;
            case 21:
              ws.pick(index(3));
              ws.position(index(3));
              break;
            default:
              ws.score();
              check(ws, n);
              scored++;
          }
        } catch (EquipoiseException e) {
          assertTrue(e instanceof InvalidInputException || e instanceof UsageException, e.toString());
          refused++;
        }
      }
    }
    assertTrue(scored > CALLS / 100 && refused > CALLS / 100, scored + " scored, " + refused + " refused");
    System.out.println("executed " + CALLS + " calls: " + scored + " scores, " + refused + " refusals");
  }

  private static void check(Workspace ws, int n) {
    for (int i = 0; i < n; i++) {
      assertTrue(Float.isFinite(ws.promotionScore(i)), ws.reason(i));
    }
    int place = 0;
    for (int k = 0; k < ws.picks(); k++) {
      assertTrue(ws.position(k) > place && ws.reason(ws.pick(k)).equals("picked"));
      assertTrue(ws.promotionScore(ws.pick(k)) > 0);
      place = ws.position(k);
    }
  }
}
