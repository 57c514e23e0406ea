import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Scores the demo's requests in a JVM and counts how many agree, bit for bit, with what Python found.
 *
 * <p>Run from source: {@code java -cp equipoise.jar:equipoise-native.jar ScoreRequests.java POLICY REQUESTS}. The file of requests is written
 * by {@code serving.py}, little-endian: the campaigns and the measures (each a count, then per name a length and UTF-8
 * bytes); the number of requests; then each request: key (i64), n (i32), organic scores (n f32), campaign numbers
 * (n i32, -1 for organic), amounts (n f32 per measure), and Python's answer: scores (n f32), the number of picks (i32),
 * picks and places (i32 each).
 */
public final class ScoreRequests {
  public static void main(String[] arguments) throws IOException {
    Policy policy = Policy.load(Path.of(arguments[0]));
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[1]))).order(ByteOrder.LITTLE_ENDIAN);
    String[] campaigns = names(file);
    String[] measures = names(file);
    int[] rows = new int[campaigns.length];
    policy.rows(campaigns, rows);
    int[] columns = new int[measures.length];
    for (int j = 0; j < measures.length; j++) {
      columns[j] = policy.measure(measures[j]);
    }

    int requests = file.getInt();
    int agree = 0;
    long candidates = 0;
    long agreeing = 0;
    try (Scorer scorer = Scorer.of(policy);
        Workspace workspace = scorer.newWorkspace(200)) {
      for (int r = 0; r < requests; r++) {
        long key = file.getLong();
        int n = file.getInt();
        workspace.begin(policy, n).key(key);
        for (int i = 0; i < n; i++) {
          workspace.organic(i, file.getFloat());
        }
        for (int i = 0; i < n; i++) {
          int campaign = file.getInt();
          workspace.campaign(i, campaign < 0 ? Policy.ORGANIC : rows[campaign]);
        }
        for (int column : columns) {
          for (int i = 0; i < n; i++) {
            workspace.measure(i, column, file.getFloat());
          }
        }
        workspace.score();

        boolean same = true;
        for (int i = 0; i < n; i++) {
          boolean equal = Float.floatToRawIntBits(workspace.promotionScore(i)) == file.getInt();
          agreeing += equal ? 1 : 0;
          same &= equal;
        }
        candidates += n;
        int picks = file.getInt();
        same &= picks == workspace.picks();
        for (int k = 0; k < picks; k++) {
          int pick = file.getInt();
          int place = file.getInt();
          same = same && workspace.pick(k) == pick && workspace.position(k) == place;
        }
        agree += same ? 1 : 0;
      }
    }
    System.out.printf(
        "{\"policy\": \"%s\", \"requests\": %d, \"agree\": %d, \"candidates\": %d, \"scores_agree\": %d}%n",
        policy.id(), requests, agree, candidates, agreeing);
  }

  private static String[] names(ByteBuffer file) {
    String[] names = new String[file.getInt()];
    for (int i = 0; i < names.length; i++) {
      byte[] bytes = new byte[file.getInt()];
      file.get(bytes);
      names[i] = new String(bytes, StandardCharsets.UTF_8);
    }
    return names;
  }

  private ScoreRequests() {}
}
