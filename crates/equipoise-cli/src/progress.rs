//! Progress of a plan on a terminal, and the stop by Ctrl-C.

use equipoise::plan::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Set by the first Ctrl-C; the plan then returns what it has.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// The flag that a plan watches. The first Ctrl-C sets it, the second ends the process.
pub(crate) fn cancel_on_interrupt() -> &'static AtomicBool {
    // Where no handler can be set, Ctrl-C ends the process as it always did.
    let _ = ctrlc::set_handler(|| {
        if CANCELLED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    &CANCELLED
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
