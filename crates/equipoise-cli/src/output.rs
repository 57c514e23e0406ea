//! What a command has to say, as text and as one JSON object.

use equipoise::Error;
use equipoise::error::{escape, quote};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything that was asked.
    Good,
    /// The command ran, but what it was to reach was not reached.
    NotMet,
    /// An input was refused.
    BadInput,
}

/// The result of a command.
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Report {
    /// The report of a refused input.
    pub(crate) fn of_error(error: &Error) -> Self {
        let faults: Vec<_> = error
            .faults()
            .iter()
            .map(|f| json!({"code": f.code, "argument": f.argument, "index": f.index, "message": f.message}))
            .collect();
        let first = &error.faults()[0];
        let json = json!({"error": {
            "code": first.code, "argument": first.argument, "index": first.index, "message": error.to_string(), "faults": faults,
        }});
        Self { outcome: Outcome::BadInput, text: format!("equipoise: {error}\n"), json }
    }

    /// Prints the report, errors as text to the standard error and everything else to the standard output.
    ///
    /// A reader that went away early is not an error.
    pub(crate) fn print(&self, as_json: bool) -> ExitCode {
        let written = if as_json {
            writeln!(io::stdout().lock(), "{}", self.json)
        } else if self.outcome == Outcome::BadInput {
            io::stderr().lock().write_all(self.text.as_bytes())
        } else {
            io::stdout().lock().write_all(self.text.as_bytes())
        };
        match (written, self.outcome) {
            (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "equipoise: cannot write: {error}");
                ExitCode::from(2)
            }
            (_, Outcome::Good) => ExitCode::SUCCESS,
            (_, Outcome::NotMet) => ExitCode::from(1),
            (_, Outcome::BadInput) => ExitCode::from(2),
        }
    }
}

/// Columns of text, each as wide as its widest cell; the first is left-aligned where it is text.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with these headings; those that end in `>` align right.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|h| h.ends_with('>')).collect();
        Self { rows: vec![headings.iter().map(|h| h.trim_end_matches('>').to_owned()).collect()], right }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Appends the table to `text`, indented by two spaces.
    pub(crate) fn write(&self, text: &mut String) {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), &right) in row.iter().zip(&widths).zip(&self.right) {
                let _ = if right { write!(line, "  {cell:>width$}") } else { write!(line, "  {cell:<width$}") };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
}

/// An id or name from outside, safe for a terminal: as it is where it is plain, else quoted and escaped.
pub(crate) fn shown(text: &str) -> String {
    let quoted = quote(text);
    let inner = &quoted[1..quoted.len() - 1];
    if inner == text && !text.is_empty() && !text.contains(' ') { text.to_owned() } else { quoted }
}

/// A sentence or path with names from outside in it, safe for a terminal: what could write to it escaped, nothing else changed.
pub(crate) fn plain(text: &str) -> String {
    escape(text, usize::MAX)
}

/// A number with six significant digits.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let digits = (5.0 - magnitude).max(0.0) as usize;
    let fixed = format!("{value:.digits$}");
    if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.').to_owned() } else { fixed }
}

#[cfg(test)]
mod tests {
    use super::{number, plain, shown};

    #[test]
    fn names_from_outside_cannot_write_to_the_terminal() {
        assert_eq!(shown("waves"), "waves");
        assert_eq!(shown("two words"), "\"two words\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("\u{1b}[31m\u{202e}"), "\"\\u{1b}[31m\\u{202e}\"");
        assert_eq!(plain("\"cap\" of a\\b\u{7}"), "\"cap\" of a\\b\\u{7}");
    }

    #[test]
    fn numbers_keep_six_digits() {
        let cases = [(0.0, "0"), (1.0, "1"), (-0.25, "-0.25"), (1234.5678, "1234.57"), (123_456_789.0, "123456789")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(1.5e-7), "1.50000e-7");
        assert_eq!(number(2e12), "2.00000e12");
    }
}
