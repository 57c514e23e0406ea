//! Progress of a plan on a terminal, and the stop by Ctrl-C.

use equipoise::plan::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The flag that a plan watches: the first Ctrl-C sets it and the plan then returns what it has, the second ends the process.
///
/// It is set in the signal's handler itself, so it is set before the interrupted work goes on.
pub(crate) fn cancel_on_interrupt() -> Arc<AtomicBool> {
    let cancelled = Arc::new(AtomicBool::new(false));
    // Actions run in their order: one that finds the flag set ends the process. Where none can be set, Ctrl-C ends it as it always did.
    if flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&cancelled)).is_ok() {
        let _ = flag::register(SIGINT, Arc::clone(&cancelled));
    }
    cancelled
}

/// One line that is redrawn after each pass; nothing where the standard error is not a terminal.
pub(crate) struct Line(ProgressBar);

impl Line {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Says what is being done.
    pub(crate) fn say(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// Says what has been done.
    pub(crate) fn tell(&self, what: String) {
        self.0.set_message(what);
    }

    pub(crate) fn update(&self, p: &Progress) {
        let gap = if p.gap.is_finite() { format!("gap {:.1e}", p.gap) } else { "no certificate yet".to_owned() };
        self.0.set_message(format!("{:.1} passes, {gap} (asked {:.0e}), {:.1} s", p.passes, p.tolerance, p.seconds));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
