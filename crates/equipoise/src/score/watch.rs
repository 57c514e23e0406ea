//! Installing a policy file whenever it changes.

use super::{Install, Installed, Scorer};
use crate::error::{Error, Result, codes};
use crate::publish::io_error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

/// A file that is looked at from time to time. Publish it by rename: a file that is written in place is refused until it is whole.
#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    install: Install,
    seen: Option<Seen>,
}

/// What the path was when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    File(Stamp),
    /// Nothing that can be looked at.
    Nothing(io::ErrorKind),
}

/// What changes with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// Device and inode, where there are such things.
    inode: (u64, u64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let inode = (0, 0);
        Ok(Self { modified: metadata.modified().ok(), size: metadata.len(), inode })
    }
}

impl FileWatch {
    /// Watches `path`, installing what it finds by the rules of `install`. Nothing is looked at yet: the first poll installs the file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, install: Install) -> Self {
        Self { path: path.into(), install, seen: None }
    }

    /// Looks once: a file that has changed since the last look is loaded, checked and installed. Also lets breakers back whose time has come, and
    /// frees retired policies. `None` where nothing was to be done.
    ///
    /// A file that is refused is not tried again until it changes, and one that cannot be read is told once.
    ///
    /// # Errors
    /// As [`Scorer::install_file`]; the live policy stays.
    pub fn poll(&mut self, scorer: &Scorer) -> Result<Option<Installed>> {
        scorer.tick();
        let stamp = match Stamp::of(&self.path) {
            Ok(stamp) => stamp,
            Err(error) => {
                let nothing = Some(Seen::Nothing(error.kind()));
                let known = self.seen == nothing;
                self.seen = nothing;
                let told = || scorer.count_refusal(io_error("path", &self.path, &error));
                return if known { Ok(None) } else { Err(told()) };
            }
        };
        let seen = Some(Seen::File(stamp));
        if self.seen == seen {
            return Ok(None);
        }
        let outcome = scorer.install_file(&self.path, self.install);
        // A file that changed while it was read is looked at again.
        let after = Stamp::of(&self.path).ok().map(Seen::File);
        self.seen = if after == seen { seen } else { None };
        outcome.map(Some)
    }
}

/// Rounds of all watchers that are under way, and whoever holds them up.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Waits until no watcher of the process is at work, and keeps all from it until [`resume_watchers`]: for hosts that fork, whose child must not
/// find a lock held by a thread that it does not have.
pub fn hold_watchers() {
    HELD.fetch_add(1, Ordering::SeqCst);
    while ROUNDS.load(Ordering::SeqCst) != 0 {
        thread::sleep(Duration::from_micros(100));
    }
}

/// Ends one [`hold_watchers`], in the process that called it or in its child.
pub fn resume_watchers() {
    HELD.fetch_sub(1, Ordering::SeqCst);
}

/// A thread of its own that polls a [`FileWatch`]; it stops when this is dropped. A process that was forked off has no such thread.
#[derive(Debug)]
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

impl Scorer {
    /// Starts a thread that polls `watch` now and then every `interval`. What is refused is counted, and told by [`Scorer::last_refusal`].
    ///
    /// # Errors
    /// `resource_exhausted.memory` where no thread can be had.
    pub fn watch(&self, watch: FileWatch, interval: Duration) -> Result<Watcher> {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, scorer) = (Arc::clone(&stop), self.clone());
        let work = move || turn(&scorer, watch, interval, &asked);
        let thread = thread::Builder::new().name("equipoise-watch".to_owned()).spawn(work);
        let told = |e| Error::new(codes::MEMORY, "watch", None, format!("no thread could be started: {e}"));
        Ok(Watcher { stop, thread: Some(thread.map_err(told)?), process: std::process::id() })
    }
}

fn turn(scorer: &Scorer, mut watch: FileWatch, interval: Duration, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let round = Round::begin();
        // Asked after the round has begun: either it sees that it is held, or whoever holds sees it.
        if HELD.load(Ordering::SeqCst) == 0 {
            // A refusal is counted and kept where it happens.
            let _ = watch.poll(scorer);
            drop(round);
            thread::park_timeout(interval);
        } else {
            drop(round);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// One round of a watcher; it ends by a panic, too.
struct Round;

impl Round {
    fn begin() -> Self {
        ROUNDS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        ROUNDS.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watcher {
    /// Whether the thread runs in this process.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process == std::process::id() && self.thread.as_ref().is_some_and(|t| !t.is_finished())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        if self.process != std::process::id() {
            // The thread stayed in the parent; here there is nothing to wait for or to free.
            std::mem::forget(thread);
            return;
        }
        thread.thread().unpark();
        // A panic in the thread was reported by the panic hook; there is nobody to pass it on to.
        let _ = thread.join();
    }
}
