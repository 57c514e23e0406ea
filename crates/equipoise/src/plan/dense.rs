//! A small dense Cholesky factor: the preconditioner's blocks.

/// `L` of `A = L L'`, row-major. Pivots that vanish are replaced by a huge one, which fixes their unknown at 0.
#[derive(Debug, Clone)]
pub(super) struct Cholesky {
    l: Vec<f64>,
    /// `L'`, so that both halves of a solve run along rows; empty for a single unknown.
    transposed: Vec<f64>,
    n: usize,
}

impl Cholesky {
    /// Factors a symmetric matrix of `n` rows. O(n^3).
    pub(super) fn new(mut a: Vec<f64>, n: usize) -> Self {
        factorise(&mut a, n);
        let transposed = if n > 1 { (0..n * n).map(|i| a[i % n * n + i / n]).collect() } else { Vec::new() };
        Self { l: a, transposed, n }
    }

    /// Solves in place. O(n^2).
    #[inline]
    pub(super) fn solve(&self, b: &mut [f64]) {
        if let ([b], [l]) = (&mut *b, self.l.as_slice()) {
            // Most campaigns have one price of their own.
            *b = *b / l / l;
        } else {
            self.substitute(b);
        }
    }

    fn substitute(&self, b: &mut [f64]) {
        let (l, n) = (&self.l, self.n);
        for i in 0..n {
            let row = &self.transposed[i * n..][i..n];
            b[i] /= row[0];
            let x = b[i];
            for (b, l) in b[i + 1..].iter_mut().zip(&row[1..]) {
                *b -= l * x;
            }
        }
        for i in (0..n).rev() {
            b[i] /= l[i * n + i];
            let x = b[i];
            for (b, l) in b[..i].iter_mut().zip(&l[i * n..][..i]) {
                *b -= l * x;
            }
        }
    }
}

/// Factors a symmetric matrix of `n` rows in place: `L` takes the lower half. O(n^3).
pub(super) fn factorise(a: &mut [f64], n: usize) {
    for j in 0..n {
        let (done, rest) = a.split_at_mut(j * n);
        let row = &mut rest[..n];
        for i in 0..j {
            let above = &done[i * n..][..=i];
            let sum: f64 = above[..i].iter().zip(&row[..i]).map(|(x, y)| x * y).sum();
            row[i] = (row[i] - sum) / above[i];
        }
        let sum: f64 = row[..j].iter().map(|x| x * x).sum();
        let pivot = row[j] - sum;
        row[j] = if pivot > 1e-11 * row[j].abs() && pivot > 0.0 { pivot.sqrt() } else { 1e30 };
    }
}

/// Solves in place by a small factor that [`factorise`] gave. O(n^2).
#[inline]
pub(super) fn substitute(l: &[f64], b: &mut [f64]) {
    if let ([b], [l]) = (&mut *b, l) {
        // Most campaigns have one price of their own.
        *b = *b / l / l;
        return;
    }
    let n = b.len();
    for i in 0..n {
        b[i] = (b[i] - (0..i).map(|j| l[i * n + j] * b[j]).sum::<f64>()) / l[i * n + i];
    }
    for i in (0..n).rev() {
        b[i] /= l[i * n + i];
        let x = b[i];
        b[..i].iter_mut().zip(&l[i * n..][..i]).for_each(|(b, l)| *b -= l * x);
    }
}

#[cfg(test)]
mod tests {
    use super::Cholesky;

    #[test]
    fn solves_a_positive_definite_system() {
        let a = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let want = [1.0, -2.0, 0.5];
        let mut b: Vec<f64> = (0..3).map(|i| (0..3).map(|j| a[i * 3 + j] * want[j]).sum()).collect();
        Cholesky::new(a.to_vec(), 3).solve(&mut b);
        assert!(b.iter().zip(want).all(|(x, w)| (x - w).abs() < 1e-12));
    }
}
