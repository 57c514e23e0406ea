/**
 * Promotion scoring for JVM services: load a policy file, score 50 to 2,000 candidates per request on every thread, swap policies
 * while serving.
 *
 * <p>A {@link io.equipoise.Scorer} holds the current {@link io.equipoise.Policy}; a {@link io.equipoise.Workspace} holds one request at
 * a time, in direct memory that the JVM owns, and is reused. One score is one native call and allocates no Java object. Every failure is
 * an {@link io.equipoise.EquipoiseException} with a stable code; nothing a caller does crashes the process.
 *
 * <pre>{@code
 * try (Scorer scorer = Scorer.of(Policy.load(Path.of("policy.safetensors")))) {
 *   Workspace ws = scorer.newWorkspace(2000);
 *   Policy p = scorer.policy();
 *   int row = p.row("campaign-17");
 *   ws.begin(p, 1).market("SE").surface("radio").slots(1).key(42).reference(0.41f);
 *   ws.organic(0, 0.73f).campaign(0, row).measure(0, p.measure("stream"), 0.12f);
 *   ws.score();
 *   float s = ws.promotionScore(0);
 * }
 * }</pre>
 */
package io.equipoise;
