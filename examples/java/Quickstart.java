import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import java.nio.file.Path;

/** Scores one request with the policy file that examples/python/quickstart.py plans, and prints the score of "embers". */
final class Quickstart {
    public static void main(String[] arguments) {
        try (Scorer scorer = Scorer.of(Policy.load(Path.of("policy.safetensors")))) {
            Policy policy = scorer.policy();
            int stream = policy.measure("stream");
            Workspace request = scorer.newWorkspace(2000);
            request.begin(policy, 2).slots(1).key(42L).reference(0.60f);
            request.organic(0, 0.55f).campaign(0, policy.row("embers")).measure(0, stream, 0.4f);
            request.organic(1, 0.70f).campaign(1, -1).measure(1, stream, 0.3f);
            request.score();
            System.out.println(request.promotionScore(0) + " at place " + request.position(0));
        }
    }
}
