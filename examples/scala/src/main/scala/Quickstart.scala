import io.equipoise.{Policy, Scorer}
import java.nio.file.Path
import scala.util.Using

/** Scores one request with the policy file that examples/python/quickstart.py plans, and prints the score of "embers". */
@main def quickstart(): Unit =
  Using.resource(Scorer.of(Policy.load(Path.of("policy.safetensors")))) { scorer =>
    val policy = scorer.policy()
    val stream = policy.measure("stream")
    val request = scorer.newWorkspace(2000)
    request.begin(policy, 2).slots(1).key(42L).reference(0.60f)
    request.organic(0, 0.55f).campaign(0, policy.row("embers")).measure(0, stream, 0.4f)
    request.organic(1, 0.70f).campaign(1, Policy.ORGANIC).measure(1, stream, 0.3f)
    request.score()
    println(s"${request.promotionScore(0)} at place ${request.position(0)}")
  }
