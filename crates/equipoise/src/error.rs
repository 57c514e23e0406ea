//! One error type for the whole library: a kind, a stable code, and where the fault is.
//!
//! The same code strings reach every face. Nothing changes on error; iteration and time limits are statuses, not errors.

use std::fmt::{self, Write as _};

/// The result of every fallible call of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// The broad family of an [`Error`]; each face maps it to one exception type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An argument, table, problem or request is wrong.
    InvalidInput,
    /// A policy file is corrupt, too new, or otherwise refused.
    Policy,
    /// The caller used an object in an order or from a thread that is not allowed.
    Usage,
    /// Memory or a stated limit ran out; state is unchanged.
    ResourceExhausted,
    /// A bug in equipoise.
    Internal,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $kind:ident, $what:literal;)*) => {
        /// Every error code, stable across versions and the same in all languages.
        pub mod codes {
            $(#[doc = $what] pub const $name: &str = $code;)*
        }
        /// Every code with its kind and meaning, in a fixed order.
        pub const CODES: &[(&str, Kind, &str)] = &[$(($code, Kind::$kind, $what)),*];
    };
}

codes! {
    SHAPE = "invalid_input.shape", InvalidInput, "An array or column has the wrong length or number of dimensions.";
    TYPE = "invalid_input.type", InvalidInput, "A column or argument has the wrong type.";
    MISSING = "invalid_input.missing", InvalidInput, "A required column or argument is not there.";
    LAYOUT = "invalid_input.layout", InvalidInput, "An array is not contiguous in the required order.";
    NOT_FINITE = "invalid_input.not_finite", InvalidInput, "A number is NaN or infinite.";
    RANGE = "invalid_input.range", InvalidInput, "A number lies outside its stated range.";
    NULL = "invalid_input.null", InvalidInput, "A value is null where none may be.";
    UNKNOWN_CAMPAIGN = "invalid_input.unknown_campaign", InvalidInput, "The log names a campaign that the campaign table lacks.";
    DUPLICATE = "invalid_input.duplicate", InvalidInput, "An id occurs twice where it must be unique.";
    EMPTY = "invalid_input.empty", InvalidInput, "A log, table or opportunity holds nothing.";
    SCATTERED = "invalid_input.scattered", InvalidInput, "The rows of one opportunity are not together.";
    INCONSISTENT = "invalid_input.inconsistent", InvalidInput, "A value that must be constant within an opportunity or item is not.";
    NAIVE_TIME = "invalid_input.naive_time", InvalidInput, "A time column has no zone and none was stated.";
    UNICODE = "invalid_input.unicode", InvalidInput, "Text is not valid Unicode.";
    FOREIGN_ROW = "invalid_input.foreign_row", InvalidInput, "A campaign row belongs to another policy.";
    ROW = "invalid_input.row", InvalidInput, "A campaign row or index is out of range.";
    SYNTAX = "invalid_input.syntax", InvalidInput, "A document is not valid TOML or JSON, or has an unknown field.";
    UNKNOWN_NAME = "invalid_input.unknown_name", InvalidInput, "A problem names a measure, party or segment that no column has.";
    TOO_LARGE = "invalid_input.too_large", InvalidInput, "An input is larger than its stated limit.";
    IO = "invalid_input.io", InvalidInput, "A file cannot be read or written.";
    FILE_CORRUPT = "invalid_input.corrupt", InvalidInput, "A checkpoint or packed file is not what its digest says.";
    FILE_VERSION = "invalid_input.version", InvalidInput, "A checkpoint or packed file was written by another version.";
    FOREIGN_FILE = "invalid_input.foreign_file", InvalidInput, "A checkpoint or packed file belongs to other inputs.";
    FLOOR_ABOVE_CAP = "goal.floor_above_cap", InvalidInput, "A floor lies above the cap of the same ledger.";
    GOAL_SCOPE = "goal.scope", InvalidInput, "A goal has no scope, two scopes, or one its kind cannot have.";
    GOAL_INTERSECTION = "goal.scope_intersection", InvalidInput, "A goal's `of` names more than one key.";
    GOAL_LIMIT = "goal.limit", InvalidInput, "A goal lacks a limit its kind needs, or has one its kind cannot have.";
    GOAL_UNSUPPORTED = "goal.unsupported", InvalidInput, "This version does not plan goals of this kind.";
    FLIGHT = "goal.flight", InvalidInput, "A flight ends before it starts.";
    EMPTY_LIST = "goal.empty_list", InvalidInput, "A market or surface list is empty; null means everywhere.";
    CORRUPT = "policy.corrupt", Policy, "The bytes are not a well-formed policy file.";
    VERSION = "policy.version", Policy, "The policy file needs a newer reader, or is too old.";
    POLICY_LIMIT = "policy.limit", Policy, "The policy exceeds a stated limit.";
    STALE = "policy.stale", Policy, "The policy's `valid_until` has passed.";
    FOREIGN = "policy.foreign", Policy, "The policy belongs to another programme, or does not come from the live one.";
    OLDER = "policy.older", Policy, "The policy's epoch is before that of the live one.";
    WORSE = "policy.worse", Policy, "The policy's certificate is worse than that of the live one.";
    NOT_KEPT = "policy.not_kept", Policy, "The policy to roll back to is not among those kept.";
    CLOSED = "usage.closed", Usage, "The object was closed.";
    CONCURRENT = "usage.concurrent", Usage, "A workspace was used by two threads at once.";
    CANCELLED = "usage.cancelled", Usage, "The caller asked to stop before there was a result.";
    NOT_BEGUN = "usage.not_begun", Usage, "The request was not begun, or has not been scored yet.";
    LIBRARY = "usage.library", Usage, "The native library of a face cannot be loaded or is of another version.";
    MEMORY = "resource_exhausted.memory", ResourceExhausted, "Memory could not be had; nothing changed.";
    PANIC = "internal.panic", Internal, "A bug in equipoise; the process goes on.";
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The stable code, one of [`CODES`].
    pub code: &'static str,
    /// The argument, column or path (`goals[3].penalty`) at fault.
    pub argument: String,
    /// The row or element, where there is one.
    pub index: Option<u64>,
    /// What was found and what was wanted.
    pub message: String,
}

/// What went wrong: at least one [`Fault`], the first of which gives code, argument and index.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    faults: Vec<Fault>,
    text: String,
}

impl Error {
    /// An error of one fault. `message` says what was found (escape ids with [`quote`]) and what was wanted.
    pub fn new(code: &'static str, argument: impl Into<String>, index: Option<u64>, message: impl Into<String>) -> Self {
        Self::from_faults(vec![Fault { code, argument: argument.into(), index, message: message.into() }], &[])
    }

    fn from_faults(faults: Vec<Fault>, hidden: &[(&'static str, usize)]) -> Self {
        let mut text = String::new();
        for (i, f) in faults.iter().enumerate() {
            if i > 0 {
                text.push('\n');
            }
            let _ = write!(text, "{}: {}", f.code, f.argument);
            if let Some(at) = f.index {
                let _ = write!(text, "[{at}]");
            }
            let _ = write!(text, ": {}", f.message);
        }
        for (code, n) in hidden {
            let _ = write!(text, "\n{code}: and {n} more");
        }
        Self(Box::new(Inner { faults, text }))
    }

    /// The family of this error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let code = self.code();
        CODES.iter().find(|c| c.0 == code).map_or(Kind::Internal, |c| c.1)
    }

    /// The stable code of the first fault, such as `invalid_input.shape`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.faults[0].code
    }

    /// The argument, column or path of the first fault.
    #[must_use]
    pub fn argument(&self) -> &str {
        &self.0.faults[0].argument
    }

    /// The row or element of the first fault.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        self.0.faults[0].index
    }

    /// All faults that were kept: at most 20 of a code.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Error {}

/// How many faults of one code an [`Error`] lists before it only counts them.
pub const FAULTS_SHOWN: usize = 20;

/// Collects every fault of an input, so that all are reported at once.
#[derive(Debug, Default)]
pub struct Faults {
    shown: Vec<Fault>,
    counts: Vec<(&'static str, usize)>,
}

impl Faults {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. The message is only built while it would be shown, so a million faults cost a million counts.
    pub fn push(&mut self, code: &'static str, argument: &str, index: Option<u64>, message: impl FnOnce() -> String) {
        let at = self.counts.iter().position(|c| c.0 == code).unwrap_or_else(|| {
            self.counts.push((code, 0));
            self.counts.len() - 1
        });
        self.counts[at].1 += 1;
        if self.counts[at].1 <= FAULTS_SHOWN {
            self.shown.push(Fault { code, argument: argument.to_owned(), index, message: message() });
        }
    }

    /// Takes over the faults of an error raised elsewhere.
    pub fn absorb(&mut self, error: &Error) {
        for f in error.faults() {
            self.push(f.code, &f.argument, f.index, || f.message.clone());
        }
    }

    /// Whether nothing was found so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// `Ok` if nothing was found, else one error with everything.
    ///
    /// # Errors
    /// The collected faults, if any.
    pub fn finish(self) -> Result<()> {
        if self.shown.is_empty() {
            return Ok(());
        }
        let hidden: Vec<_> = self.counts.iter().filter(|c| c.1 > FAULTS_SHOWN).map(|c| (c.0, c.1 - FAULTS_SHOWN)).collect();
        Err(Error::from_faults(self.shown, &hidden))
    }
}

/// An outside string as it may stand in a message: quoted, control and bidirectional characters escaped, cut at 80 characters.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("\"{}\"", printable(text, 80, true))
}

/// Outside prose, such as another library's error text, as it may stand in a message: like [`quote`], without the quotes, cut at `limit` characters.
#[must_use]
pub fn escape(text: &str, limit: usize) -> String {
    printable(text, limit, false)
}

fn printable(text: &str, limit: usize, quoted: bool) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == limit {
            out.push('…');
            break;
        }
        match c {
            '"' | '\\' if quoted => {
                out.push('\\');
                out.push(c);
            }
            _ if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') =>
            {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out
}
