//! What a caller may choose about a plan.

use crate::model::Opportunities;
use crate::plan::Plan;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What to do with candidates whose campaign the table lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// An error that names the first 20.
    #[default]
    Error,
    /// Treat them as organic.
    Organic,
}

/// What a running plan reports after each pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Passes so far.
    pub passes: f64,
    /// Best bound so far.
    pub upper_bound: f64,
    /// Best certified value so far; `-inf` before the first.
    pub value: f64,
    /// Gap so far; infinite before the first certificate.
    pub gap: f64,
    /// The gap asked for.
    pub tolerance: f64,
    /// Seconds since the start.
    pub seconds: f64,
}

/// Settings of [`crate::plan::plan`]; start from [`Settings::new`]. Ranges are checked by `plan`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings<'a> {
    pub(crate) tolerance: f64,
    pub(crate) traffic: f64,
    pub(crate) shift: i64,
    pub(crate) unknown: Unknown,
    pub(crate) holdout: f64,
    pub(crate) fresh: Option<&'a Opportunities>,
    pub(crate) seed: u64,
    pub(crate) threads: Option<usize>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) pass_limit: u32,
    pub(crate) warm_start: Option<&'a Plan>,
    pub(crate) observer: Option<&'a (dyn Fn(&Progress) + Sync)>,
    pub(crate) cancel: Option<&'a AtomicBool>,
    pub(crate) checkpoint: Option<&'a Path>,
    pub(crate) checkpoint_every: Duration,
    pub(crate) memory: usize,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            tolerance: 1e-4,
            traffic: 1.0,
            shift: 0,
            unknown: Unknown::Error,
            holdout: 0.2,
            fresh: None,
            seed: 0,
            threads: None,
            time_limit: None,
            pass_limit: 2_000,
            warm_start: None,
            observer: None,
            cancel: None,
            checkpoint: None,
            checkpoint_every: Duration::from_secs(5),
            memory: 1 << 30,
        }
    }
}

impl Settings<'_> {
    /// Worker threads: as given, or one for each processor.
    pub(crate) fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Whether the caller has asked to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|c| c.load(Ordering::Relaxed))
    }

    /// Tells the observer about passes, bound and value, with the seconds since `started`.
    pub(crate) fn reporter(&self, started: Instant) -> impl Fn(f64, f64, f64) + '_ {
        move |passes, upper_bound, value| {
            if let Some(observer) = self.observer {
                let gap = if value.is_finite() { (upper_bound - value) / upper_bound.abs().max(1.0) } else { f64::INFINITY };
                let seconds = started.elapsed().as_secs_f64();
                observer(&Progress { passes, upper_bound, value, gap, tolerance: self.tolerance, seconds });
            }
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:ident => $expr:expr;)*) => {
        impl<'a> Settings<'a> {
            /// The defaults: tolerance 1e-4, traffic 1, hold-out 0.2, all processors, no limits of time.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }
            $($(#[$doc])* #[must_use] pub fn $name(mut self, $value: $type) -> Self { self.$name = $expr; self })*
        }
    };
}

setters! {
    /// Relative gap at which a plan counts as solved; in `[1e-9, 0.5]`.
    tolerance: f64 = value => value;
    /// Multiplies all weights: a 10 % sample has traffic 10; positive.
    traffic: f64 = value => value;
    /// Microseconds added to the log's times before flights are checked.
    shift: i64 = value => value;
    /// What to do with campaigns that the table lacks.
    unknown: Unknown = value => value;
    /// Fraction of opportunities kept out for the serving certificate; in `[0, 0.9]`.
    holdout: f64 = value => value;
    /// Opportunities for the serving certificate from outside; the hold-out is then 0.
    fresh: &'a Opportunities = value => Some(value);
    /// Draws the hold-out, with the opportunity's id.
    seed: u64 = value => value;
    /// Worker threads; the result has the same bits for every number.
    threads: usize = value => Some(value);
    /// Wall time after which the best plan so far is returned.
    time_limit: Duration = value => Some(value);
    /// Passes after which the best plan so far is returned.
    pass_limit: u32 = value => value;
    /// Starts from an earlier plan of a similar problem: from its prices, and on the same sample also from its answer. After a small change this
    /// takes a few passes; where the problem turns out to be another, at most 8 more than a plan from nothing (at 1e-4).
    warm_start: &'a Plan = value => Some(value);
    /// Called after each pass, on the calling thread.
    observer: &'a (dyn Fn(&Progress) + Sync) = value => Some(value);
    /// Checked often; once true, the best plan so far is returned as `cancelled`.
    cancel: &'a AtomicBool = value => Some(value);
    /// A file that keeps the passes made so far. A plan of the same inputs that finds it there goes on from them, to the same bits as a plan
    /// that was never stopped; limits, threads and tolerance may differ. The file grows with every pass, and stays when the plan ends.
    checkpoint: &'a Path = value => Some(value);
    /// How often the checkpoint is written, at least; 5 seconds unless given. It is always written when the plan ends.
    checkpoint_every: Duration = value => value;
    /// Bytes of a packed log's blocks that stay in memory between passes; 1 GiB unless given. The others are read in every pass.
    memory: usize = value => value;
}
