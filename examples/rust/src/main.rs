//! Scores one request with the policy file that examples/python/quickstart.py plans, and prints the score of "embers".

use equipoise::score::{Measures, ORGANIC};
use equipoise::{Policy, Request, Workspace};

fn main() -> equipoise::Result<()> {
    let policy = Policy::load("policy.safetensors")?;
    let campaign = [policy.row("embers"), ORGANIC];
    // One column per measure of the policy; the empty one is displacement, found from organic scores and reference.
    let measures = Measures::Slices { columns: &[&[0.4, 0.3], &[]], offset: 0 };
    let mut request = Request::new(&campaign, measures);
    request.organic = Some(&[0.55, 0.70]);
    request.reference = Some(0.60);
    request.slots = Some(1);
    request.key = 42;
    let mut workspace = Workspace::with_capacity(2000);
    let decision = policy.score(&request, &mut workspace)?;
    println!("{} at place {}", decision.scores()[0], decision.positions()[0]);
    Ok(())
}
