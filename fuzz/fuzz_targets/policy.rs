//! A policy file of any bytes is refused with a code of its own, or is a policy whose bytes are those given and which scores.
#![no_main]

use equipoise::policy::{ORGANIC, Policy};
use equipoise::score::{Measures, Request, Workspace};
use libfuzzer_sys::fuzz_target;

/// As [`read`]; where the digest is what stands in the way, with a digest that fits, so that what lies behind it is reached.
fn try_sealed(bytes: &[u8]) {
    let Some(body) = bytes.len().checked_sub(96) else { return };
    let mut sealed = bytes.to_vec();
    let digest = equipoise_digest(&bytes[..body]);
    sealed[body..body + 32].copy_from_slice(&digest);
    read(&sealed);
}

fn equipoise_digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn read(bytes: &[u8]) {
    let policy = match Policy::from_bytes(bytes) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(error.code().starts_with("policy."), "{error}");
            return;
        }
    };
    assert_eq!(policy.to_bytes(), bytes);
    let mut rows: Vec<u32> = policy.campaigns().take(64).map(|campaign| policy.row(campaign.id)).collect();
    rows.push(ORGANIC);
    let (n, m) = (rows.len(), policy.measures().len());
    let (values, organic) = (vec![0.5; n * m], vec![0.25; n]);
    let request = Request::new(&rows, Measures::Columns { values: &values, stride: n });
    let request = Request { organic: Some(&organic), reference: Some(1.0), time: Some(0), ..request };
    let mut workspace = Workspace::default();
    // What a slate may want besides is missing here; then that is said.
    if let Ok(decision) = policy.score(&request, &mut workspace) {
        assert!(decision.scores().iter().all(|score| score.is_finite()));
        assert!(decision.picks().iter().all(|pick| decision.scores()[*pick as usize] > 0.0));
        for i in 0..n {
            let why = decision.explain(i).expect("a candidate of the request");
            assert_eq!(why.terms.iter().fold(0.0, |sum, term| sum + term.amount), f64::from(decision.scores()[i]));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    try_sealed(bytes);
});
