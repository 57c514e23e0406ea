//! `--name value` pairs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the commands may be told; see the top of `main.rs`.
pub(crate) struct Options {
    pub(crate) tolerance: f64,
    pub(crate) threads: usize,
    pub(crate) repeats: usize,
    pub(crate) x: Option<PathBuf>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) warm: Option<PathBuf>,
    pub(crate) watch: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { tolerance: 1e-4, threads: 1, repeats: 5, x: None, time_limit: None, warm: None, watch: false };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            let path = || Some(Path::new(value).to_path_buf());
            match name.as_str() {
                "--tolerance" => options.tolerance = value.parse()?,
                "--threads" => options.threads = value.parse()?,
                "--repeats" => options.repeats = value.parse()?,
                "--time-limit" => options.time_limit = Some(Duration::from_secs_f64(value.parse()?)),
                "--x" => options.x = path(),
                "--watch" => options.watch = value == "yes",
                "--warm" => options.warm = path(),
                other => return Err(format!("no option {other}").into()),
            }
        }
        Ok(options)
    }
}
