//! Dense vectors and small symmetric systems: the preconditioner's blocks.

/// The product of two vectors, as several sums beside each other: one alone would wait for each addition before the next.
#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    if a.is_empty() {
        return rest;
    }
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Factors a symmetric matrix of `n` rows in place: `L` of `A = L L'` takes the lower half, row-major. Pivots that vanish are replaced by a huge
/// one, which fixes their unknown at 0. O(n^3).
pub(super) fn factorise(a: &mut [f64], n: usize) {
    for j in 0..n {
        let (done, rest) = a.split_at_mut(j * n);
        let row = &mut rest[..n];
        for i in 0..j {
            let above = &done[i * n..][..=i];
            row[i] = (row[i] - dot(&above[..i], &row[..i])) / above[i];
        }
        let pivot = row[j] - dot(&row[..j], &row[..j]);
        row[j] = if pivot > 1e-11 * row[j].abs() && pivot > 0.0 { pivot.sqrt() } else { 1e30 };
    }
}

/// Solves in place by a factor that [`factorise`] gave. O(n^2).
#[inline]
pub(super) fn substitute(l: &[f64], b: &mut [f64]) {
    if let ([b], [l]) = (&mut *b, l) {
        // Most campaigns have one price of their own.
        *b = *b / l / l;
        return;
    }
    let n = b.len();
    for i in 0..n {
        let (done, rest) = b.split_at_mut(i);
        rest[0] = (rest[0] - dot(&l[i * n..][..i], done)) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let (rest, done) = b.split_at_mut(i);
        done[0] /= l[i * n + i];
        rest.iter_mut().zip(&l[i * n..][..i]).for_each(|(b, l)| *b -= l * done[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::{factorise, substitute};

    #[test]
    fn solves_a_positive_definite_system() {
        let a = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let want = [1.0, -2.0, 0.5];
        let mut b: Vec<f64> = (0..3).map(|i| (0..3).map(|j| a[i * 3 + j] * want[j]).sum()).collect();
        let mut factor = a.to_vec();
        factorise(&mut factor, 3);
        substitute(&factor, &mut b);
        assert!(b.iter().zip(want).all(|(x, w)| (x - w).abs() < 1e-12));
    }
}
