//! How often a counted test runs: its quick count in every run, times `EQUIPOISE_SOAK` in `scripts/soak`.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

/// `quick` times `EQUIPOISE_SOAK`, which is 1 where it is not set.
pub fn times(quick: usize) -> usize {
    quick * std::env::var("EQUIPOISE_SOAK").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1)
}
