//! What the rows of an opportunity share.

use crate::error::{Faults, codes};
use std::collections::HashSet;
use std::fmt::Debug;

/// Where the opportunities of a batch begin.
pub(super) struct Runs<'a> {
    pub(super) begins: &'a [usize],
    pub(super) base: u64,
    pub(super) distrusted: &'a mut HashSet<&'static str>,
}

impl Runs<'_> {
    /// Appends the value of each opportunity that begins, and reports rows that differ from the first of theirs.
    /// Without `faults` the column has some in this batch already, and is not compared.
    pub(super) fn append<T: Copy + PartialEq, D: Debug>(
        &mut self,
        name: &'static str,
        values: &[T],
        out: &mut Vec<T>,
        faults: Option<&mut Faults>,
        shown: impl Fn(&T) -> D,
    ) {
        let ends = self.begins.iter().copied().skip(1).chain([values.len()]);
        let last = out.last().copied();
        out.extend(self.begins.iter().map(|row| values[*row]));
        let Some(faults) = faults else {
            self.distrusted.insert(name);
            return;
        };
        let mut check = |from: usize, to: usize, expected: T| {
            let run = &values[from..to];
            if leading(run, expected) == run.len() {
                return;
            }
            for (i, value) in run.iter().enumerate().filter(|(_, value)| **value != expected) {
                faults.push(codes::INCONSISTENT, name, Some(self.base + (from + i) as u64), || {
                    format!("{:?} differs from {:?}, which its opportunity began with", shown(value), shown(&expected))
                });
            }
        };
        // Rows before the first beginning belong to the opportunity of the batch before.
        if let Some(last) = last.filter(|_| !self.distrusted.contains(name)) {
            check(0, self.begins.first().copied().unwrap_or(values.len()), last);
        }
        for (from, to) in self.begins.iter().copied().zip(ends) {
            check(from, to, values[from]);
        }
        if !self.begins.is_empty() {
            self.distrusted.remove(name);
        }
    }
}

/// How many of the first values are `same`. Compares many at a time: most columns that are constant within an opportunity hardly ever change.
pub(super) fn leading<T: Copy + PartialEq>(values: &[T], same: T) -> usize {
    let all = |chunk: &&[T; 32]| chunk.iter().filter(|value| **value != same).count() == 0;
    let whole = values.as_chunks::<32>().0.iter().take_while(all).count() * 32;
    whole + values[whole..].iter().take_while(|value| **value == same).count()
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn leading_values_are_counted_at_every_length() {
        for n in 0..100_usize {
            assert_eq!(leading(&vec![7_i64; n], 7), n);
            for at in 0..n {
                let mut values = vec![7_i64; n];
                values[at] = 8;
                assert_eq!(leading(&values, 7), at, "{n}");
            }
        }
        assert_eq!(leading(&[f32::NAN; 3], f32::NAN), 0);
    }
}
